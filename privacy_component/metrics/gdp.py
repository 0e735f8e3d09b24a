"""Gaussian differential privacy: one number, mu, for the whole trade-off between the two kinds of error.

Like the empirical epsilon, an estimate from an ordinary train/eval split and no guarantee; and mu also assumes that the
mechanism is Gaussian, as DP-SGD nearly is, in exchange for a far tighter bound.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtri

from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.curve import RocCurve
from privacy_component.metrics.epsilon import largest_gap

_LARGEST_EPSILON = 1e6


def gdp_mu(curve: RocCurve, alpha: float) -> float:
    """Largest mu shown at confidence 1 - alpha (Nasr et al. 2023, arXiv 2302.07956, section 4).

    Args:
      curve: the attack's ROC.
      alpha: the probability of a mu above 0 on data without any leak is at most this.

    Returns:
      Phi^-1(TPR) - Phi^-1(FPR) as far as it is shown at any of the thresholds of the empirical epsilon; 0 if at none.
    """
    return largest_gap(curve, alpha, ndtri, ndtri)


def delta_of(mu: float, epsilon: float) -> float:
    """The delta at which mu-GDP gives (epsilon, delta)-DP (Dong, Roth and Su 2022, arXiv 1905.02383, corollary 1).

    >>> round(delta_of(mu=1.0, epsilon=0.0), 4)
    0.3829
    """
    if mu <= 0:
        return 0.0
    # In logarithms, because e^epsilon overflows where its product with the tail is small.
    log_gain = log_ndtr(-epsilon / mu + mu / 2)
    log_loss = epsilon + log_ndtr(-epsilon / mu - mu / 2)
    return float(np.exp(log_gain) * -np.expm1(min(log_loss - log_gain, 0.0)))


def epsilon_of(mu: float, delta: float) -> float:
    """The smallest epsilon >= 0 at which mu-GDP gives (epsilon, delta)-DP; the inverse of `delta_of`.

    Raises:
      PrivacyInputError: delta is not in (0, 1), or epsilon exceeds a million.
    """
    if not 0 < delta < 1:
        raise PrivacyInputError(f'delta is {delta!r}; it must lie between 0 and 1.')
    if delta_of(mu, 0.0) <= delta:
        return 0.0
    if delta_of(mu, _LARGEST_EPSILON) > delta:
        raise PrivacyInputError(f'mu is {mu:g}, which stands for an epsilon above {_LARGEST_EPSILON:g}.')
    return float(brentq(lambda epsilon: delta_of(mu, epsilon) - delta, 0.0, _LARGEST_EPSILON))
