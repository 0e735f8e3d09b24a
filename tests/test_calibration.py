"""What a confidence level promises, held against simulation: false alarms, coverage, power.

Every rate is compared with its nominal level plus what chance allows in so many seeded runs.
"""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from scipy.stats import binom, norm

from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.config.thresholds import Threshold
from privacy_component.gate.verdict import EXCEEDED, decide
from privacy_component.metrics import confidence
from privacy_component.metrics.counts import roc
from privacy_component.metrics.curve import summarize, summarize_folds
from privacy_component.metrics.design_effect import design_effect
from privacy_component.metrics.epsilon import empirical_epsilon
from privacy_component.metrics.registry import Estimate, error_rates, metric_named
from privacy_component.metrics.slice_result import MEASURED, SliceResult
from tests.metrics.simulate import counts_of, gaussian, tied_counts, true_figures

METRICS = tuple(true_figures(0.0))
RATES = error_rates([metric_named(name) for name in METRICS])
SLICE_COUNTS = {'all': 1, 'class': 10, 'right': 2, 'decile': 10}
ANY = Estimate(0.0, 0.0, 0.0)


def chance(level, runs):
    """The most that a rate of `level` shows in so many runs, but for one time in ten thousand."""
    return binom.ppf(1 - 1e-4, runs, level) / runs


def wrong_limits(curves, truth, alpha):
    """How often each limit is on the wrong side of the truth, by (metric, side)."""
    errors = {}
    for name in truth:
        metric = metric_named(name)
        supported = [curve for curve in curves if metric.is_supported(curve)]
        if len(supported) < 0.9 * len(curves):
            continue
        errors[name, 'lower'] = np.mean([metric.lower(c, alpha) > truth[name] + 1e-9 for c in supported])
        if metric.upper:
            errors[name, 'upper'] = np.mean([metric.upper(c, alpha) < truth[name] - 1e-9 for c in supported])
    return errors


def assert_covered(curves, truth, alpha=0.05):
    errors = wrong_limits(curves, truth, alpha)
    too_often = {key: rate for key, rate in errors.items() if rate > chance(alpha, len(curves))}
    assert errors and not too_often


@pytest.mark.parametrize('shift', [0.0, 0.5, 2.0])
@pytest.mark.parametrize(
    ('members', 'others', 'runs'), [(50, 50, 800), (2000, 100, 400), (300, 1200, 400), (20_000, 20_000, 150)]
)
def test_intervals_cover(members, others, shift, runs):
    rng = np.random.default_rng(members + others)
    curves = [summarize(counts_of(*gaussian(rng, members, others, shift)), RATES) for _ in range(runs)]
    assert_covered(curves, true_figures(shift))
    assert_covered(curves, true_figures(shift), alpha=0.001)
    # The AUC's limits, which decide most often, are not wider than they have to be.
    if min(members, others) > 200:
        assert wrong_limits(curves, {'auc': true_figures(shift)['auc']}, 0.05)['auc', 'lower'] > 0.02


@pytest.mark.parametrize('digits', [0, 1])
@pytest.mark.parametrize('n', [60, 1000])
def test_ties_cost_no_validity(n, digits):
    rng, curves = np.random.default_rng(n + digits), []
    for _ in range(600):
        scores, is_member = gaussian(rng, n, n)
        curves.append(summarize(counts_of(np.round(scores, digits), is_member), RATES))
    # Without a leak the largest TPR at an FPR of at most r is at most r, whatever is tied; and so the other way.
    at_a_rate = ('tpr', 'tnr', 'ppv', 'two_sided_tpr')
    assert_covered(curves, {name: true_figures(0.0)[name] for name in METRICS if not name.startswith(at_a_rate)})
    for name in (
        'tpr_at_fpr_0.1',
        *(name for name in METRICS if name.startswith(at_a_rate) and name.endswith('_0.01')),
    ):
        if metric_named(name).is_supported(curves[0]):
            assert wrong_limits(curves, {name: true_figures(0.0)[name]}, 0.05)[name, 'lower'] <= chance(0.05, 600)


