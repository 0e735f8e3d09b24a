"""Signals: one number per example that tends to differ between members and non-members.

Every signal is defined on float64 logits, because a float32 softmax ties thousands of confident examples at one value
and so hides the very examples that low false positive rates are about.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from privacy_component.errors import PrivacyInputError
from privacy_component.observations import MULTICLASS, Observations

_SMALLEST_PROBABILITY = 1e-8


@dataclasses.dataclass(frozen=True)
class Signal:
    """A signal's definition.

    Attributes:
      compute: Observations -> (n,) float64.
      member_sign: +1 when members tend to have higher values, -1 when lower.
      tasks: the tasks it is defined for.
      reference: where it comes from.
    """

    compute: Callable[[Observations], NDArray[np.float64]]
    member_sign: int
    tasks: tuple[str, ...]
    reference: str


def loss(observations: Observations) -> NDArray[np.float64]:
    """Cross-entropy, -log max(p_y, 1e-8); (n,), lower = member (Yeom et al. 2018, arXiv 1709.01604)."""
    true_logit, _ = _true_and_other(observations)
    log_p = true_logit - logsumexp(observations.outputs, axis=1)
    return -np.maximum(log_p, np.log(_SMALLEST_PROBABILITY)) + 0.0


def scaled_logit(observations: Observations) -> NDArray[np.float64]:
    """log p_y / (1 - p_y), from logits; (n,), higher = member (Carlini et al. 2022, arXiv 2112.03570, section IV)."""
    true_logit, others = _true_and_other(observations)
    return true_logit - logsumexp(others, axis=1)


SIGNALS: dict[str, Signal] = {
    'loss': Signal(loss, -1, (MULTICLASS,), 'Yeom et al. 2018, arXiv 1709.01604'),
    'scaled_logit': Signal(scaled_logit, +1, (MULTICLASS,), 'Carlini et al. 2022, arXiv 2112.03570'),
}


def towards_member(name: str, observations: Observations) -> NDArray[np.float64]:
    """Signal `name`, signed so that higher = more likely a member; (n,) float64."""
    if name in observations.signals:
        return SIGNALS[name].member_sign * observations.signals[name]
    signal = SIGNALS[name]
    if observations.task not in signal.tasks:
        raise PrivacyInputError(
            f"signal '{name}' is not defined for a {observations.task} model, only for {', '.join(signal.tasks)}: "
            'choose another signal.'
        )
    return signal.member_sign * signal.compute(observations)


def _true_and_other(observations: Observations) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The true class's logit (n,), and the logits with that class masked out (n, classes)."""
    rows = np.arange(len(observations))
    others = observations.outputs.copy()
    true_logit = others[rows, observations.labels]
    others[rows, observations.labels] = -np.inf
    return true_logit, others
