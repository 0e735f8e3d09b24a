"""What a result shows of itself, and how it is kept."""

import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from privacy_component import PrivacyConfig, PrivacyInputError, PrivacyResult, Threshold, evaluate_privacy
from tests import synthetic


@pytest.fixture(scope='module')
def blocked():
    return evaluated(thresholds=(Threshold('auc', 0.6),))


def evaluated(**settings):
    made = synthetic.observations(n=300, shift=1.0)
    return evaluate_privacy(
        is_member=made.is_member,
        labels=made.labels,
        logits=made.outputs,
        features={'<b>tag</b>': np.where(np.arange(600) % 2 == 0, '<script>alert(1)</script>', 'plain')},
        config=PrivacyConfig(attacks=('loss_threshold', 'scaled_logit_threshold'), **settings),
    )


def test_a_prompt_shows_a_few_lines(blocked):
    lines = repr(blocked).split('\n')
    assert lines[0].startswith('Privacy: BLOCKED. ')
    assert any(line.startswith('  Worst: ') for line in lines)
    assert len(repr(blocked)) < 2_000


def test_a_notebook_shows_a_card_in_which_data_are_text(blocked):
    card = blocked._repr_html_()
    ElementTree.fromstring(card)  # well-formed
    assert '<script' not in card and '&lt;script&gt;' in card
    assert 'BLOCKED' in card and card.count('<tr>') == 9


def test_without_thresholds_nothing_is_judged_and_nothing_blessed():
    result = evaluated()
    assert not result.verdict.blessed and not result.verdict.judged
    assert repr(result).startswith('Privacy: REPORT ONLY. ')


def test_the_frame_has_every_figure_with_its_bound_and_outcome(blocked):
    pytest.importorskip('pandas')
    frame = blocked.to_frame()
    assert set(frame['attack']) == {'loss_threshold', 'scaled_logit_threshold'}
    row = frame[(frame.slice == 'Overall') & (frame.attack == 'loss_threshold') & (frame.metric == 'auc')].iloc[0]
    (compared,) = [c for c in blocked.verdict.comparisons if not c.slice_key and c.attack == 'loss_threshold']
    assert (row.value, row.corrected_bound, row.limit) == (compared.value, compared.corrected_bound, 0.6)
    assert row.outcome == 'exceeded'
    others = frame[frame.metric == 'advantage']
    assert others.limit.isna().all() and set(others.outcome) == {'no limit'}
    assert len(frame) == sum(len(result.metrics) for result in blocked.results)


def test_what_is_saved_is_loaded(blocked, tmp_path):
    assert blocked.save(tmp_path) == tmp_path / 'privacy_metrics.json'
    assert PrivacyResult.load(tmp_path).to_json() == blocked.to_json()
    other = blocked.save(tmp_path / 'other.json')
    assert PrivacyResult.load(other).verdict == blocked.verdict
    assert {path.name for path in tmp_path.iterdir()} == {'privacy_metrics.json', 'other.json'}


@pytest.mark.parametrize('name', ['results', 'verdict', 'checks', 'most_vulnerable'])
@pytest.mark.parametrize('value', [3, 'text', [1], {'a': 1}, [[]], [{'slice': 1}]])
def test_a_damaged_file_is_an_error_that_names_it(blocked, tmp_path, name, value):
    path = tmp_path / 'damaged.json'
    path.write_text(json.dumps(json.loads(blocked.to_json()) | {name: value}))
    with pytest.raises(PrivacyInputError, match='damaged'):
        PrivacyResult.load(path)


@pytest.mark.parametrize(
    ('place', 'value', 'message'),
    [
        (
            ('results', 1, 'metrics', 'auc', 'value'),
            'text',
            r"results.metrics.auc.value is 'text'; it must be a finite",
        ),
        (('results', 0, 'num_members'), -1, 'results.num_members is -1; it must be a count'),
        (('results', 0, 'attack'), None, 'results.attack is None; it must be a text'),
        (('verdict', 'comparisons', 0, 'limit'), True, 'verdict.comparisons.limit is True; it must be a number'),
        (('verdict', 'comparisons', 0, 'value'), float('inf'), 'comparisons.value is inf'),
        (('verdict', 'reasons', 0), 3, 'verdict is 3; it must be a text'),
        (('checks', 0, 'message'), 3, 'checks.message is 3'),
        (('results', 0, 'curve', 'false_positives', 0), 'x', 'is damaged'),
    ],
)
def test_a_value_of_another_kind_is_named(blocked, tmp_path, place, value, message):
    fields = json.loads(blocked.to_json())
    at = fields
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    path = tmp_path / 'damaged.json'
    path.write_text(json.dumps(fields))
    with pytest.raises(PrivacyInputError, match=message):
        PrivacyResult.load(path)


def test_the_report_is_one_call_away(blocked, tmp_path):
    assert 'BLOCKED' in blocked.report(tmp_path / 'report.html').read_text()


@pytest.mark.parametrize('draw', ['plot_slices', 'plot_roc', 'plot_scores'])
def test_pictures_are_vector_graphics_that_a_notebook_shows(blocked, tmp_path, draw):
    picture = getattr(blocked, draw)()
    svg = picture._repr_svg_()
    assert svg == getattr(blocked, draw)()._repr_svg_()
    assert ElementTree.fromstring(svg.encode()).tag.endswith('svg')
    picture.save(tmp_path / 'picture.png')
    assert (tmp_path / 'picture.png').read_bytes().startswith(b'\x89PNG')


def test_what_cannot_be_drawn_is_said(blocked):
    with pytest.raises(PrivacyInputError, match="no slice has the metric 'auk'"):
        blocked.plot_slices('auk')
    with pytest.raises(PrivacyInputError, match='no such attack was measured there'):
        blocked.plot_scores('lira')
