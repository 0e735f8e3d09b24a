"""What rounding scores may hide is in every limit, and leaves open what it may decide."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy_component.config.policies import policy
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.config.thresholds import Threshold
from privacy_component.evaluation.result import result_from_json, result_to_json
from privacy_component.gate.verdict import EXCEEDED, PASSED, UNDECIDED, decide
from privacy_component.metrics.change import Baseline, Change
from privacy_component.metrics.counts import roc
from privacy_component.metrics.curve import summarize, summarize_folds
from privacy_component.metrics.registry import METRICS, metric_named, metrics_for
from privacy_component.metrics.slice_result import measure
from tests.metrics.simulate import counts_of, gaussian

LIMITS = {'auc': 0.6, 'advantage': 0.2, 'two_sided_advantage': 0.2, 'balanced_accuracy': 0.6, 'tpr_at_fpr_0.45': 0.6,
          'ppv_at_fpr_0.45': 0.6, 'two_sided_tpr_at_fpr_0.45': 0.6, 'tnr_at_fnr_0.15': 0.3, 'empirical_epsilon': 0.4,
          'gdp_mu': 0.5}  # fmt: skip
TALL = [name for name, metric in METRICS.items() if metric.upper]


def regression(n, shift=2.5):
    """Squared errors over ten decades; half of them within 0.1 % of 1,000, and members' are smaller among these."""
    rng, is_member = np.random.default_rng(0), np.arange(2 * n) < n
    errors = 10 ** rng.uniform(-5, 5, 2 * n)
    near = rng.random(2 * n) < 0.5
    errors[near] = 1000 + 0.1 * (rng.standard_normal(2 * n) - shift * is_member)[near]
    return -errors, is_member


def judged(counts, config, folds=1):
    metrics = metrics_for([threshold.metric for threshold in config.thresholds])
    return decide([measure((), 'loss_threshold', [counts] * folds, metrics, 0.95, 30)], config)


def limiting(name, limit):
    return PrivacyConfig(attacks=('loss_threshold',), thresholds=(Threshold(name, limit),))


@pytest.mark.parametrize('name', LIMITS)
def test_a_leak_that_rounding_hides_is_undecided_and_never_a_pass(name):
    exact = counts_of(*regression(20_000))
    cut = roc.bounded(exact, 1000)
    config = limiting(name, LIMITS[name])
    assert judged(exact, config).comparisons[0].outcome == EXCEEDED
    verdict = judged(cut, config)
    assert verdict.comparisons[0].outcome == UNDECIDED and not verdict.blessed
    assert any('raise PrivacyConfig.measurement.max_distinct_scores' in reason for reason in verdict.reasons)


def test_nor_under_a_policy_that_lets_small_samples_pass():
    config = policy('standard', attacks=('loss_threshold',))
    assert not judged(roc.bounded(counts_of(*regression(20_000)), 1000), config).blessed


def test_rounding_that_hides_nothing_changes_no_verdict():
    for shift, expected in ((0.0, PASSED), (1.0, EXCEEDED)):
        cut = roc.bounded(counts_of(*gaussian(np.random.default_rng(0), 20_000, 20_000, shift)), 2000)
        assert cut.bits < 64
        assert judged(cut, limiting('auc', 0.6)).comparisons[0].outcome == expected


@pytest.mark.parametrize('name', TALL)
@pytest.mark.parametrize('folds', [1, 2])
def test_limits_hold_for_what_full_scores_would_have_given(name, folds):
    exact = counts_of(*regression(20_000))
    metric, cut = metric_named(name), roc.bounded(exact, 1000)
    curve = summarize_folds([cut] * folds, (0.1, 0.01, 0.001))
    truth = metric.value(summarize_folds([exact] * folds, (0.1, 0.01, 0.001)))
    assert metric.lower(curve, 0.05) <= truth <= metric.upper(curve, 0.05)


values = st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=60)


@given(values=values, seed=st.integers(0, 99), bits=st.integers(0, 64))
@settings(deadline=None)
def test_the_full_roc_lies_between_the_extremes(values, seed, bits):
    is_member = np.random.default_rng(seed).random(len(values)) < 0.5
    is_member[:2] = True, False
    full = counts_of(np.array(values), is_member)
    exact, cut = summarize(full), summarize(roc.truncate(full, bits))
    if bits == 64:
        assert not cut.orders
        return
    most, least = cut.orders
    assert least.auc - 1e-12 <= exact.auc <= most.auc + 1e-12
    assert exact.advantage <= most.advantage + 1e-12
    assert exact.two_sided_advantage <= max(one.two_sided_advantage for one in cut.orders) + 1e-12
    for rank in range(exact.num_non_members + 1):
        assert least.true_positives_at(rank) <= exact.true_positives_at(rank) <= most.true_positives_at(rank)


def test_changes_too():
    exact = counts_of(*regression(20_000))
    curves = [summarize(counts, (0.1,)) for counts in (exact, roc.bounded(exact, 1000))]
    for name in ('auc', 'advantage'):
        # A model beside one that does not leak, whose scores are counted in full.
        clean = Baseline(summarize(counts_of(*gaussian(np.random.default_rng(1), 20_000, 20_000)), (0.1,)), None)
        full, cut = (Change(metric_named(name), curve, clean) for curve in curves)
        assert full.lower(0.05) > 0.05 > cut.lower(0.05)
        assert full.hidden(0.05) == -np.inf and cut.hidden(0.05) > 0.05


def test_a_record_tells_the_extremes():
    cut = roc.bounded(counts_of(*regression(5000)), 1000)
    one = measure((), 'loss_threshold', [cut], metrics_for([]), 0.95, 30)
    read = result_from_json(json.loads(json.dumps(result_to_json(one))))
    assert len(read.curve.orders) == 2
    for ours, theirs in zip((one.curve, *one.curve.orders), (read.curve, *read.curve.orders), strict=True):
        for field in dataclasses.fields(ours):
            if field.name != 'orders':
                np.testing.assert_array_equal(getattr(ours, field.name), getattr(theirs, field.name))
    exact = measure((), 'loss_threshold', [counts_of(*regression(500))], metrics_for([]), 0.95, 30)
    assert 'orders' not in result_to_json(exact)['curve']
