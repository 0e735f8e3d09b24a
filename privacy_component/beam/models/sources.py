"""The columns that are computed from a model: one function and one line in SOURCES for each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from privacy_component.beam.models.noisy_copies import noisy_copies
from privacy_component.beam.models.served_model import ServedModel
from privacy_component.beam.models.signatures import Serialized
from privacy_component.errors import PrivacyInputError
from privacy_component.observations.loss_gradients import loss_gradients
from privacy_component.observations.needs import GRADIENT_NORM, GRADIENT_NORMS_BY_LAYER, LABEL_STABILITY
from privacy_component.observations.observations import MULTILABEL
from privacy_component.observations.outputs import LOGITS

Source = Callable[[ServedModel, Serialized, NDArray, NDArray, str], NDArray]


def gradient_norm(model: ServedModel, serialized: Serialized, labels: NDArray, outputs: NDArray, task: str) -> NDArray:
    """(n,) the norm of each example's loss gradient over all weights (Nasr et al. 2019, arXiv 1812.00910).

    Args:
      model: the model.
      serialized: n examples.
      labels: theirs.
      outputs: (n, k) what the model said of them.
      task: the model's.
    """
    return model.gradient_norms(serialized, loss_gradients(outputs, labels, model.output_kind, task))


def gradient_norms_by_layer(
    model: ServedModel, serialized: Serialized, labels: NDArray, outputs: NDArray, task: str
) -> NDArray:
    """(n, layers + 1) `gradient_norm`, and the norms over the weights of each layer; arguments as there."""
    return model.gradient_norms_by_layer(serialized, loss_gradients(outputs, labels, model.output_kind, task))


def label_stability(
    model: ServedModel, serialized: Serialized, labels: NDArray, outputs: NDArray, task: str
) -> NDArray:
    """(n,) the share of noisy copies of each example that the model gives the example's label; 0 where it is wrong.

    Of several labels, the mean of the shares. (Choquette-Choo et al. 2021, arXiv 2007.14321, which gives what is wrong
    as it is a distance of 0, too.)

    Raises:
      PrivacyInputError: an example has a finite answer and one of its copies has not.
    """
    assert model.noise is not None
    is_right = _are_right(outputs, labels, model.output_kind, task)
    kept = np.zeros(is_right.shape)
    for records in noisy_copies(serialized.records, model.noise):
        answers = model.outputs(Serialized(records, serialized.size))
        _check_finite(answers, outputs)
        kept += is_right & _are_right(answers, labels, model.output_kind, task)
    return kept.mean(axis=1) / model.noise.num_copies


def _are_right(outputs: NDArray, labels: NDArray, kind: str, task: str) -> NDArray[np.bool_]:
    """(n, 1) whether the decision is the label's; (n, classes) of several labels."""
    is_yes = outputs > (0 if kind == LOGITS else 0.5)
    if task == MULTILABEL:
        return is_yes == labels.astype(bool)
    decided = is_yes[:, 0] if outputs.shape[1] == 1 else outputs.argmax(axis=1)
    return (decided == labels)[:, None]


def _check_finite(answers: NDArray, outputs: NDArray) -> None:
    """A copy without an answer would count as one whose label changed, and hide what the model remembers."""
    bad = int(np.count_nonzero(np.isfinite(outputs).all(axis=1) & ~np.isfinite(answers).all(axis=1)))
    if bad:
        raise PrivacyInputError(
            f"the attack 'label_stability' asks the model about noisy copies of examples, and to copies of {bad} of "
            f'{len(outputs)} examples of a batch it answers NaN or infinity: make the model answer to every value that '
            'a feature can have, or leave the attack out of PrivacyConfig.attacks.'
        )


SOURCES: dict[str, Source] = {
    GRADIENT_NORM: gradient_norm,
    GRADIENT_NORMS_BY_LAYER: gradient_norms_by_layer,
    LABEL_STABILITY: label_stability,
}
