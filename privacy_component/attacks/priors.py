"""What many examples tell of one: empirical Bayes priors of variances."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import polygamma, psi

from privacy_component.attacks.references import Side, ordered_mean

# Beyond these the prior is as good as a point, or as good as nothing.
_FEWEST_DEGREES, _MOST_DEGREES = 0.1, 1e4
# A variance that is by chance 0 has no logarithm.
_SMALLEST_SHARE = 1e-5


@dataclasses.dataclass(frozen=True)
class VariancePrior:
    """An inverse-gamma prior of an example's variance over models (Smyth 2004, SAGMB 3, article 3, section 6.2).

    Attributes:
      degrees: degrees of freedom that it weighs as much as.
      variance: its location.
    """

    degrees: float
    variance: float

    @classmethod
    def of(cls, side: Side) -> VariancePrior:
        """From mean and variance of log s2 over the examples of two or more models, of which there is one."""
        known = side.degrees > 0
        degrees = side.degrees[known] / 2
        floor = _SMALLEST_SHARE * side.pooled_variance
        logs = np.log(np.maximum(side.variance[known], floor)) - psi(degrees) + np.log(degrees)
        center = ordered_mean(logs)
        spread = ordered_mean(np.square(logs - center)) - ordered_mean(polygamma(1, degrees))
        half = inverse_trigamma(spread)
        return cls(2 * half, float(np.exp(center + psi(half) - np.log(half))))

    def shrunken(self, side: Side) -> NDArray[np.float64]:
        """(n,) each example's variance, drawn to the prior's."""
        return (self.degrees * self.variance + side.squares) / (self.degrees + side.degrees)


def inverse_trigamma(value: float) -> float:
    """X with trigamma(x) = value, cut to what degrees of freedom may be."""
    low, high = _FEWEST_DEGREES / 2, _MOST_DEGREES / 2
    if value <= polygamma(1, high):
        return high
    if value >= polygamma(1, low):
        return low
    return float(brentq(lambda x: polygamma(1, x) - value, low, high))
