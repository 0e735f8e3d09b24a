"""From how many examples a rule can decide, against what the gate does with that many, and the table in the docs."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtri

from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.config.thresholds import LEAK_SHOWN, SAFETY_NOT_SHOWN, Threshold
from privacy_component.gate.sample_size import rounded_up, smallest_size
from privacy_component.gate.verdict import EXCEEDED, PASSED, UNDECIDED, decide
from privacy_component.metrics.curve import at_chance, summarize
from privacy_component.metrics.registry import METRICS, metric_named, metrics_for
from privacy_component.metrics.slice_result import measure
from tests.metrics.simulate import counts_of, gaussian

DOCS = Path(__file__).parents[2] / 'docs' / 'how_to_read_a_verdict.md'
LIMITS = {
    'auc': 0.6, 'advantage': 0.2, 'two_sided_advantage': 0.2, 'balanced_accuracy': 0.6, 'tpr_at_fpr_0.1': 0.2,
    'tpr_at_fpr_0.01': 0.05, 'tpr_at_fpr_0.001': 0.02, 'tnr_at_fnr_0.01': 0.05, 'tnr_at_fnr_0.001': 0.02,
    'ppv_at_fpr_0.01': 0.8, 'empirical_epsilon': 1.0, 'gdp_mu': 1.0,
}  # fmt: skip
SAFE = [name for name in LIMITS if metric_named(name).upper]


def tied(num):
    """`num` distinct scores with one member and one non-member each: no attack could be more at chance."""
    return counts_of(np.repeat(np.arange(float(num)), 2), np.arange(2 * num) % 2)


def outcome(counts, metric, limit, block_if, num_comparisons):
    """The gate's, where the other comparisons are of slices that need no room: the same result again and again."""
    limits = (Threshold(metric, limit, block_if=block_if),)
    every_slice = {'decision': {'min_examples': 2}, 'people': {'min_reported_examples': 0}}
    gate = PrivacyConfig(('loss_threshold',), limits, **every_slice)
    one = measure((), 'loss_threshold', [counts], metrics_for([metric]), 0.95, 2)
    slices = [dataclasses.replace(one, slice_key=(('shop', i),) if i else ()) for i in range(num_comparisons)]
    return decide(slices, gate).comparisons[0].outcome


def test_every_metric_that_can_gate_has_a_size():
    assert set(LIMITS) == {name for name, metric in METRICS.items() if metric.lower}


@pytest.mark.parametrize('num', [2, 3, 17, 1000, 12_345])
def test_an_attack_at_chance_is_what_counting_would_give(num):
    counted, short = summarize(tied(num), (0.01,)), at_chance(num, (0.01,))
    for field in dataclasses.fields(counted):
        assert np.allclose(getattr(short, field.name), getattr(counted, field.name), rtol=1e-12), field.name


@pytest.mark.parametrize('num_comparisons', [1, 40])
@pytest.mark.parametrize('metric', LIMITS)
def test_a_leak_can_be_shown_from_there_and_not_before(metric, num_comparisons):
    limit = LIMITS[metric]
    size = smallest_size(metric, limit, LEAK_SHOWN, 0.05 / num_comparisons)
    for num, expected in ((size, EXCEEDED), (size - 1, UNDECIDED)):
        perfect = counts_of(np.arange(2.0 * num), np.arange(2 * num) >= num)
        assert outcome(perfect, metric, limit, LEAK_SHOWN, num_comparisons) == expected


@pytest.mark.parametrize('num_comparisons', [1, 40])
@pytest.mark.parametrize('metric', SAFE)
def test_safety_can_be_shown_from_there_and_not_before(metric, num_comparisons):
    limit = LIMITS[metric]
    size = smallest_size(metric, limit, SAFETY_NOT_SHOWN, 0.05 / num_comparisons)
    assert outcome(tied(size), metric, limit, SAFETY_NOT_SHOWN, num_comparisons) == PASSED
    assert outcome(tied(size - 1), metric, limit, SAFETY_NOT_SHOWN, num_comparisons) in (EXCEEDED, UNDECIDED)


