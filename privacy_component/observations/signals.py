"""Signals: one number per example that tends to differ between members and non-members.

Every signal is defined on float64 logits, because a float32 softmax ties thousands of confident examples at one value
and so hides the very examples that low false positive rates are about. The formulas never subtract two nearly equal
numbers: 1 - p of a confident prediction is computed from the other classes.

A kernel sees one block of examples with the classes as rows, z (classes, b), because sums over the first axis are
several times faster than sums over a short last one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from privacy_component.errors import PrivacyInputError
from privacy_component.observations.observations import MULTICLASS, MULTILABEL, REGRESSION, Observations

Kernel = Callable[[NDArray[np.float64], NDArray], NDArray[np.float64]]

_LARGEST_LOSS = -np.log(1e-8)
_LARGEST_ENTROPY_LOG = -np.log(1e-30)
_VALUES_PER_BLOCK = 1 << 17
_READ_AGAIN = ('loss',)  # by an attack, by slices and by checks: kept, 8 bytes an example

YEOM = 'Yeom et al. 2018, arXiv 1709.01604'
SONG = 'Song and Mittal 2021, arXiv 2003.10595'


@dataclasses.dataclass(frozen=True)
class Signal:
    """A signal's definition.

    Attributes:
      kernels: by task, (z (classes, b), labels (b,) or (classes, b)) -> (b,).
      member_sign: +1 when members tend to have higher values, -1 when lower.
      reference: where it comes from.
      needs: the columns of Observations that it reads.
    """

    kernels: Mapping[str, Kernel]
    member_sign: int
    reference: str
    needs: tuple[str, ...] = ('labels', 'outputs')

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks it is defined for."""
        return tuple(self.kernels)


def scaled_logit(z: NDArray[np.float64], y: NDArray) -> NDArray[np.float64]:
    """The log odds of the label, z_y - logsumexp of the other z (Carlini et al. 2022, arXiv 2112.03570, section IV)."""
    true, others = _true_and_other(z, y)
    largest = others.max(axis=0)
    return true - largest - np.log(np.exp(others - largest).sum(axis=0))


def cross_entropy(z: NDArray[np.float64], y: NDArray) -> NDArray[np.float64]:
    """-log max(p_y, 1e-8) (Yeom et al. 2018, arXiv 1709.01604); keeps its digits down to losses of 1e-300."""
    return np.minimum(np.logaddexp(0, -scaled_logit(z, y)), _LARGEST_LOSS)


def confidence(z: NDArray[np.float64], y: NDArray) -> NDArray[np.float64]:
    """p_y; ties at 1 where 1 - p_y < 1e-16, which `scaled_logit`, in the same order, does not."""
    return expit(scaled_logit(z, y))


def margin(z: NDArray[np.float64], y: NDArray) -> NDArray[np.float64]:
    """z_y - max of the other z (Bertran et al. 2023, arXiv 2307.03694)."""
    true, others = _true_and_other(z, y)
    return true - others.max(axis=0)


def correctness(z: NDArray[np.float64], y: NDArray) -> NDArray[np.float64]:
    """1 if the first largest output is the label's, else 0: the gap attack (Yeom et al. 2018, arXiv 1709.01604)."""
    true, others = _true_and_other(z, y)
    best = others.max(axis=0)
    is_correct = true > best
    tied = np.flatnonzero(true == best)  # rare, and slow to decide
    is_correct[tied] = (others[:, tied] == best[tied]).argmax(axis=0) > y[tied]
    return is_correct.astype(np.float64)


def entropy(z: NDArray[np.float64], y: NDArray) -> NDArray[np.float64]:
    """-sum p log p; needs no label (Song and Mittal 2021, arXiv 2003.10595, eq. 7)."""
    shifted, odds, rest, _ = _odds_to_top(z)
    # log p of the top class is -log(1 + rest), of any other class its shifted logit less the same.
    return np.log1p(rest) - (odds * shifted).sum(axis=0) / (1 + rest)


def modified_entropy(z: NDArray[np.float64], y: NDArray) -> NDArray[np.float64]:
    """-(1-p_y) log p_y - sum over i != y of p_i log(1-p_i), logs cut at 1e-30 (arXiv 2003.10595, eq. 8)."""
    columns = np.arange(z.shape[1])
    shifted, odds, rest, num_top = _odds_to_top(z)
    total = 1 + rest
    p = odds / total
    shifted_y, p_y = shifted[y, columns], p[y, columns]
    p[y, columns] = 0.0
    others = (p * _minus_log1p_minus(p)).sum(axis=0)
    # `odds`, and so `p`, are 0 for the top classes, the only ones whose 1 - p can vanish; their terms are put in here.
    top_is_label = shifted_y == 0
    top_term = np.minimum(np.log1p(1 / np.maximum(rest, 1e-300)), _LARGEST_ENTROPY_LOG) / total
    label_term = np.minimum(np.log1p(rest) - shifted_y, _LARGEST_ENTROPY_LOG) * np.where(
        top_is_label, rest / total, 1 - p_y
    )
    return others + (num_top - top_is_label) * top_term + label_term


def binary_cross_entropy(z: NDArray[np.float64], y: NDArray) -> NDArray[np.float64]:
    """Sum over labels of -log max(p of the truth, 1e-8); z and y (labels, b)."""
    return np.minimum(np.logaddexp(0, np.where(y, -z, z)), _LARGEST_LOSS).sum(axis=0)


def multilabel_entropy(z: NDArray[np.float64], y: NDArray) -> NDArray[np.float64]:
    """Sum over labels of the entropy of present / absent."""
    size = np.abs(z)
    return (np.logaddexp(0, -size) + size * expit(-size)).sum(axis=0)