def linear_folds(rng, n, num_folds, shift=0.0, features=5):
    """Out-of-fold scores of the difference of means, in the fold sizes that hashing gives."""
    x, is_member = rng.standard_normal((2 * n, features)), np.arange(2 * n) < n
    x[:, 0] += shift * is_member
    fold = rng.integers(0, num_folds, 2 * n)
    for number in range(num_folds):
        held_out = fold == number
        a, b = x[~held_out & is_member], x[~held_out & ~is_member]
        yield counts_of(x[held_out] @ (a.mean(axis=0) - b.mean(axis=0)), is_member[held_out])


@pytest.mark.parametrize('num_folds', [2, 5, 10])
@pytest.mark.parametrize(('n', 'features'), [(50, 5), (200, 1), (1000, 20)])
def test_cross_fitted_scores_without_a_leak(n, features, num_folds):
    rng = np.random.default_rng(n + num_folds)
    curves = [summarize_folds(list(linear_folds(rng, n, num_folds, features=features)), RATES) for _ in range(600)]
    assert_covered(curves, true_figures(0.0))


def test_plain_delong_over_pooled_folds_would_not_do():
    rng = np.random.default_rng(0)
    pooled = [summarize(roc.merge(list(linear_folds(rng, 200, 2)))) for _ in range(1500)]
    assert wrong_limits(pooled, {'auc': 0.5}, 0.05)['auc', 'lower'] > chance(0.05, 1500)


def test_cross_fitted_scores_with_a_leak():
    # One feature, shifted by 1: each attacker learns the sign, so the AUC is that of the shift.
    rng = np.random.default_rng(1)
    curves = [summarize_folds(list(linear_folds(rng, 300, 2, 1.0, features=1)), RATES) for _ in range(600)]
    assert_covered(curves, true_figures(1.0))


def grouped(rng, groups, likeness, shift, mixed):
    """Scores of groups of 1 to about 10 rows, whose rows are alike."""
    group_id = np.repeat(np.arange(groups), 1 + rng.geometric(0.2, groups))
    own, common = rng.standard_normal(len(group_id)), rng.standard_normal(groups)[group_id]
    is_member = rng.random(len(group_id)) < 0.5 if mixed else group_id % 2 == 0
    scores = np.sqrt(likeness) * common + np.sqrt(1 - likeness) * own + shift * is_member
    return scores, is_member, group_id


@pytest.mark.parametrize('mixed', [False, True])
@pytest.mark.parametrize(('groups', 'likeness', 'shift'), [(60, 0.5, 0.0), (300, 0.8, 0.0), (300, 0.3, 1.0)])
def test_rows_of_one_person_count_together(groups, likeness, shift, mixed):
    rng, curves, naive = np.random.default_rng(groups), [], []
    for _ in range(600):
        scores, is_member, group_id = grouped(rng, groups, likeness, shift, mixed)
        counts = counts_of(scores, is_member)
        naive.append(summarize(counts))
        curves.append(summarize_folds([counts], RATES, design_effect(scores, is_member, group_id)))
    truth = true_figures(shift)
    assert_covered(curves, truth)
    if not mixed:
        assert wrong_limits(naive, {'auc': truth['auc']}, 0.05)['auc', 'lower'] > chance(0.05, 600)


@pytest.mark.parametrize(('n', 'runs'), [(50, 1000), (1000, 1000), (20_000, 150)])
def test_epsilon_is_above_zero_in_at_most_one_of_twenty(n, runs):
    rng = np.random.default_rng(n)
    shown = [empirical_epsilon(summarize(counts_of(*gaussian(rng, n, n))), 0.05) > 0 for _ in range(runs)]
    assert np.mean(shown) <= chance(0.05, runs)


