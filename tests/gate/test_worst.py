"""One meaning of "worst": in the verdict's reasons, the report, the terminal and ML Metadata."""

import dataclasses

import pytest

from privacy_component import Threshold
from privacy_component.component.publish import headline
from privacy_component.config.thresholds import SAFETY_NOT_SHOWN
from privacy_component.gate.worst import guessing, worst_comparison, worst_of
from privacy_component.report import html
from privacy_component.report.summary import summary
from tests.report import examples

LIMITS = (Threshold('auc', 0.6), Threshold('tpr_at_fpr_0.01', 0.03))
CASES = {
    'blocked': lambda: examples.evaluated(shift=1.0, thresholds=LIMITS),
    'blessed': lambda: examples.evaluated(shift=0.0, thresholds=LIMITS),
    'not shown safe': lambda: examples.evaluated(0.1, thresholds=(Threshold('auc', 0.53, block_if=SAFETY_NOT_SHOWN),)),
    'change': examples.KINDS['change'],
    'no comparisons': examples.KINDS['no comparisons'],
    'diagnostic': examples.KINDS['diagnostic'],
}


@pytest.mark.parametrize('name', CASES)
def test_metadata_terminal_and_report_name_the_same(name):
    result = CASES[name]()
    worst, row = worst_of(result.verdict.comparisons, result.results)
    properties = headline(result)
    assert (properties['worst_slice'], properties['worst_attack']) == (row.slice, row.attack)
    assert properties['worst_auc'] == row.metrics['auc'].value
    if worst is None:
        assert 'worst_limit' not in properties
    else:
        assert (properties['worst_limit'], properties['worst_bound']) == (worst.limit, worst.corrected_bound)
        assert properties['worst_metric'].split(' ')[0] == worst.metric
    assert f'  Worst: {row.slice}, {row.attack}: ' in summary(result)
    first_card = html.render(result).split('class="card first"')[1].split('</div>')[0]
    assert f'{row.slice} · {row.attack}' in first_card


def test_above_the_limit_the_worst_is_the_first_reason():
    result = CASES['blocked']()
    worst = worst_comparison(result.verdict.comparisons)
    assert result.verdict.reasons[0].startswith(f'{worst.slice}, {worst.attack}: {worst.metric}')
    assert all(
        worst.corrected_bound - worst.limit >= c.corrected_bound - c.limit
        for c in result.verdict.comparisons
        if c.outcome == 'exceeded'
    )


def test_below_the_limits_the_nearest_bound_is_the_worst_and_not_the_largest_figure():
    result = examples.evaluated(shift=0.0, thresholds=(Threshold('auc', 0.8),))
    first, *_ = result.verdict.comparisons
    near = dataclasses.replace(first, corrected_bound=0.7, value=0.72)
    lucky = dataclasses.replace(first, corrected_bound=0.5, value=0.79)
    undecided = dataclasses.replace(first, corrected_bound=None, value=0.95, outcome='undecided')
    over = dataclasses.replace(first, corrected_bound=0.801, value=0.81, outcome='exceeded')
    assert worst_comparison([lucky, near, undecided]) is near
    assert worst_comparison([lucky, near, undecided, over]) is over
    assert worst_comparison([undecided]) is undecided
    assert worst_comparison([]) is None


def test_overall_is_the_worst_of_all_examples():
    properties = headline(CASES['blocked']())
    assert properties['overall_slice'] == 'Overall'
    assert properties['overall_bound'] <= properties['worst_bound']


@pytest.mark.parametrize(('metric', 'chance'), [('auc', 0.5), ('tpr_at_fpr_0.01', 0.01), ('advantage', 0.0)])
def test_guessing(metric, chance):
    assert guessing(metric) == chance
