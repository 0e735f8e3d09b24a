"""LiRA: is the signal more like that of models which know the example, or of models which do not?"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from privacy_component.attacks.attack import AttackInfo
from privacy_component.attacks.priors import VariancePrior
from privacy_component.attacks.references import (
    REFERENCE_NEEDS,
    ReferenceSignals,
    Side,
    check_offline,
    check_online,
    reference_signals,
)
from privacy_component.errors import PrivacyInputError
from privacy_component.observations.observations import TASKS, Observations

POOLED, SHRUNKEN, PER_RECORD = 'pooled', 'shrunken', 'per_record'
# From how many models on, on each side, a variance of each example by itself is worth something, and is enough.
_FEWEST_TO_SHRINK, _FEWEST_PER_RECORD = 8, 32


@dataclasses.dataclass(frozen=True)
class LiraAttack:
    """The likelihood ratio attack (Carlini et al. 2022, arXiv 2112.03570, algorithm 1 and section VI).

    Online: log N(x; mean_in, s2_in) - log N(x; mean_out, s2_out) of the signal x, with the moments of its values under
    reference models that know the example and under those that do not.

    Offline, where no reference model knows any of the examples: z = (x - mean_out) / s_out, in which the published
    log Phi(z) increases. So z has its ROC, and does not tie where Phi is 1 to the last bit, from z = 8 on. It is
    one-sided: far below what models say that do not know the example is no sign of a member.

    Attributes:
      variance: 'pooled', one for all examples of residuals about each one's mean; 'per_record'; 'shrunken', of which
        one is drawn to the other by an inverse-gamma prior; '' for the first with fewer than 8 models on a side, the
        second from 32 on, and the third between them.
      sides: what `fit` found of each side in turn, out and in; of out alone where it is offline.
    """

    variance: str = ''
    sides: tuple[_Variances, ...] = ()

    def __post_init__(self) -> None:
        if self.variance not in ('', POOLED, SHRUNKEN, PER_RECORD):
            raise PrivacyInputError(
                f"attack 'lira' has variance={self.variance!r}, which is not one of {POOLED}, {SHRUNKEN}, {PER_RECORD}."
            )

    def fit(self, observations: Observations) -> LiraAttack:
        """Learns variances of the reference models, and nothing of memberships in the audited one."""
        signals = reference_signals(observations)
        check, fewest = (check_online, 4) if signals.is_online else (check_offline, 2)
        check('lira', signals, fewest)
        return dataclasses.replace(self, sides=tuple(self._variances(signals, signals.is_online)))

    def score(self, observations: Observations) -> NDArray[np.float64]:
        """The log likelihood ratio, or offline the number of standard deviations; (n,), higher = member."""
        signals = reference_signals(observations)
        out = signals.side(False)
        if len(self.sides) == 1:
            return (signals.target - out.mean) / np.sqrt(self.sides[0].of(out))
        inside = signals.side(True)
        return log_normal(signals.target, inside.mean, self.sides[1].of(inside)) - log_normal(
            signals.target, out.mean, self.sides[0].of(out)
        )

    def _variances(self, signals: ReferenceSignals, is_online: bool) -> list[_Variances]:
        per_side = signals.num_models // 2 if is_online else signals.num_models
        kind = self.variance or _kind_for(per_side)
        return [_Variances.from_side(kind, signals.side(is_in)) for is_in in (False, True)[: 1 + is_online]]


@dataclasses.dataclass(frozen=True)
class _Variances:
    """How variances of one side are made.

    Attributes:
      kind: POOLED, SHRUNKEN or PER_RECORD.
      pooled: the variance of all examples' residuals.
      prior: of a single example's variance.
    """

    kind: str
    pooled: float
    prior: VariancePrior

    @classmethod
    def from_side(cls, kind: str, side: Side) -> _Variances:
        """From all examples."""
        return cls(kind, side.pooled_variance, VariancePrior.of(side))

    def of(self, side: Side) -> NDArray[np.float64]:
        """(n,) variances; the pooled one where an example has none of its own."""
        if self.kind == POOLED:
            return np.full(len(side.mean), self.pooled)
        if self.kind == SHRUNKEN:
            return self.prior.shrunken(side)
        return np.where(side.degrees > 0, side.variance, self.pooled)


def log_normal(x: NDArray[np.float64], mean: NDArray[np.float64], variance: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) log density, less its constant."""
    return -(np.square(x - mean) / variance + np.log(variance)) / 2


def _kind_for(models_per_side: int) -> str:
    if models_per_side < _FEWEST_TO_SHRINK:
        return POOLED
    return SHRUNKEN if models_per_side < _FEWEST_PER_RECORD else PER_RECORD


def lira_attack() -> AttackInfo:
    """The registry's line."""
    return AttackInfo(
        make=LiraAttack,
        needs=REFERENCE_NEEDS,
        cost='n for each reference model (four or more; two that know no example), nothing to train but these',
        reference='Carlini et al. 2022, arXiv 2112.03570',
        tasks=TASKS,
        calibrates=True,
        fewest_references=4,
        parameters={'variance': ''},
    )
