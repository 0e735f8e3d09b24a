import warnings

import numpy as np
import pytest

from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.curve import summarize
from privacy_component.metrics.registry import (
    METRICS,
    UNSUPPORTED,
    error_rates,
    estimate,
    metric_named,
    metrics_for,
)
from tests.metrics.simulate import counts_of, gaussian

AWKWARD = {
    'one of either': ([1.0, 0.0], [1, 0]),
    'one member': (np.arange(60.0), np.arange(60) == 30),
    'one non-member': (np.arange(60.0), np.arange(60) != 30),
    'all tied': (np.zeros(80), np.arange(80) < 40),
    'perfect': (np.arange(80.0), np.arange(80) >= 40),
    'perfectly wrong': (np.arange(80.0), np.arange(80) < 40),
    'infinite': (np.repeat([-np.inf, np.inf, 1.0], 30), np.arange(90) % 2 == 0),
    'two values': (np.arange(200) % 2.0, np.arange(200) < 100),
}


@pytest.mark.parametrize('name', METRICS)
@pytest.mark.parametrize('case', AWKWARD)
def test_awkward_data_give_numbers_within_range_and_no_warning(name, case):
    metric = METRICS[name]
    curve = summarize(counts_of(*AWKWARD[case]), (0.1, 0.01, 0.001))
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        figures = {level: estimate(metric, curve, level) for level in (0.95, 0.999999)}
    for figure in figures.values():
        if figure is UNSUPPORTED:
            assert (
                curve.num_non_members < metric.num_non_members_needed or curve.num_members < metric.num_members_needed
            )
            continue
        given = [limit for limit in (figure.lower, figure.value, figure.upper) if limit is not None]
        assert all(isinstance(limit, float) and np.isfinite(limit) for limit in given)
        assert min(given) >= 0 and (metric.largest is None or max(given) <= metric.largest)
        if figure.upper is not None:
            assert figure.lower - 1e-12 <= figure.value <= figure.upper + 1e-12


@pytest.mark.parametrize('name', [n for n, m in METRICS.items() if m.lower])
def test_limits_widen_with_the_level_and_narrow_with_the_sample(name):
    metric = METRICS[name]
    small, large = (
        summarize(counts_of(*gaussian(np.random.default_rng(5), n, n, 1.0)), (0.1, 0.01, 0.001))
        for n in (12_000, 120_000)
    )
    assert metric.lower(small, 0.001) <= metric.lower(small, 0.05)
    assert metric.lower(small, 0.001) < metric.lower(large, 0.001)
    if metric.upper:
        assert metric.upper(small, 0.001) >= metric.upper(small, 0.05)
        assert metric.upper(small, 0.001) > metric.upper(large, 0.001)


def test_rates_below_what_the_non_members_support_are_not_reported():
    curve = summarize(counts_of(*gaussian(np.random.default_rng(0), 999, 999)))
    assert estimate(metric_named('tpr_at_fpr_0.01'), curve, 0.95) is UNSUPPORTED
    assert estimate(metric_named('tpr_at_fpr_0.1'), curve, 0.95) is not UNSUPPORTED


def test_nor_what_the_members_do_not():
    for sizes, name in (((1000, 300), 'tnr_at_fnr_0.01'), ((300, 1000), 'tpr_at_fpr_0.01')):
        curve = summarize(counts_of(*gaussian(np.random.default_rng(0), *sizes)), (0.01,))
        assert estimate(metric_named(name), curve, 0.95) is not UNSUPPORTED
        assert estimate(metric_named(name), curve.mirrored(), 0.95) is UNSUPPORTED


@pytest.mark.parametrize(
    'name',
    [
        'tnr_at_fnr_0.02',
        'two_sided_tpr_at_fpr_0.02',
        'tpr_at_fpr_0.0001',
        'tpr_at_fpr_1e-4',
        'ppv_at_fpr_0.05',
        'empirical_epsilon_at_delta_1e-5',
        *METRICS,
    ],
)
def test_names(name):
    if name == 'max_ppv':
        with pytest.raises(PrivacyInputError, match='cannot be gated on'):
            metric_named(name)
    else:
        metric = metric_named(name)
        assert metric.name in [m.name for m in metrics_for([name])]
        assert metric_named(metric.name).name == metric.name


@pytest.mark.parametrize('name', ['tpr_at_fpr_0', 'tpr_at_fpr_1', 'tpr_at_fpr_x', 'tpr_at_fpr_nan', '', 'AUC', 'ppv'])
def test_unknown_names_are_refused(name):
    with pytest.raises(PrivacyInputError, match='is not one of auc'):
        metric_named(name)


def test_a_two_sided_rate_is_the_larger_of_both_directions():
    scores, is_member = gaussian(np.random.default_rng(0), 3000, 3000)
    scores[:300] = -50.0
    both, one = metric_named('two_sided_tpr_at_fpr_0.01'), metric_named('tpr_at_fpr_0.01')
    ours, reverse = (summarize(counts_of(sign * scores, is_member), (0.01,)) for sign in (1, -1))
    assert both.value(ours) == both.value(reverse) == one.value(reverse) > 0.1 > one.value(ours)
    assert both.lower(ours, 0.05) == both.lower(reverse, 0.05) > 0.08
    # At the far end ranks are kept in steps, which may widen a limit.
    assert one.upper(reverse, 0.05) <= both.upper(ours, 0.05) < one.upper(reverse, 0.05) + 0.002


def test_rates_of_all_metrics_at_an_error_rate_are_kept():
    assert error_rates(metrics_for(['ppv_at_fpr_0.2', 'tnr_at_fnr_0.3'])) == (0.001, 0.01, 0.1, 0.2, 0.3)
