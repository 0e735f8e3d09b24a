"""LiRA for few reference models: what one example's models leave open is filled in from all examples."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from privacy_component.attacks.attack import AttackInfo
from privacy_component.attacks.priors import VariancePrior
from privacy_component.attacks.references import (
    REFERENCE_NEEDS,
    ReferenceSignals,
    Side,
    check_online,
    ordered_mean,
    reference_signals,
)
from privacy_component.observations.observations import TASKS, Observations


@dataclasses.dataclass(frozen=True)
class Posterior:
    """What `fit` learns of all examples, and what follows from it for one.

    In the spirit of BaVarIA (Brännvall 2026, arXiv 2603.11799). The variance of each side has an inverse-gamma prior.
    The shift mean_in - mean_out of an example has a normal prior, about the mean shift, whose variance is that of the
    shifts less their sampling noise; the middle of the two means stays the example's own. So the density of the signal
    is Student's t, of the prior's degrees of freedom + models - 1, its scale widened by 1 + 1 / K.

    Attributes:
      outside, inside: priors of the variances over models that do not know the example, and over those that do.
      shift: the mean shift.
      shift_variance: of an example's true shift about it.
    """

    outside: VariancePrior
    inside: VariancePrior
    shift: float
    shift_variance: float

    @classmethod
    def of(cls, signals: ReferenceSignals) -> Posterior:
        """From all examples."""
        out, inside = signals.side(False), signals.side(True)
        priors = VariancePrior.of(out), VariancePrior.of(inside)
        shifts = inside.mean - out.mean
        center = ordered_mean(shifts)
        noise = ordered_mean(_noise(priors[0], out) + _noise(priors[1], inside))
        return cls(*priors, center, max(ordered_mean(np.square(shifts - center)) - noise, 0.0))

    def shrunken_shift(self, out: Side, inside: Side) -> NDArray[np.float64]:
        """(n,) the expected shift of each example."""
        noise = _noise(self.outside, out) + _noise(self.inside, inside)
        own = self.shift_variance / (self.shift_variance + noise)
        return self.shift + own * (inside.mean - out.mean - self.shift)

    def log_ratio(self, signals: ReferenceSignals) -> NDArray[np.float64]:
        """(n,) log t_in - log t_out of the audited model's signal."""
        out, inside = signals.side(False), signals.side(True)
        middle, half = (inside.mean + out.mean) / 2, self.shrunken_shift(out, inside) / 2
        widened = 1 + 1 / signals.num_models
        return _log_t(signals.target - middle - half, inside, self.inside, widened) - _log_t(
            signals.target - middle + half, out, self.outside, widened
        )


@dataclasses.dataclass(frozen=True)
class BayesAttack:
    """The log ratio of two posterior predictive densities.

    Attributes:
      posterior: what `fit` learned.
    """

    posterior: Posterior | None = None

    def fit(self, observations: Observations) -> BayesAttack:
        """Learns priors from the reference models, and nothing of memberships in the audited one."""
        signals = reference_signals(observations)
        check_online('bayes', signals, 4)
        return BayesAttack(Posterior.of(signals))

    def score(self, observations: Observations) -> NDArray[np.float64]:
        """The log ratio, (n,), higher = more likely a member."""
        assert self.posterior is not None, 'fit comes first'
        return self.posterior.log_ratio(reference_signals(observations))


def _noise(prior: VariancePrior, side: Side) -> NDArray[np.float64]:
    """(n,) the sampling variance of the side's mean."""
    return prior.shrunken(side) / side.count


def _log_t(residual: NDArray[np.float64], side: Side, prior: VariancePrior, widened: float) -> NDArray[np.float64]:
    """(n,) log density of Student's t, less its constant."""
    degrees = prior.degrees + side.degrees
    scale = degrees * prior.shrunken(side) * widened
    constant = gammaln((degrees + 1) / 2) - gammaln(degrees / 2) - np.log(scale) / 2
    return constant - (degrees + 1) / 2 * np.log1p(np.square(residual) / scale)


def bayes_attack() -> AttackInfo:
    """The registry's line."""
    return AttackInfo(
        make=BayesAttack,
        needs=REFERENCE_NEEDS,
        cost='n for each reference model (four or more), nothing to train but these',
        reference='in the spirit of Brännvall 2026, arXiv 2603.11799',
        tasks=TASKS,
        calibrates=True,
        fewest_references=4,
    )
