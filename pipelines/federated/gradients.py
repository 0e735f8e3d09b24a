"""Losses and gradients of single examples of a network of dense layers, in closed form.

The gradient of an example's loss is, for each layer, the outer product of the layer's inputs a and the loss's gradient
d with respect to its sums. So its inner product with a change D of the weights is (a D) . d, and its squared norm
(|a|^2 + 1) |d|^2: nothing of the size of the weights is ever made for an example.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import log_softmax


class Passed(NamedTuple):
    """n examples in a network of L layers.

    Attributes:
      losses: (n,) cross-entropies.
      inputs: L arrays (n, inputs of the layer).
      deltas: L arrays (n, outputs of the layer), gradients of the loss with respect to the layer's sums.
    """

    losses: np.ndarray
    inputs: list[np.ndarray]
    deltas: list[np.ndarray]


def passed(weights: Sequence[np.ndarray], x: np.ndarray, labels: np.ndarray) -> Passed:
    """A forward and a backward pass; `weights` are kernel, bias, kernel, bias ..., with a ReLU between layers."""
    kernels, biases = weights[::2], weights[1::2]
    inputs = [np.asarray(x, np.float64)]
    for kernel, bias in zip(kernels, biases, strict=True):
        sums = inputs[-1] @ kernel + bias
        inputs.append(np.maximum(sums, 0))
    log_probs = log_softmax(sums, axis=1)
    rows = np.arange(len(labels))
    delta = np.exp(log_probs)
    delta[rows, labels] = 0
    delta[rows, labels] = -delta.sum(axis=1)  # p - 1, to the last digits
    deltas = [delta]
    for kernel, seen in zip(kernels[:0:-1], inputs[-2:0:-1], strict=True):
        deltas.insert(0, (deltas[0] @ kernel.T) * (seen > 0))
    return Passed(-log_probs[rows, labels], inputs[:-1], deltas)


def alignment(
    before: Sequence[np.ndarray], update: Sequence[np.ndarray], x: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """(n,) how far a step down went along each example's gradient, over the gradient's norm.

    Args:
      before: weights at which gradients are taken.
      update: before less after, so that a step down the gradient of an example counts for it.
      x, labels: n examples.
    """
    one = passed(before, x, labels)
    layers = list(zip(one.inputs, one.deltas, update[::2], update[1::2], strict=True))
    along = sum(((a @ kernel + bias) * d).sum(axis=1) for a, d, kernel, bias in layers)
    squares = sum(((a**2).sum(axis=1) + 1) * (d**2).sum(axis=1) for a, d, _, _ in layers)
    return along / np.sqrt(np.maximum(squares, np.finfo(float).tiny))


def mean_gradient(weights: Sequence[np.ndarray], x: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
    """The gradient of the mean loss of n examples, in the order of the weights."""
    one = passed(weights, x, labels)
    pairs = [(a.T @ d / len(x), d.mean(axis=0)) for a, d in zip(one.inputs, one.deltas, strict=True)]
    return [part for pair in pairs for part in pair]