def evaluation(rng, n, shift=0.0):
    """23 overlapping slices and four attacks on n members and n non-members, as a real evaluation has them."""
    features, is_member = rng.standard_normal((2 * n, 3)), np.arange(2 * n) < n
    features[:, 0] += shift * is_member
    loss = features[:, 0]
    noisy = loss + 0.3 * features[:, 1]
    right = (loss + features[:, 2] > -1).astype(float)
    deciles = np.argsort(np.argsort(loss)) * 10 // (2 * n)
    codes = {
        'all': np.zeros(2 * n, int),
        'class': rng.integers(0, 10, 2 * n),
        'right': right.astype(int),
        'decile': deciles,
    }
    fold = rng.integers(0, 2, 2 * n)
    learnt = np.empty(2 * n)
    for held_out in (fold == 0, fold == 1):
        a, b = features[~held_out & is_member], features[~held_out & ~is_member]
        learnt[held_out] = features[held_out] @ (a.mean(axis=0) - b.mean(axis=0))
    scored = {'loss': loss, 'scaled_logit': noisy, 'correctness': right}
    scored = {f'{signal}_threshold': scores for signal, scores in scored.items()} | {'logistic_regression': learnt}
    for attack, scores in scored.items():
        num_folds = 2 if attack == 'logistic_regression' else 1
        sorted_scores = roc.SortedScores.of(roc.score_keys(scores), is_member)
        for name, slices in codes.items():
            parts = sorted_scores.count(
                np.arange(2 * n), slices * num_folds + fold % num_folds, SLICE_COUNTS[name] * num_folds
            )
            for i in range(SLICE_COUNTS[name]):
                yield slice_result(name, i, attack, parts[i * num_folds : (i + 1) * num_folds])


def slice_result(name, value, attack, folds):
    curve = summarize_folds(folds, RATES)
    sizes = [sum(part.num_members for part in folds), sum(part.num_non_members for part in folds)]
    key = () if name == 'all' else ((name, value),)
    return SliceResult(key, attack, *sizes, MEASURED, dict.fromkeys(METRICS, ANY), curve)


# The others are these on another scale.
GATED = ('auc', 'advantage', 'tpr_at_fpr_0.1', 'tpr_at_fpr_0.01', 'tnr_at_fnr_0.01', 'empirical_epsilon', 'gdp_mu')


def gate_on(*names):
    return PrivacyConfig(thresholds=[Threshold(name, true_figures(0.0)[name]) for name in names])


@pytest.mark.parametrize(('n', 'runs'), [(50, 300), (1000, 120), (20_000, 30)])
def test_the_gate_raises_a_false_alarm_in_at_most_one_of_twenty_evaluations(n, runs):
    rng, alarms = np.random.default_rng(n), {'auc': 0, 'all': 0}
    for _ in range(runs):
        results = list(evaluation(rng, n))
        assert len(results) == 23 * 4
        for label, config in (('auc', gate_on('auc')), ('all', gate_on(*GATED))):
            alarms[label] += any(c.outcome == EXCEEDED for c in decide(results, config).comparisons)
    assert max(alarms.values()) / runs <= chance(0.05, runs)


def test_point_estimates_would_raise_one_every_time():
    results = list(evaluation(np.random.default_rng(0), 1000))
    assert any(result.curve.auc > 0.53 for result in results)


@pytest.mark.parametrize('likelihood_ratio_power', [0.5, 0.8, 0.95])
@pytest.mark.parametrize('n', [200, 5000])
def test_power_is_within_a_few_per_cent_of_the_likelihood_ratio_test(n, likelihood_ratio_power):
    # The likelihood ratio of a Gaussian shift is monotone in the difference of means, a z test; 46 comparisons.
    level, runs = 0.05 / 46, 1200 if n < 1000 else 500
    shift = (ndtri(1 - level) + ndtri(likelihood_ratio_power)) * np.sqrt(2 / n)
    rng, found, exact = np.random.default_rng(n), 0, 0
    for _ in range(runs):
        scores, is_member = gaussian(rng, n, n, shift)
        found += confidence.auc_lower(summarize(counts_of(scores, is_member)), level) > 0.5
        z = (scores[is_member].mean() - scores[~is_member].mean()) / np.sqrt(2 / n)
        exact += z > ndtri(1 - level)
    assert exact / runs == pytest.approx(likelihood_ratio_power, abs=0.06)  # the yardstick itself
    assert found / runs > exact / runs - 0.07


