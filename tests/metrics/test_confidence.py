import dataclasses

import numpy as np
import pytest
from scipy.stats import binom

from privacy_component.metrics import confidence
from privacy_component.metrics.curve import at_chance, perfect, summarize
from tests.metrics.simulate import counts_of, gaussian


@pytest.mark.parametrize('alpha', [0.05, 1e-4])
@pytest.mark.parametrize(('successes', 'trials'), [(0, 5), (1, 5), (5, 5), (17, 400), (399, 400)])
def test_clopper_pearson_limits_are_where_the_binomial_tail_is_alpha(successes, trials, alpha):
    low = float(confidence.clopper_pearson_lower(successes, trials, alpha))
    high = float(confidence.clopper_pearson_upper(successes, trials, alpha))
    assert low == 0 if successes == 0 else binom.sf(successes - 1, trials, low) == pytest.approx(alpha)
    assert high == 1 if successes == trials else binom.cdf(successes, trials, high) == pytest.approx(alpha)


@pytest.mark.parametrize('alpha', [0.05, 1e-4])
def test_the_threshold_of_tpr_lower_has_a_true_rate_below_the_wanted_one(alpha):
    # The k-th highest of n uniform draws has true FPR Beta(k + 1, n - k); the rank is the largest that keeps it below.
    n, rate = 2000, 0.05
    scores = np.concatenate([np.linspace(0, 1, n), np.linspace(0, 1, n)])
    curve = summarize(counts_of(scores, np.arange(2 * n) < n), (rate,))
    allowed = max(k for k in range(n) if binom.cdf(k, n, rate) <= alpha / 2)
    best = float(confidence.clopper_pearson_lower(allowed, n, alpha / 2))
    # Ranks are kept in steps of half a standard deviation, so a little may be lost, never gained.
    step = 0.5 * np.sqrt(rate * n)
    least = float(confidence.clopper_pearson_lower(allowed - step, n, alpha / 2))
    assert least <= confidence.tpr_lower(curve, rate, alpha) <= best


def test_advantage_upper_is_hoeffdings():
    curve = summarize(counts_of(*gaussian(np.random.default_rng(0), 400, 100)))
    # sqrt(ln(1 / 0.05) / 2 * (1/400 + 1/100)) = sqrt(2.99573 / 2 * 0.0125) = 0.136833
    assert confidence.advantage_upper(curve, 0.05) == pytest.approx(curve.advantage + 0.136833, abs=1e-6)


def test_auc_upper_is_the_lower_limit_of_the_opposite_attack():
    scores, is_member = gaussian(np.random.default_rng(2), 70, 90, 0.8)
    ours, opposite = summarize(counts_of(scores, is_member)), summarize(counts_of(-scores, is_member))
    assert confidence.auc_upper(ours, 0.01) == pytest.approx(1 - confidence.auc_lower(opposite, 0.01))
    # Pointing the wrong way is no evidence of safety.
    assert opposite.auc < 0.3 and 0.5 < confidence.auc_upper(opposite, 0.01) < 0.7


def test_a_design_effect_counts_fewer_examples():
    curve = summarize(counts_of(*gaussian(np.random.default_rng(0), 4000, 4000, 1.0)), (0.1,))
    doubled = dataclasses.replace(curve, design_effect=2.0)
    for limit in (confidence.advantage_lower, lambda c, a: confidence.tpr_lower(c, 0.1, a)):
        assert limit(doubled, 0.05) < limit(curve, 0.05)
    assert confidence.advantage_upper(doubled, 0.05) > confidence.advantage_upper(curve, 0.05)


@pytest.mark.parametrize('most', [0, 1, 7, 1000])
def test_a_guess_changes_no_rank(most):
    guesses = (float('nan'), float('inf'), -5.0, 0.0, most / 2, most + 3.0)
    for last in {-1, 0, most // 3, most - 1, most}:
        found = {confidence._last_rank(lambda k, last=last: k <= last, most, guess) for guess in (*guesses, last + 0.5)}
        assert found == {last}


@pytest.mark.parametrize('num', [40, 3000, 10**10])
def test_the_auc_limits_exist_at_any_level_and_size(num):
    """At a level of one half a limit is the figure itself."""
    for curve in (at_chance(num), perfect(at_chance(num))):
        assert confidence.auc_lower(curve, 0.5) == pytest.approx(curve.auc, rel=1e-8)
        for alpha in (0.499999999, 0.05, 1e-12):
            assert 0 <= confidence.auc_lower(curve, alpha) <= curve.auc <= confidence.auc_upper(curve, alpha) <= 1
