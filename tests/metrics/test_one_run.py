import math

import numpy as np
import pytest
from scipy.stats import binom

from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.one_run import one_run_epsilon


def naive_p_value(m, r, v, epsilon, delta):
    """The loop of Steinke et al. 2023, appendix D."""
    q = 1 / (1 + math.exp(-epsilon))
    slack = total = 0.0
    for i in range(1, v + 1):
        total += binom.pmf(v - i, r, q)
        slack = max(slack, total / i)
    return min(1.0, binom.sf(v - 1, r, q) + 2 * m * delta * slack)


@pytest.mark.parametrize('delta', [0.0, 1e-6, 1e-4])
@pytest.mark.parametrize(('r', 'v'), [(100, 90), (100, 100), (50, 40), (400, 210)])
def test_the_bound_is_the_largest_epsilon_that_the_naive_loop_rejects(r, v, delta):
    epsilon = one_run_epsilon(1000, r, v, 0.05, delta)
    if epsilon:
        assert (
            naive_p_value(1000, r, v, epsilon - 1e-6, delta) < 0.05 <= naive_p_value(1000, r, v, epsilon + 1e-6, delta)
        )
    else:
        assert naive_p_value(1000, r, v, 0.0, delta) >= 0.05


def test_by_hand():
    # All 10 of 10 guesses right: q^10 = 0.05 at q = 0.05^(1/10) = 0.74113, epsilon = ln(q / (1 - q)) = 1.05187.
    assert one_run_epsilon(10, 10, 10, 0.05) == pytest.approx(1.05187, abs=1e-4)
    assert one_run_epsilon(10, 10, 5, 0.05) == one_run_epsilon(10, 0, 0, 0.05) == 0


def test_it_holds_for_randomised_response():
    # Every guess is right with probability e / (1 + e), so epsilon is 1: above it in 5 % of audits at most.
    rng = np.random.default_rng(0)
    correct = rng.binomial(300, np.e / (1 + np.e), 400)
    bounds = np.array([one_run_epsilon(300, 300, int(v), 0.05) for v in correct])
    assert np.mean(bounds > 1) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
    assert bounds.mean() > 0.6


@pytest.mark.parametrize(
    ('m', 'r', 'v', 'alpha', 'delta'),
    [(5, 6, 1, 0.05, 0), (5, 5, 6, 0.05, 0), (5, 5, -1, 0.05, 0), (5, 5, 5, 0, 0), (5, 5, 5, 0.05, 1)],
)
def test_bad_input(m, r, v, alpha, delta):
    with pytest.raises(PrivacyInputError):
        one_run_epsilon(m, r, v, alpha, delta)
