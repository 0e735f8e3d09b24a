"""The columns that are computed from a model: one function and one line in SOURCES for each."""

from __future__ import annotations

from collections.abc import Callable

from numpy.typing import NDArray

from privacy_component.beam.models.served_model import ServedModel
from privacy_component.beam.models.signatures import Serialized
from privacy_component.observations.loss_gradients import loss_gradients
from privacy_component.observations.needs import GRADIENT_NORM, GRADIENT_NORMS_BY_LAYER

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


SOURCES: dict[str, Source] = {
    GRADIENT_NORM: gradient_norm,
    GRADIENT_NORMS_BY_LAYER: gradient_norms_by_layer,
}