def test_a_few_memorised_members_are_found_at_a_low_false_positive_rate():
    # 1 % of the members score as no other example does: hardly an AUC, but 1 % of TPR at an FPR of 0.1 %.
    rng, runs, n, level = np.random.default_rng(0), 60, 20_000, 0.05 / 46
    by_auc = by_tpr = 0
    for _ in range(runs):
        scores, is_member = gaussian(rng, n, n)
        scores[: n // 100] += 5
        curve = summarize(counts_of(scores, is_member), RATES)
        by_auc += confidence.auc_lower(curve, level) > 0.5
        by_tpr += confidence.tpr_lower(curve, 0.001, level) > 0.001
    assert by_tpr > 0.95 * runs > by_auc


@pytest.mark.parametrize(('num_members', 'num_non_members', 'shift'), [(250, 250, 3.5), (200, 5000, 3.0)])
def test_the_auc_limit_holds_where_few_examples_are_misplaced(num_members, num_non_members, shift):
    """Near an AUC of 1 the normal approximation fails however many examples there are."""
    rng, runs = np.random.default_rng(3), 300
    truth = ndtr(shift / np.sqrt(2))
    curves = [summarize(counts_of(*gaussian(rng, num_members, num_non_members, shift))) for _ in range(runs)]
    for alpha in (0.05, 0.005):
        wrong = np.mean([confidence.auc_lower(curve, alpha) > truth for curve in curves])
        assert wrong <= chance(alpha, runs)


TWO_VALUES = {  # of a model that is right on so many members and non-members
    (1000, 20_000): (0.999, 0.999),
    (300, 20_000): (0.99, 0.99),
    (20_000, 300): (0.99, 0.99),
    (200, 10_000): (0.98, 0.78),
}


@pytest.mark.parametrize('alpha', [0.025, 1e-3])
@pytest.mark.parametrize('sizes', TWO_VALUES)
def test_the_auc_limits_hold_where_one_side_is_large_and_nearly_all_tie(sizes, alpha):
    """Then a thousand members may show one or two of the examples that the variance is made of, or none."""
    rng, runs, (members, others) = np.random.default_rng(1), 1000, TWO_VALUES[sizes]
    of_sides = ([1 - members, members], [1 - others, others])
    curves = [summarize(tied_counts(rng, *sizes, *of_sides)) for _ in range(runs)]
    errors = wrong_limits(curves, {'auc': 0.5 + (members - others) / 2}, alpha)
    assert len(errors) == 2 and max(errors.values()) <= chance(alpha, runs)


@pytest.mark.parametrize('alpha', [0.025, 1e-3])
@pytest.mark.parametrize('sizes', [(1000, 1000), (20_000, 1000)])
def test_the_auc_limits_hold_where_few_members_stand_out_of_a_tie(sizes, alpha):
    rng, runs, share = np.random.default_rng(2), 1000, 0.005
    curves = [summarize(tied_counts(rng, *sizes, [1 - share, share], [1, 0])) for _ in range(runs)]
    errors = wrong_limits(curves, {'auc': 0.5 + share / 2}, alpha)
    assert len(errors) == 2 and max(errors.values()) <= chance(alpha, runs)


def test_that_costs_next_to_nothing_where_scores_do_not_tie():
    rng = np.random.default_rng(3)
    for sizes, shift in (((1000, 1000), 0.0), ((1000, 20_000), 0.5), ((20_000, 20_000), 0.3)):
        curve = summarize(counts_of(*gaussian(rng, *sizes, shift)))
        plain = norm.ppf(0.975) * curve.auc_standard_error
        assert curve.auc - confidence.auc_lower(curve, 0.025) < 1.03 * plain


def test_a_clean_model_that_is_nearly_always_right_is_no_leak():
    """End to end, at the smallest limit there is."""
    rng, alarms = np.random.default_rng(4), 0
    for _ in range(200):
        counts = tied_counts(rng, 1000, 20_000, [0.001, 0.999], [0.001, 0.999])
        results = [slice_result('all', 0, 'correctness_threshold', [counts])]
        alarms += any(c.outcome == EXCEEDED for c in decide(results, gate_on('auc')).comparisons)
    assert alarms / 200 <= chance(0.05, 200)
