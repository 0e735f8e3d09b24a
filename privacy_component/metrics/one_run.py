"""The one-run audit: an epsilon lower bound from canaries that were included by independent fair coins.

Only with those coins is this a bound on the training mechanism; a train/eval split does not have them.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import binom

from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.gdp import delta_of

_LARGEST_EPSILON = 100.0
_SMALLEST_MU, _LARGEST_MU = 1e-3, 20.0
_EPSILONS = np.geomspace(0.01, _LARGEST_EPSILON, 40)  # to choose from for mu; more would gain little


def one_run_epsilon(num_canaries: int, num_guesses: int, num_correct: int, alpha: float, delta: float = 0.0) -> float:
    """Lower bound of epsilon at confidence 1 - alpha (Steinke, Nasr and Jagielski 2023, arXiv 2305.08846, theorem 5.2).

    Args:
      num_canaries: m, canaries each of which was included by an independent fair coin.
      num_guesses: r <= m, canaries for which the auditor guessed "in" or "out"; chosen by score, abstaining elsewhere.
      num_correct: v <= r, guesses that were right.
      alpha: the probability that the bound is above the mechanism's epsilon is at most this.
      delta: the delta of (epsilon, delta)-differential privacy.

    Returns:
      The largest epsilon >= 0 that the guesses rule out; 0 if none.

    Raises:
      PrivacyInputError: not 0 <= num_correct <= num_guesses <= num_canaries, or alpha or delta is out of range.

    >>> round(one_run_epsilon(1000, 100, 90, alpha=0.05), 2)
    1.63
    """
    if not 0 <= num_correct <= num_guesses <= num_canaries:
        raise PrivacyInputError(
            f'num_correct, num_guesses, num_canaries are {num_correct}, {num_guesses}, {num_canaries}; each may be at '
            'most the next.'
        )
    if not (0 < alpha < 1 and 0 <= delta < 1):
        raise PrivacyInputError(f'alpha is {alpha!r} and delta is {delta!r}; both must lie between 0 and 1.')

    def excess(epsilon: float) -> float:
        return _p_value(num_canaries, num_guesses, num_correct, epsilon, delta) - alpha

    if excess(0.0) >= 0:
        return 0.0
    return float(brentq(excess, 0.0, _LARGEST_EPSILON)) if excess(_LARGEST_EPSILON) > 0 else _LARGEST_EPSILON


def one_run_mu(num_canaries: int, num_guesses: int, num_correct: int, alpha: float) -> float:
    """Lower bound of mu of Gaussian differential privacy at confidence 1 - alpha; 0 if none. Arguments as above.

    A mechanism that is mu-GDP is (epsilon, delta)-DP for every epsilon and the delta that follows (Dong, Roth and Su
    2022, arXiv 1905.02383, corollary 1). So theorem 5.2 bounds the probability of that many right guesses once for each
    epsilon, and the smallest of these bounds of one probability is one, too.
    """

    def excess(mu: float) -> float:
        values = (
            _p_value(num_canaries, num_guesses, num_correct, epsilon, delta_of(mu, epsilon)) for epsilon in _EPSILONS
        )
        return min(values) - alpha

    if excess(_SMALLEST_MU) >= 0:
        return 0.0
    return float(brentq(excess, _SMALLEST_MU, _LARGEST_MU)) if excess(_LARGEST_MU) > 0 else _LARGEST_MU


def _p_value(m: int, r: int, v: int, epsilon: float, delta: float) -> float:
    """How likely that many correct guesses are under (epsilon, delta)-differential privacy, at most."""
    q = expit(epsilon)
    # P[v > Bin >= v - i] for i = 1 ... v
    just_below = np.cumsum(binom.pmf(np.arange(v - 1, -1, -1), r, q))
    slack = np.max(just_below / np.arange(1, v + 1), initial=0.0)
    return float(min(1.0, binom.sf(v - 1, r, q) + 2 * m * delta * slack))
