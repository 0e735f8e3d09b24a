"""All reference models on a worker: the signal of every example under each of them, one model after the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privacy_component.beam.models.served_model import ServedModel
from privacy_component.beam.models.signatures import Serialized
from privacy_component.beam.plan import ReferencePlan
from privacy_component.errors import PrivacyInputError, prefixed_errors
from privacy_component.observations.needs import REFERENCE_IS_MEMBER, REFERENCE_SIGNALS
from privacy_component.observations.observations import Observations
from privacy_component.observations.outputs import as_observations
from privacy_component.observations.reference_halves import halves
from privacy_component.observations.reference_signals import main_signal


class ServedReferences:
    """K models that take serialized examples; of a batch of n they leave (n, K) float64, however many classes."""

    def __init__(self, plan: ReferencePlan, task: str):
        self._plan, self._task = plan, task
        self._names = [reference_name(number, len(plan.models)) for number in range(len(plan.models))]
        self._models = [ServedModel(model, name) for model, name in zip(plan.models, self._names, strict=True)]

    def load(self) -> None:
        """Loads the models once per worker."""
        for model in self._models:
            model.load()

    def columns(
        self, serialized: Serialized, example_id: NDArray[np.uint64], labels: NDArray, num_outputs: int
    ) -> dict[str, NDArray]:
        """What attacks with reference models ask for.

        Args:
          serialized: n examples.
          example_id: (n,) their hashes, which tell what each model was trained on.
          labels: theirs.
          num_outputs: of the model that is judged, for each example.

        Raises:
          PrivacyInputError: a model cannot be called, or gives another number of outputs; the message says which.
        """
        signals = np.empty((serialized.num_rows, len(self._models)))
        for number, (model, name) in enumerate(zip(self._models, self._names, strict=True)):
            outputs = model.outputs(serialized)
            with prefixed_errors(name):
                _check_same_number(outputs.shape[1], num_outputs)
                signals[:, number] = main_signal(self._seen(model, outputs, example_id, labels))
        is_in = halves(example_id, len(self._models), self._plan.seed)
        return {REFERENCE_SIGNALS: signals, REFERENCE_IS_MEMBER: is_in}

    def _seen(
        self, model: ServedModel, outputs: NDArray, example_id: NDArray[np.uint64], labels: NDArray
    ) -> Observations:
        nobody = np.zeros(len(example_id), bool)
        return as_observations(
            is_member=nobody,
            example_id=example_id,
            labels=labels,
            outputs=outputs,
            kind=model.output_kind,
            task=self._task,
        )


def reference_name(number: int, num_models: int) -> str:
    """What errors call a reference model; models are counted from 1."""
    return f'reference model {number + 1} of {num_models}'


def _check_same_number(its: int, candidates: int) -> None:
    if its != candidates:
        raise PrivacyInputError(
            f'it gives {its} outputs per example and the candidate {candidates}: it was trained for other labels, so '
            'train the reference models again with the module of the candidate.'
        )
