"""The gradient of the loss with respect to a model's outputs: where the way back through the model begins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privacy_component.observations.observations import MULTICLASS, MULTILABEL
from privacy_component.observations.outputs import LOGITS

_TINY = np.finfo(np.float32).tiny


def loss_gradients(outputs: NDArray, labels: NDArray, kind: str, task: str) -> NDArray[np.float64]:
    """D loss / d outputs of each example, with losses as `signals` defines them but for their bounds.

    A confident probability lies so close to 1 that 1 - p vanishes in float32, so it is added up from the other classes.
    Of probabilities that sum to 1 the gradient is only known up to a constant, which changes nothing on its way
    through the model; it is chosen so that nothing cancels there either: 1 for the other classes, -(1 - p_y) / p_y.

    Args:
      outputs: (n, k) as the model gave them; (n, 1) for one sigmoid output or one prediction, (n, 2) for mean and
        variance, of which the mean counts.
      labels: (n,) class numbers; (n, k) of 0 and 1 for multi-label; (n,) numbers for regression.
      kind: 'logits' or 'probabilities'.
      task: 'multiclass', 'multilabel' or 'regression'.

    Returns:
      (n, k) float64.
    """
    values = outputs.astype(np.float64)
    if task == MULTICLASS and values.shape[1] > 1:
        return _of_softmax(values, labels) if kind == LOGITS else _of_probabilities(values, labels)
    if task in (MULTICLASS, MULTILABEL):
        return _of_sigmoids(values, labels.reshape(values.shape).astype(bool), kind)
    gradients = np.zeros_like(values)
    gradients[:, 0] = 2 * (values[:, 0] - labels)
    return gradients


def _of_softmax(z: NDArray[np.float64], labels: NDArray) -> NDArray[np.float64]:
    odds = np.exp(z - z.max(axis=1, keepdims=True))
    p = odds / odds.sum(axis=1, keepdims=True)
    rows = np.arange(len(p))
    p[rows, labels] = 0.0
    p[rows, labels] = -p.sum(axis=1)
    return p


def _of_probabilities(p: NDArray[np.float64], labels: NDArray) -> NDArray[np.float64]:
    rows = np.arange(len(p))
    own = np.maximum(p[rows, labels], _TINY)
    others = p.copy()
    others[rows, labels] = 0.0
    gradients = np.ones_like(p)
    gradients[rows, labels] = -others.sum(axis=1) / own
    return gradients


def _of_sigmoids(values: NDArray[np.float64], is_set: NDArray[np.bool_], kind: str) -> NDArray[np.float64]:
    if kind == LOGITS:
        towards = 1 / (1 + np.exp(np.clip(np.where(is_set, values, -values), -700, 700)))
        return np.where(is_set, -towards, towards)
    return np.where(is_set, -1 / np.maximum(values, _TINY), 1 / np.maximum(1 - values, _TINY))
