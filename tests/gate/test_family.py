"""Which comparisons count, so that limits that are none make no real one weaker."""

import numpy as np
import pytest

from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.config.thresholds import SAFETY_NOT_SHOWN, Threshold
from privacy_component.gate.loose_limits import loose_limits
from privacy_component.gate.verdict import EXCEEDED, UNDECIDED, decide
from privacy_component.metrics.registry import METRICS, metric_named, metrics_for
from privacy_component.metrics.slice_result import measure
from tests.metrics.simulate import counts_of, gaussian
from tests.test_calibration import chance

REAL = Threshold('auc', 0.6)
IDLE = {
    'the same again': (REAL,) * 1000,
    'a little higher each': tuple(Threshold('auc', 0.6 + i / 2500) for i in range(1000)),
    'the largest value': tuple(Threshold(f'tpr_at_fpr_0.1{i:04}', 1.0) for i in range(300)),
    'more than so few examples can show': tuple(Threshold(f'tpr_at_fpr_0.1{i:04}', 0.999) for i in range(300)),
    'shown to be safe at once': tuple(Threshold('auc', 0.99 + i / 1e6, block_if=SAFETY_NOT_SHOWN) for i in range(300)),
}


def config(*thresholds):
    return PrivacyConfig(attacks=('loss_threshold',), thresholds=thresholds)


def result(shift, n=300, key=(), seed=0, names=()):
    counts = counts_of(*gaussian(np.random.default_rng(seed), n, n, shift))
    return measure(key, 'loss_threshold', [counts], metrics_for(names), 0.95, 30)


@pytest.mark.parametrize('idle', IDLE)
def test_limits_that_are_none_make_no_real_one_weaker(idle):
    leaky = result(0.62, names=[threshold.metric for threshold in IDLE[idle]])
    alone, beside = (decide([leaky], config(REAL, *others)) for others in ((), IDLE[idle]))
    assert alone.comparisons[0].outcome == beside.comparisons[0].outcome == EXCEEDED
    # Safety is a question of its own, which counts once, in the first step.
    counts = 0.05 / 2 if 'safe' in idle else 0.05
    assert beside.comparisons[0].corrected_bound == metric_named('auc').lower(leaky.curve, counts)


def test_what_no_data_of_this_size_could_exceed_is_undecided():
    verdict = decide([result(0.0)], config(REAL, Threshold('auc', 1.0), Threshold('auc', 0.9999)))
    assert [c.outcome for c in verdict.comparisons][1:] == [UNDECIDED] * 2


def test_many_limits_on_one_figure_err_no_more_often_than_one():
    """Without a leak, limits from a coin's 0.5 upwards: any of them is a false alarm."""
    limits, runs, alarms = [Threshold('auc', 0.5 + i / 500) for i in range(20)], 150, 0
    for seed in range(runs):
        results = [result(0.0, 100, key, 10 * seed + i) for i, key in enumerate(((), (('a', 1),), (('a', 2),)))]
        alarms += any(c.outcome == EXCEEDED for c in decide(results, config(*limits)).comparisons)
    assert alarms / runs <= chance(0.05, runs)


def test_thousands_of_comparisons_are_judged():
    results = [result(0.3, key=(('a', i),) if i else (), seed=i) for i in range(8)]
    gate = config(*(Threshold('auc', 0.5 + i / 8000) for i in range(4000)))
    assert len(decide(results, gate).comparisons) == 32_000


@pytest.mark.parametrize(
    ('threshold', 'allowed'),
    [
        (Threshold('auc', 0.99), 'tell a member from a non-member 99 % of the time'),
        (Threshold('auc', absolute=0.45), 'tell a member from a non-member 95 % of the time'),
        (Threshold('two_sided_advantage', 0.9), 'catch one side 90 % more often than the other'),
        (Threshold('tpr_at_fpr_0.01', 0.6), 'find 60 % of the members, accusing 1 % of the non-members'),
        (Threshold('tnr_at_fnr_0.001', 1.0), 'clear 100 % of the non-members, missing 0.1 % of the members'),
        (Threshold('ppv_at_fpr_0.01', 0.99), 'be right about 99 % of those it points at'),
        (Threshold('empirical_epsilon', 5.0), 'raise the odds that somebody is a member 148-fold'),
        (Threshold('empirical_epsilon', 1e9), 'raise the odds'),
        (Threshold('gdp_mu', 3), 'be right about 93.3 % of single people'),
    ],
)
def test_a_limit_that_allows_nearly_every_leak_is_said_to(threshold, allowed):
    (warning,) = loose_limits([REAL, threshold, threshold])
    assert threshold.metric in warning and 'allows nearly every leak' in warning and allowed in warning
    verdict = decide([result(0.0, names=[threshold.metric])], config(threshold))
    assert threshold.is_change or warning in verdict.warnings


@pytest.mark.parametrize('name', [name for name, metric in METRICS.items() if metric.lower])
def test_of_every_metric_some_limit_is_loose_and_zero_is_not(name):
    (warning,) = loose_limits([Threshold(name, METRICS[name].largest or 100.0)])
    assert warning.startswith(f"Threshold('{name}', upper_bound=")
    assert not loose_limits([Threshold(name, 0.0)])


def test_limits_that_are_some_are_not():
    names = {'auc': 0.6, 'advantage': 0.3, 'tpr_at_fpr_0.01': 0.05, 'ppv_at_fpr_0.01': 0.9, 'empirical_epsilon': 3,
             'gdp_mu': 2, 'tnr_at_fnr_0.3': 0.6, 'empirical_epsilon_at_delta_1e-05': 1}  # fmt: skip
    assert not loose_limits(
        [*(Threshold(name, limit) for name, limit in names.items()), Threshold('auc', absolute=0.1)]
    )
