"""What a trained attacker looks at.

Multi-class: the ten largest log-probabilities in descending order, the signals, and the label. Multi-label: the ten
largest losses of single labels, the signals, and how many labels the example has. Regression: prediction, label,
error and, where predicted, the variance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privacy_component.observations.observations import MULTICLASS, MULTILABEL, REGRESSION, Observations
from privacy_component.observations.signals import compute, towards_member

_MOST_OUTPUTS = 10
_MOST_ONE_HOT = 20
# Beyond this, confidence says nothing more, and a few huge values would squeeze all others when they are scaled.
_BOUND = 40.0
# Forests compute in float32.
_LARGEST = 1e30
_MAIN_SIGNAL = {MULTICLASS: 'scaled_logit', MULTILABEL: 'loss', REGRESSION: 'absolute_error'}
_SIGNALS = {
    MULTICLASS: ('scaled_logit', 'loss', 'entropy', 'modified_entropy', 'margin', 'correctness'),
    MULTILABEL: ('loss', 'entropy', 'margin', 'correctness'),
}


def full_features(observations: Observations) -> NDArray[np.float64]:
    """(n, features) float64: everything, the label as its number, for trees."""
    return np.column_stack([_outputs(observations), _signals(observations), _label(observations)])


def one_hot_features(observations: Observations) -> NDArray[np.float64]:
    """(n, features) float64: everything, a label of at most 20 classes one-hot, for linear models and networks."""
    columns = [_outputs(observations), _signals(observations)]
    num_classes = observations.outputs.shape[1]
    if observations.task != MULTICLASS:
        columns.append(_label(observations))
    elif num_classes <= _MOST_ONE_HOT:
        columns.append((observations.labels[:, None] == np.arange(num_classes)).astype(np.float64))
    return np.column_stack(columns)


def compact_features(observations: Observations) -> NDArray[np.float64]:
    """(n, few) float64: the signals, which distances between neighbours can do with."""
    return np.column_stack([_signals(observations), _outputs(observations)[:, :2]])


def wrong_class_features(observations: Observations) -> NDArray[np.float64]:
    """(n, features) float64: what is known of an example besides how well its label is predicted.

    Multi-class: the label, and how the probability that the label did not get is spread over the other classes: its
    entropy and its three largest shares. None of these changes with the label's own logit.
    """
    if observations.task != MULTICLASS:
        return _label(observations) if observations.task == MULTILABEL else observations.outputs[:, :1]
    others = observations.outputs.astype(np.float64)
    others[np.arange(len(others)), observations.labels] = -np.inf
    shares = np.exp(_log_softmax(others))
    entropy = -(shares * np.log(np.maximum(shares, np.finfo(np.float64).tiny))).sum(axis=1)
    return np.column_stack([_label(observations), entropy, _largest(shares, 3)])


def main_signal(observations: Observations) -> NDArray[np.float64]:
    """(n,) how well the label is predicted, higher = more likely a member."""
    return towards_member(_MAIN_SIGNAL[observations.task], observations).clip(-_LARGEST, _LARGEST)


def _outputs(observations: Observations) -> NDArray[np.float64]:
    z = observations.outputs.astype(np.float64)
    if observations.task == MULTICLASS:
        return _largest(np.clip(_log_softmax(z), -_BOUND, 0), _MOST_OUTPUTS)
    if observations.task == MULTILABEL:
        return _largest(np.minimum(np.logaddexp(0, np.where(observations.labels, -z, z)), _BOUND), _MOST_OUTPUTS)
    error = z[:, 0] - observations.labels
    return np.column_stack([np.abs(error), error, z]).clip(-_LARGEST, _LARGEST)


def _signals(observations: Observations) -> NDArray[np.float64]:
    values = [compute(name, observations) for name in _SIGNALS.get(observations.task, ())]
    return np.column_stack(values).clip(-_BOUND, _BOUND) if values else np.zeros((len(observations), 0))


def _label(observations: Observations) -> NDArray[np.float64]:
    label = observations.labels.sum(axis=1) if observations.task == MULTILABEL else observations.labels
    return label.astype(np.float64).clip(-_LARGEST, _LARGEST)[:, None]


def _largest(values: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """The largest values of each row, descending."""
    count = min(most, values.shape[1])
    kept = np.partition(values, -count, axis=1)[:, -count:] if count < values.shape[1] else values
    return np.sort(kept, axis=1)[:, ::-1]


def _log_softmax(z: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = z - z.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
