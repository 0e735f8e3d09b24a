"""One number for each example under another model than the candidate, by which the two are compared."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from privacy_component.beam.models.served_model import ServedModel
from privacy_component.beam.models.signatures import Serialized
from privacy_component.errors import PrivacyInputError, prefixed_errors
from privacy_component.observations.outputs import as_observations
from privacy_component.observations.reference_signals import main_signal


class Asked(NamedTuple):
    """What other models are asked about.

    Attributes:
      serialized: n examples.
      example_id: (n,) their hashes.
      labels: theirs.
      num_outputs: of the candidate, for each example.
      task: the candidate's.
    """

    serialized: Serialized
    example_id: NDArray[np.uint64]
    labels: NDArray
    num_outputs: int
    task: str


def outputs_of(model: ServedModel, name: str, asked: Asked) -> NDArray:
    """(n, k) what a model says; `name` is what errors call it.

    Raises:
      PrivacyInputError: it cannot be called, or gives another number of outputs than the candidate.
    """
    outputs = model.outputs(asked.serialized)
    if outputs.shape[1] != asked.num_outputs:
        raise PrivacyInputError(
            f'{name}: it gives {outputs.shape[1]} outputs per example and the candidate {asked.num_outputs}: it was '
            'trained for other labels, so train it again with the module of the candidate.'
        )
    return outputs


def signal_of(model: ServedModel, name: str, outputs: NDArray, asked: Asked) -> NDArray[np.float64]:
    """(n,) the signal that models are compared by, of (n, k) outputs.

    Raises:
      PrivacyInputError: the outputs cannot be used.
    """
    with prefixed_errors(name):
        seen = as_observations(
            is_member=np.zeros(len(asked.example_id), bool),
            example_id=asked.example_id,
            labels=asked.labels,
            outputs=outputs,
            kind=model.output_kind,
            task=asked.task,
        )
        return main_signal(seen)