@pytest.mark.parametrize(
    ('metric', 'limit', 'block_if'),
    [('auc', 1.0, LEAK_SHOWN), ('auc', 0.5, SAFETY_NOT_SHOWN), ('gdp_mu', 50, LEAK_SHOWN)],
)
def test_some_limits_no_data_can_decide(metric, limit, block_if):
    assert smallest_size(metric, limit, block_if, 0.05) is None


def test_sizes_are_rounded_up():
    assert [rounded_up(size) for size in (7, 99, 100.5, 6909, 7000)] == [7, 99, 110, 7000, 7000]


COUNTS = (1, 10, 100, 1000)
ROWS = (
    ('auc', 0.6), ('auc', 0.55), ('advantage', 0.2), ('tpr_at_fpr_0.1', 0.2), ('tpr_at_fpr_0.01', 0.05),
    ('tpr_at_fpr_0.01', 0.03), ('tpr_at_fpr_0.001', 0.01), ('two_sided_tpr_at_fpr_0.01', 0.05),
    ('two_sided_tpr_at_fpr_0.001', 0.003), ('tnr_at_fnr_0.01', 0.05), ('tnr_at_fnr_0.001', 0.01),
    ('two_sided_advantage', 0.15), ('empirical_epsilon', 1.0), ('gdp_mu', 1.0),
)  # fmt: skip


def size_table():
    """The table of the docs."""
    lines = ['| limit | rule | 1 comparison | 10 | 100 | 1,000 |', '|---|---|--:|--:|--:|--:|']
    for metric, limit in ROWS:
        for rule in (LEAK_SHOWN, SAFETY_NOT_SHOWN) if metric_named(metric).upper else (LEAK_SHOWN,):
            sizes = (rounded_up(smallest_size(metric, limit, rule, 0.05 / count) or 0) for count in COUNTS)
            lines.append(f'| `{metric}` ≤ {limit:g} | `{rule}` | ' + ' | '.join(f'{size:,}' for size in sizes) + ' |')
    return '\n'.join(lines)


def test_the_table_in_the_docs_is_what_the_code_says():
    assert size_table() in DOCS.read_text(), f'Put this into {DOCS.name}:\n\n{size_table()}'


# Members and non-members at which a leak of a Gaussian shift is shown in four of five evaluations, as in the docs.
POWER = (
    ('auc', 0.6, 0.65, 1, 380), ('auc', 0.6, 0.65, 100, 1000), ('auc', 0.6, 0.7, 1, 95), ('auc', 0.6, 0.7, 100, 270),
    ('auc', 0.55, 0.6, 1, 380), ('auc', 0.55, 0.6, 100, 1200),
    ('tpr_at_fpr_0.01', 0.05, 0.1, 1, 2200), ('tpr_at_fpr_0.01', 0.05, 0.1, 100, 5700),
)  # fmt: skip


def power_table():
    """The other table of the docs."""
    lines = ['| limit | true figure | 1 comparison | 100 |', '|---|--:|--:|--:|']
    for (metric, limit, truth, _, one), (*_, hundred) in zip(POWER[::2], POWER[1::2], strict=True):
        lines.append(f'| `{metric}` ≤ {limit:g} | {truth:g} | {one:,} | {hundred:,} |')
    return '\n'.join(lines)


def test_the_table_of_power_is_in_the_docs():
    assert power_table() in DOCS.read_text(), f'Put this into {DOCS.name}:\n\n{power_table()}'


@pytest.mark.parametrize(('metric', 'limit', 'truth', 'count', 'size'), POWER)
def test_leaks_of_a_given_size_are_shown_four_times_in_five(metric, limit, truth, count, size):
    rng, lower, runs = np.random.default_rng(size), metric_named(metric).lower, 400
    shift = np.sqrt(2) * ndtri(truth) if metric == 'auc' else ndtri(truth) - ndtri(0.01)
    curves = [summarize(counts_of(*gaussian(rng, size, size, shift)), (0.01,)) for _ in range(runs)]
    assert np.mean([lower(curve, 0.05 / count) > limit for curve in curves]) == pytest.approx(0.8, abs=0.06)
