import numpy as np
import pytest
from scipy.stats import norm

from privacy_component.hashing import mix
from privacy_component.metrics.risk import log_histogram_risk_scores, most_vulnerable, privacy_risk_scores


def shifted(n, shift, seed=0):
    rng = np.random.default_rng(seed)
    is_member = np.arange(2 * n) < n
    return rng.standard_normal(2 * n) + shift * is_member, is_member


def folds(n, number=2):
    return (mix(np.arange(n, dtype=np.uint64)) % np.uint64(number)).astype(np.int8)


def test_equals_the_posterior_of_a_gaussian_shift():
    values, is_member = shifted(50_000, 1.0)
    risks = privacy_risk_scores(values, is_member, folds(100_000))
    truth = norm.pdf(values - 1) / (norm.pdf(values - 1) + norm.pdf(values))
    assert np.abs(risks - truth).mean() < 0.01
    assert np.abs(risks - truth)[np.abs(values - 0.5) < 2].max() < 0.05


def test_is_calibrated():
    values, is_member = shifted(20_000, 0.7)
    risks = privacy_risk_scores(values, is_member, folds(40_000))
    for low in np.arange(0.3, 0.7, 0.1):
        chosen = (low <= risks) & (risks < low + 0.1)
        margin = 4 * 0.5 / np.sqrt(chosen.sum())
        assert abs(is_member[chosen].mean() - risks[chosen].mean()) < margin


def test_tells_nothing_about_noise_even_of_small_data():
    # In-sample, members would look like members; out of fold they do not.
    values, is_member = shifted(200, 0.0, seed=3)
    risks = privacy_risk_scores(values, is_member, folds(400))
    assert abs(risks[is_member].mean() - risks[~is_member].mean()) < 0.03


def test_unequal_sides_weigh_the_same():
    values, is_member = shifted(20_000, 0.0)
    kept = is_member | (np.arange(40_000) % 4 == 0)
    risks = privacy_risk_scores(values[kept], is_member[kept], folds(40_000)[kept])
    assert abs(risks.mean() - 0.5) < 0.01


def test_nothing_to_learn_from_is_one_half():
    values, is_member = shifted(20, 1.0)
    for members in (is_member & False, is_member | True, np.arange(40) < 5):
        np.testing.assert_array_equal(privacy_risk_scores(values, members, folds(40)), 0.5)


def test_only_who_is_asked_for():
    values, is_member = shifted(500, 1.0)
    everyone = privacy_risk_scores(values, is_member, folds(1_000))
    members = privacy_risk_scores(values, is_member, folds(1_000), asked=is_member)
    np.testing.assert_array_equal(members[is_member], everyone[is_member])
    np.testing.assert_array_equal(members[~is_member], 0.5)


def test_log_histogram_of_seven_losses():
    # Two bins of equal width in log loss between .01 and 1: below .1 and from .1 on.
    #   loss    .01  .02  .05  .2 | .03  .5   1
    #   member  yes  yes  yes  yes| no   no   no
    #   below .1: 3/4 of the members, 1/3 of the others: (3/4) / (3/4 + 1/3) = 9/13
    #   above:    1/4 and 2/3: (1/4) / (1/4 + 2/3) = 3/11
    losses = np.array([0.01, 0.02, 0.05, 0.2, 0.03, 0.5, 1.0])
    risks = log_histogram_risk_scores(losses, np.arange(7) < 4, num_bins=2)
    np.testing.assert_allclose(risks, [9 / 13, 9 / 13, 9 / 13, 3 / 11, 9 / 13, 3 / 11, 3 / 11])


def test_most_vulnerable_members_highest_first():
    risks = np.array([0.9, 0.5, 0.7, 0.9, 0.9, 0.2])
    scores = np.array([1.0, 9.0, 9.0, 2.0, 9.0, 9.0])
    is_member = np.array([True, True, True, True, False, True])
    np.testing.assert_array_equal(most_vulnerable(risks, scores, is_member, 3), [3, 0, 2])
    np.testing.assert_array_equal(most_vulnerable(risks, scores, is_member, 99), [3, 0, 2, 1, 5])
    assert not len(most_vulnerable(risks, scores, is_member, 0))
    assert not len(most_vulnerable(risks, scores, ~is_member & False, 3))


@pytest.mark.parametrize('n', [2000, 250_000])
def test_the_order_of_rows_changes_no_bit(n):
    """Also where only a part of the rows is learnt from, above 200,000 a fold."""
    values, is_member = shifted(n, 0.5)
    values, fold = values.round(4), folds(2 * n)
    risks = privacy_risk_scores(values, is_member, fold)
    for seed in range(3):
        p = np.random.default_rng(seed).permutation(2 * n)
        np.testing.assert_array_equal(privacy_risk_scores(values[p], is_member[p], fold[p]), risks[p])
