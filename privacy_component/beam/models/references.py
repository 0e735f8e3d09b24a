"""All reference models on a worker: the signal of every example under each of them, one model after the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privacy_component.beam.models.compared import Asked, outputs_of, signal_of
from privacy_component.beam.models.served_model import ServedModel
from privacy_component.beam.plan import ReferencePlan
from privacy_component.observations.needs import REFERENCE_IS_MEMBER, REFERENCE_SIGNALS
from privacy_component.observations.reference_halves import halves


class ServedReferences:
    """K models that take serialized examples; of a batch of n they leave (n, K) float64, however many classes."""

    stage = 'reference models'

    def __init__(self, plan: ReferencePlan):
        self._seed = plan.seed
        self._names = [reference_name(number, len(plan.models)) for number in range(len(plan.models))]
        self._models = [ServedModel(model, name) for model, name in zip(plan.models, self._names, strict=True)]

    def load(self) -> None:
        """Loads the models once per worker."""
        for model in self._models:
            model.load()

    def columns(self, asked: Asked) -> dict[str, NDArray]:
        """What attacks with reference models ask for.

        Raises:
          PrivacyInputError: a model cannot be called, or gives another number of outputs; the message says which.
        """
        signals = np.empty((asked.serialized.num_rows, len(self._models)))
        for number, (model, name) in enumerate(zip(self._models, self._names, strict=True)):
            signals[:, number] = signal_of(model, name, outputs_of(model, name, asked), asked)
        is_in = halves(asked.example_id, len(self._models), self._seed)
        return {REFERENCE_SIGNALS: signals, REFERENCE_IS_MEMBER: is_in}


def reference_name(number: int, num_models: int) -> str:
    """What errors call a reference model; models are counted from 1."""
    return f'reference model {number + 1} of {num_models}'
