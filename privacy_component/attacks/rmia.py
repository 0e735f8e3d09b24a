"""RMIA: how much likelier is the example under this model than under models of its kind?"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from privacy_component.attacks.attack import AttackInfo
from privacy_component.attacks.references import (
    REFERENCE_NEEDS,
    ReferenceSignals,
    check_offline,
    check_online,
    ordered_mean,
    reference_signals,
)
from privacy_component.errors import PrivacyInputError
from privacy_component.observations.observations import MULTICLASS, REGRESSION, TASKS, Observations


@dataclasses.dataclass(frozen=True)
class RmiaAttack:
    """log p(x | model) - log p(x) (Zarifzadeh et al. 2024, arXiv 2312.03262, equations 4, 9 and 10).

    The published score is the share of a population z with ratio(x) >= gamma ratio(z), ratio(x) = p(x | model) / p(x).
    With one population for all x that share is an increasing function of ratio(x): the ratio alone orders the examples
    in the same way and has the same ROC, but for ties that the share adds. So there is no population, no n x m matrix
    and no gamma here.

    p(x) is the mean of what models say that know x and of what those say that do not; where no reference model knows
    any of the examples (offline) it is ((1 + a) p_out(x) + (1 - a)) / 2. p is the probability of the label or labels;
    of a regression the density of a normal error, up to a factor; its variance is the mean squared error of the models.

    Attributes:
      a: from 0 to 1, offline only: 1 takes what reference models say for what models say that know x. With hundreds
        of classes probabilities are so small that any other a leaves little but the loss.
      is_online: whether reference models know some examples; found by `fit`.
      error: mean squared error of the reference models, for a regression; found by `fit`.
    """

    a: float = 0.33
    is_online: bool = True
    error: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.a <= 1:
            raise PrivacyInputError(f"attack 'rmia' has a={self.a!r}, which must be from 0 to 1.")

    def fit(self, observations: Observations) -> RmiaAttack:
        """Learns nothing of memberships: whether reference models know the examples, and how large errors are."""
        signals = reference_signals(observations)
        check = check_online if signals.is_online else check_offline
        check('rmia', signals, 2 if signals.is_online else 1)
        error = mean_error(signals) if observations.task == REGRESSION else 1.0
        return dataclasses.replace(self, is_online=signals.is_online, error=error)

    def score(self, observations: Observations) -> NDArray[np.float64]:
        """Log ratio(x), (n,), higher = more likely a member."""
        signals = reference_signals(observations)
        target, references = log_probabilities(signals, observations.task, self.error)
        marginal = log_mixture(references, signals.is_in) if self.is_online else self._offline(references)
        return target - marginal

    def _offline(self, references: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(divide='ignore'):  # log 0 is -inf, as is right for a = 1
            weights = np.log([(1 + self.a) / 2, (1 - self.a) / 2])
        return np.logaddexp(weights[0] + log_mean(references, np.ones(references.shape, bool)), weights[1])


def mean_error(signals: ReferenceSignals) -> float:
    """The mean squared error of the reference models, of a regression."""
    return max(ordered_mean(-signals.references.ravel()), 1e-12)


def log_probabilities(
    signals: ReferenceSignals, task: str, error: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n,) and (n, K) log p of the truth under the audited and the reference models."""
    if task == MULTICLASS:  # the signal is the log odds
        return -np.logaddexp(0, -signals.target), -np.logaddexp(0, -signals.references)
    scale = 2 * error if task == REGRESSION else 1.0
    return signals.target / scale, signals.references / scale


def log_mixture(references: NDArray[np.float64], is_in: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n,) log of the mean of p over models that know the example and over those that do not, half and half."""
    return np.logaddexp(log_mean(references, is_in), log_mean(references, ~is_in)) - np.log(2)


def log_mean(logs: NDArray[np.float64], chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n,) log of the mean of exp of the chosen of each row, of which there is at least one."""
    total = logsumexp(np.where(chosen, logs, -np.inf), axis=1)
    return total - np.log(np.count_nonzero(chosen, axis=1))


def rmia_attack() -> AttackInfo:
    """The registry's line."""
    return AttackInfo(
        make=RmiaAttack,
        needs=REFERENCE_NEEDS,
        cost='n for each reference model (two or more), nothing to train but these',
        reference='Zarifzadeh et al. 2024, arXiv 2312.03262',
        tasks=TASKS,
        calibrates=True,
        fewest_references=2,
        parameters={'a': 0.33},
    )