def multilabel_margin(z: NDArray[np.float64], y: NDArray) -> NDArray[np.float64]:
    """The logit of the label that the model is most wrong about, positive if right."""
    return np.where(y, z, -z).min(axis=0)


def multilabel_correctness(z: NDArray[np.float64], y: NDArray) -> NDArray[np.float64]:
    """1 if every label is right at a threshold of 1/2, else 0."""
    return ((z > 0) == y).all(axis=0).astype(np.float64)


def squared_error(z: NDArray[np.float64], y: NDArray) -> NDArray[np.float64]:
    """(prediction - label) squared."""
    return (z[0] - y) ** 2


def absolute_error(z: NDArray[np.float64], y: NDArray) -> NDArray[np.float64]:
    """|prediction - label|."""
    return np.abs(z[0] - y)


def gaussian_nll(z: NDArray[np.float64], y: NDArray) -> NDArray[np.float64]:
    """(log variance + error squared / variance) / 2 (Nix and Weigend 1994, ICNN); z is mean and variance, (2, b)."""
    if len(z) < 2:
        raise PrivacyInputError(
            "signal 'gaussian_nll' needs two outputs per example, the predicted mean and the predicted variance; the "
            "model gives one: use 'absolute_error'."
        )
    return (np.log(z[1]) + (z[0] - y) ** 2 / z[1]) / 2


SIGNALS: dict[str, Signal] = {
    'loss': Signal({MULTICLASS: cross_entropy, MULTILABEL: binary_cross_entropy, REGRESSION: squared_error}, -1, YEOM),
    'confidence': Signal({MULTICLASS: confidence}, +1, SONG),
    'scaled_logit': Signal({MULTICLASS: scaled_logit}, +1, 'Carlini et al. 2022, arXiv 2112.03570'),
    'entropy': Signal({MULTICLASS: entropy, MULTILABEL: multilabel_entropy}, -1, SONG, needs=('outputs',)),
    'modified_entropy': Signal({MULTICLASS: modified_entropy}, -1, SONG),
    'margin': Signal({MULTICLASS: margin, MULTILABEL: multilabel_margin}, +1, 'Bertran et al. 2023, arXiv 2307.03694'),
    'correctness': Signal({MULTICLASS: correctness, MULTILABEL: multilabel_correctness}, +1, YEOM),
    'absolute_error': Signal({REGRESSION: absolute_error}, -1, YEOM),
    'gaussian_nll': Signal({REGRESSION: gaussian_nll}, -1, 'Nix and Weigend 1994, ICNN'),
}


def compute(name: str, observations: Observations) -> NDArray[np.float64]:
    """Signal `name` as defined, or as handed in with the observations; (n,) float64.

    Raises:
      PrivacyInputError: there is no such signal, or not for this task.
    """
    if name in observations.columns:
        return observations.columns[name]
    if name not in SIGNALS:
        raise PrivacyInputError(f"signal '{name}' is not one of {', '.join(SIGNALS)}")
    signal = SIGNALS[name]
    if observations.task not in signal.tasks:
        raise PrivacyInputError(
            f"signal '{name}' is not defined for a {observations.task} model, only for {', '.join(signal.tasks)}: "
            'choose another signal.'
        )
    kernel = signal.kernels[observations.task]
    if name not in _READ_AGAIN:
        return _by_blocks(kernel, observations)
    return observations.once(name, lambda: _by_blocks(kernel, observations))


def towards_member(name: str, observations: Observations) -> NDArray[np.float64]:
    """Signal `name`, signed so that higher = more likely a member; (n,) float64."""
    sign = SIGNALS[name].member_sign if name in SIGNALS else +1
    values = compute(name, observations)
    is_kept = name in observations.columns or name in _READ_AGAIN  # and so must not be changed in place
    return values if sign > 0 else np.negative(values, out=None if is_kept else values)


def _by_blocks(kernel: Kernel, observations: Observations) -> NDArray[np.float64]:
    """The kernel's values, computed on blocks that fit a processor's cache, so that nothing is copied as a whole."""
    n, width = observations.outputs.shape
    step = max(_VALUES_PER_BLOCK // width, 1)
    values = np.empty(n)
    for start in range(0, n, step):
        rows = slice(start, start + step)
        z = np.array(observations.outputs[rows].T, np.float64, order='C')
        values[rows] = kernel(z, observations.labels[rows].T)
    return values


def _true_and_other(z: NDArray[np.float64], y: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The true class's logit (b,), and the logits with that class masked out, in the place of `z`."""
    columns = np.arange(z.shape[1])
    true = z[y, columns]
    z[y, columns] = -np.inf
    return true, z


def _odds_to_top(z: NDArray[np.float64]) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Logits less the largest; p_i / p_top, 0 for the top classes; (1 - p_top) / p_top; how many classes are top."""
    shifted = z - z.max(axis=0)
    is_top = shifted == 0
    odds = np.exp(shifted)
    odds -= is_top
    num_top = np.count_nonzero(is_top, axis=0)
    return shifted, odds, odds.sum(axis=0) + (num_top - 1), num_top


def _minus_log1p_minus(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """-log(1 - p) for 0 <= p <= 1/2, to the last digits, without log1p, which is several times slower than log.

    Theorem 4 of Goldberg 1991, ACM Computing Surveys 23: log(u) / (u - 1) hardly changes when 1 - p is rounded to u.
    """
    rounded = 1 - p
    step = 1 - rounded
    vanishes = step == 0
    minus_log = np.log(rounded, out=rounded)
    np.subtract(vanishes, minus_log, out=minus_log)
    step += vanishes
    minus_log /= step
    minus_log *= p
    return minus_log
