"""Attacks that work turned round: refused where it is shown, and no more often on data without a leak than promised."""

import numpy as np
import pytest

from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.config.thresholds import Threshold
from privacy_component.gate.inverted import inverted_reasons
from privacy_component.gate.verdict import decide
from privacy_component.metrics.curve import summarize
from privacy_component.metrics.registry import Estimate, metrics_for
from privacy_component.metrics.slice_result import MEASURED, SliceResult, measure
from privacy_component.observations.slicing import CORRECT_FEATURE
from tests.metrics.simulate import counts_of, gaussian


def result(shift, n=1000, key=(), attack='loss_threshold', seed=0):
    counts = counts_of(*gaussian(np.random.default_rng(seed), n, n, shift))
    return measure(key, attack, [counts], metrics_for([]), 0.95, 30)


def config(upper_bound=0.6, metric='auc'):
    return PrivacyConfig(thresholds=(Threshold(metric, upper_bound),))


def test_exchanged_splits_are_no_blessing():
    one = config()
    results = [result(-1.0), result(-1.0, attack='scaled_logit_threshold')]
    verdict = decide(results, one)
    assert not verdict.blessed
    assert 'auc = 0.2' in verdict.reasons[0]
    assert 'non-members look like members' in verdict.reasons[0]
    assert 'the limit is 0.6' in verdict.reasons[0]


@pytest.mark.parametrize('metric', ['auc', 'advantage', 'tpr_at_fpr_0.1'])
def test_whatever_the_metric(metric):
    assert inverted_reasons(config(0.6, metric), [result(-1.0)])


def test_the_slice_where_it_is_surest_is_named():
    (sentence,) = inverted_reasons(config(), [result(0.0), result(-1.0, key=(('color', 'red'),), seed=1)])
    assert sentence.startswith('color = red')


def test_what_is_within_the_limit_passes():
    """Exchanged splits of a model whose leak is allowed are as harmless as the right way round."""
    assert not inverted_reasons(config(0.6), [result(-0.2)])
    assert inverted_reasons(config(0.52), [result(-0.4)])
    assert not inverted_reasons(config(), [result(1.0)])


@pytest.mark.parametrize(
    'looked_at', [result(-1.0, attack='mlp'), result(-1.0, n=20), result(-1.0, key=((CORRECT_FEATURE, 'no'),))]
)
def test_what_does_not_count(looked_at):
    """Attacks that learn turn themselves; few examples and slices that are made of outputs show nothing."""
    assert not inverted_reasons(config(), [looked_at])


def test_false_alarms_are_no_more_frequent_than_promised():
    """At a limit of 0.5, which chance is closest to; five slices, 5 % family-wise: 1,000 runs, at most 70 alarms."""
    rng = np.random.default_rng(11)
    alarms = 0
    for _ in range(1000):
        curves = [summarize(counts_of(*gaussian(rng, 300, 300, 0.0))) for _ in range(5)]
        results = [
            SliceResult(
                (('slice', i),), 'loss_threshold', 300, 300, MEASURED, {'auc': Estimate(curve.auc, None, None)}, curve
            )
            for i, curve in enumerate(curves)
        ]
        alarms += bool(inverted_reasons(config(0.5), results))
    assert alarms <= 70
