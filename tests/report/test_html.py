import dataclasses
import json
import os
import re
import subprocess
import sys
import time

import pytest

from privacy_component import PrivacyResult, Threshold
from privacy_component.checks import Check
from privacy_component.config.thresholds import SAFETY_NOT_SHOWN
from privacy_component.evaluation import decision
from privacy_component.evaluation.record import Record, Splits
from privacy_component.report import facts, html
from privacy_component.report.summary import summary
from privacy_component.report.wording import number, percent, visible
from tests.evaluation.records import FULL
from tests.report import examples
from tests.report.page import Page

MAIN = (
    'auc', 'advantage', 'tpr_at_fpr_0.1', 'tpr_at_fpr_0.01', 'tpr_at_fpr_0.001', 'tnr_at_fnr_0.01', 'tnr_at_fnr_0.001',
    'empirical_epsilon',
)  # fmt: skip


@pytest.fixture(scope='module')
def blocked():
    return examples.evaluated(shift=1.5)


@pytest.fixture(scope='module')
def blessed():
    return examples.evaluated(shift=0.0)


@pytest.fixture(scope='module')
def large(blocked):
    return examples.of_size(blocked, num_slices=500, num_attacks=10)


def test_verdict_leads(blocked, blessed):
    for result, word in ((blocked, 'BLOCKED'), (blessed, 'BLESSED')):
        page = html.render(result)
        assert f'<h1 id="verdict">{word}</h1>' in page
        assert f'<title>{word}' in page
        assert all(visible(reason) in Page(page).text for reason in result.verdict.reasons)


def test_every_figure_of_the_table_is_the_results(blocked):
    worst, attacks = Page(html.render(blocked)).slices()
    by_name = {(one.slice, one.attack): one for one in blocked.results}
    assert {(name, attack) for name, attack, _ in attacks} == set(by_name)
    assert [name for name, _, _ in worst] == list(dict.fromkeys(name for name, _, _ in attacks))
    for name, attack, (_outcome, members, non_members, *figures) in worst:
        one = by_name[name, attack]
        assert (int(members[1]), int(non_members[1])) == (one.num_members, one.num_non_members)
        assert (members[0], non_members[0]) == (f'{one.num_members:,}', f'{one.num_non_members:,}')
        for metric, (text, value) in zip(MAIN, figures, strict=True):
            _check_figure(one.metrics[metric], text, value)
    for name, attack, (_outcome, _members, _non_members, *figures) in attacks:
        for metric, (text, _) in zip(MAIN, figures, strict=True):
            figure = by_name[name, attack].metrics[metric]
            assert text.startswith('unsupported') or not text if figure.value is None else text == _text(figure)


def test_all_other_metrics_are_there_too(blocked):
    header, *rows = Page(html.render(blocked)).tables['extra']
    others = [name for name in blocked.results[0].metrics if name not in MAIN]
    assert len(header) == 2 + len(others)
    assert len(rows) == len(blocked.results)
    by_name = {(one.slice, one.attack): one for one in blocked.results}
    for (name, _), (attack, _), *figures in rows:
        for metric, (text, value) in zip(others, figures, strict=True):
            _check_figure(by_name[name, attack].metrics[metric], text, value)


def test_every_comparison_is_the_verdicts(blocked):
    rows = Page(html.render(blocked)).tables['comparisons'][1:]
    shown = {(row[0][0], row[1][0], *(float(value) for _, value in row[5:8])) for row in rows}
    expected = {(c.slice, c.attack, c.value, c.raw_bound, c.corrected_bound) for c in blocked.verdict.comparisons}
    assert shown == expected and all(c.corrected_bound < c.raw_bound < c.value for c in blocked.verdict.comparisons)


def test_pictures_show_the_results_figures_and_have_texts(blocked):
    page = Page(html.render(blocked))
    auc = blocked.results[0].metrics['auc']
    assert f'{number(auc.value)} [{number(auc.lower)}, {number(auc.upper)}]' in page.text
    told = [svg['aria-label'] for svg in page.named('svg') if svg.get('role') == 'img']
    assert all(
        svg.get('role') == 'img' or svg.get('aria-hidden') or svg.get('class') == 'over' for svg in page.named('svg')
    )
    assert any(text.startswith('ROC curves of Overall') for text in told)
    assert any(text.startswith('Scores of loss_threshold on Overall') for text in told)


def test_the_dot_plot_draws_the_bound_that_decided_and_the_limit(blocked):
    page = html.render(blocked)
    for c in blocked.verdict.comparisons:
        assert f'bound {number(c.corrected_bound)}, limit 0.6' in page
    drawn = [line for line in page.split('<li class="dot ') if 'class="bound"' in line]
    for line in drawn:
        at = {name: float(line.split(f'class="{name}" x1="')[1].split('%')[0]) for name in ('limit', 'interval')}
        bound = float(line.split('class="over" x="')[1].split('%')[0])
        assert at['limit'] < bound < at['interval']  # above the limit, and farther out than the interval, for sure
    assert drawn


def test_too_few_non_members_is_said():
    text = Page(html.render(examples.evaluated(shift=1.5, n=300))).text
    assert 'unsupported: needs 1,000 non-members' in text
    assert 'unsupported: needs 10,000 non-members' in text


def test_slice_names_are_text_and_nothing_else():
    result = examples.renamed(examples.evaluated(shift=1.5, values=tuple('abcdefghi')))
    plain = examples.evaluated(shift=1.5, values=tuple('abcdefghi'))
    page, before = Page(html.render(result)), Page(html.render(plain))
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in before.tags]
    assert len(page.named('script')) == 1
    assert not any(name.startswith('on') for _, attrs in page.tags for name in attrs)
    names = {name for name, _, _ in page.slices()[0]}
    assert {visible(f'kind = {name}') for name in examples.NASTY} <= names


def test_no_name_can_fake_a_line_or_turn_the_text_around():
    result = examples.renamed(examples.evaluated(shift=1.5, values=tuple('abcdefghi')))
    for text in (html.render(result), summary(result)):
        assert not set(text) & set('\r\x00\x1b\u202e')
    assert '\nVerdict: BLESSED' not in html.render(result)
    assert '\nVerdict: BLESSED' not in summary(result)


def test_record_and_warnings_are_text_and_nothing_else(blocked):
    evil = '<script>alert(1)</script>'
    record = Record(
        model_uri=evil, versions={evil: evil}, config={evil: evil}, cpu_seconds={evil: 1.0}, warnings=(evil,)
    )
    verdict = dataclasses.replace(blocked.verdict, reasons=(evil,), warnings=(evil,))
    page = html.render(dataclasses.replace(blocked, record=record, verdict=verdict))
    assert evil not in page
    assert page.count('<script') == 1


def test_same_bytes_in_another_process_whatever_the_users_style(blocked, tmp_path):
    (tmp_path / 'result.json').write_text(blocked.to_json())
    (tmp_path / 'matplotlibrc').write_text('font.size: 30\nlines.linewidth: 9\ntext.usetex: True\n')
    code = (
        'import sys, pathlib; from privacy_component import PrivacyResult; from privacy_component.report import html;'
        f'sys.stdout.buffer.write(html.render(PrivacyResult.load({str(tmp_path / "result.json")!r})).encode())'
    )
    environment = {**os.environ, 'MATPLOTLIBRC': str(tmp_path / 'matplotlibrc'), 'PYTHONHASHSEED': '5'}
    other = subprocess.run([sys.executable, '-c', code], capture_output=True, env=environment, check=True).stdout
    assert html.render(blocked).encode() == html.render(blocked).encode() == other


def test_nothing_is_loaded_and_ids_are_unique(blocked):
    page = html.render(blocked)
    tags = Page(page).tags
    links = [attrs[name] for _, attrs in tags for name in ('src', 'href', 'xlink:href') if name in attrs]
    assert all(link.startswith(('#', 'data:,')) for link in links)
    assert '@import' not in page
    ids = [attrs['id'] for _, attrs in tags if 'id' in attrs]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links if link.startswith('#')} <= set(ids)


@pytest.mark.parametrize('name', examples.KINDS)
def test_renders_and_survives_json(name):
    result = examples.KINDS[name]()
    page = html.render(result)
    assert page.rstrip().endswith('</html>')
    assert summary(result).startswith('Privacy: ')
    assert html.render(PrivacyResult.from_json(result.to_json())) == page


def test_a_strict_limit_blocks_without_being_called_exceeded():
    strict = (Threshold('auc', 0.55, block_if=SAFETY_NOT_SHOWN),)
    page = Page(html.render(examples.evaluated(shift=0.1, thresholds=strict)))
    assert '◆ not ruled out' in {cells[0][0] for _, _, cells in page.slices()[0]}
    assert '◆ exceeded' not in page.text


def test_rules_bounds_and_their_number_are_in_words():
    thresholds = (Threshold('auc', 0.6), Threshold('auc', 0.55, block_if=SAFETY_NOT_SHOWN))
    result = examples.evaluated(shift=0.1, thresholds=(*thresholds, Threshold('tpr_at_fpr_0.001', 0.5)), n=1200)
    text = Page(html.render(result)).text
    decided = sum(c.outcome != 'undecided' for c in result.verdict.comparisons)
    assert decided < len(result.verdict.comparisons)
    assert f'{len(result.verdict.comparisons)} comparisons, bounds corrected for {decided}' in text
    assert 'leak_shown blocks when a leak above the limit is shown' in text
    assert 'safety_not_shown blocks unless a leak above the limit is ruled out' in text
    assert 'a leak above the limit can be shown from about 10,000 each' in text


def test_a_report_only_is_not_judged_and_not_blocked():
    page = Page(html.render(examples.KINDS['report only']()))
    assert 'REPORT ONLY' in page.text and 'A report only' in page.text
    assert 'BLOCKED' not in page.text and '7 without a limit' in page.text


def test_suppressed_slices_are_a_count():
    page = Page(html.render(examples.KINDS['suppressed']()))
    assert '60 slices with fewer than 10 members or non-members are not listed.' in page.text
    assert '60, too small to be named' in page.text
    assert not any(name.startswith('kind') for name, _, _ in page.slices()[0])


def test_most_vulnerable_members_are_named_by_id():
    result = examples.evaluated(shift=1.5, people={'num_most_vulnerable': 5})
    rows = Page(html.render(result)).tables['vulnerable'][1:]
    assert [row[0][0] for row in rows] == [str(member['example_id']) for member in result.most_vulnerable]


def test_diagnostic_slices_are_last_and_judged_by_nothing():
    result = examples.evaluated(shift=1.5, slices={'by_loss_percentile': True})
    rows = Page(html.render(result)).slices()[0]
    diagnostic = ['diagnostic' in cells[0][0] for _, _, cells in rows]
    assert any(diagnostic) and diagnostic == sorted(diagnostic)
    assert all(
        name.startswith('loss_percentile') for (name, _, _), is_one in zip(rows, diagnostic, strict=True) if is_one
    )


def test_worst_figure_is_the_first_reasons():
    thresholds = (Threshold('tpr_at_fpr_0.01', 0.02), Threshold('auc', 0.6))
    result = examples.evaluated(shift=1.5, thresholds=thresholds)
    worst = next(line for line in summary(result).split('\n') if line.startswith('  Worst: '))
    slice_and_attack, figure = worst.removeprefix('  Worst: ').split(': ')
    assert result.verdict.reasons[0].startswith(slice_and_attack)
    assert figure.split(' [')[0] in result.verdict.reasons[0]


def test_one_sided_slice_is_listed_as_inconclusive():
    rows = Page(html.render(examples.one_sided())).slices()[0]
    cells = next(cells for name, _, cells in rows if name == 'kind = only members')
    assert 'inconclusive' in cells[0][0]
    assert [text for text, _ in cells[3:]] == ['no non-members'] * len(MAIN)


def test_what_was_measured_is_said(blocked):
    record = Record(
        model_uri='somewhere/model',
        splits=Splits(('train',), ('eval', 'test')),
        versions={'tfx': '1.16.0'},
        upstream_blessed=False,
        config={'decision': {'confidence_level': 0.9}},
        seconds=12.34,
        warnings=('The outputs are saturated.',),
    )
    text = Page(html.render(dataclasses.replace(blocked, record=record))).text
    said = ('somewhere/model', '3,000 examples of split train', 'of split eval, test', 'tfx 1.16.0', '90 % interval')
    for words in (*said, 'did not bless the model', '12.3 s', 'The outputs are saturated.', 'Holm'):
        assert words in text


# Which channel and which slices are told in other words.
ELSEWHERE = {'artifacts', 'slicing_specs', 'earlier_evaluations', 'upstream_blessed', 'config'}


@pytest.mark.parametrize('name', sorted({field.name for field in dataclasses.fields(Record)} - ELSEWHERE))
def test_every_recorded_field_is_on_the_page(blocked, name):
    record = dataclasses.replace(FULL, output_kind_evidence=None) if name == 'output_evidence' else FULL
    assert said_of(blocked, record) != said_of(blocked, without(record, name))


def said_of(result, record):
    """What the page says of a record, from the functions that it has it from."""
    told = dataclasses.replace(result, record=record)
    return facts.facts(told, []), facts.other_facts(told), facts.warnings(told)


def without(record, name):
    plain = next(field.default for field in dataclasses.fields(Record) if field.name == name)
    return dataclasses.replace(record, **{name: plain})


def test_passing_for_want_of_proof_is_said():
    result = examples.evaluated(shift=0.5, values=tuple(map(str, range(60))), thresholds=(Threshold('auc', 0.63),))
    above = [c for c in result.verdict.comparisons if c.outcome == 'passed' and c.value > c.limit]
    assert above
    text = Page(html.render(result)).text
    assert f'In {len({c.slice for c in above}):,} slices a figure is above its limit' in text
    rows = Page(html.render(result)).slices()[0]
    not_shown = {name for name, _, cells in rows if 'not shown' in cells[0][0]}
    assert not_shown >= {c.slice for c in above}
    passed = {name for name, _, cells in rows if cells[0][0].startswith('● passed')}
    assert all(c.upper <= c.limit for c in result.verdict.comparisons if c.slice in passed)


def test_summary_is_short_and_says_why(blocked):
    lines = summary(blocked).split('\n')
    assert lines[0].startswith('Privacy: BLOCKED. ')
    assert lines[1] == f'  - {blocked.verdict.reasons[0]}'
    assert len(lines) <= 7
    assert any(line.startswith('  Worst: ') and 'limit 0.6' in line for line in lines)


def test_summary_of_a_blessed_model(blessed):
    assert summary(blessed).startswith('Privacy: BLESSED. No leak above the limits is shown')


def test_126_slices_are_small_and_fast():
    result = examples.evaluated(shift=0.5, values=tuple(f'value {i}' for i in range(122)), n=40_000)
    assert len(result.results) == 252
    html.render(result)
    started = time.process_time()
    page = html.render(result)
    assert time.process_time() - started < 1.5
    assert len(page.encode()) < 1.5e6


def test_500_slices_and_10_attacks_stay_below_3_mb(large):
    page = html.render(large)
    assert len(large.results) == 5010
    assert len(page.encode()) < 3e6
    worst, attacks = Page(page).slices()
    assert (len(worst), len(attacks)) == (501, 5010)
    assert 'The worst 300 are listed; all are in decision.json and privacy_metrics.json.' in Page(page).text


def test_every_slice_is_counted_once_on_the_first_screen(blocked, blessed):
    for result in (blocked, blessed, examples.KINDS['change'](), examples.KINDS['tiny']()):
        text = Page(html.render(result)).text
        counts = re.findall(
            r'([\d,]+) (?:above|within|where|without|not wholly)',
            text.split('each by its worst attack): ')[1].split('.\n')[0],
        )
        assert sum(map(int, counts)) == len({one.slice_key for one in result.results})


def test_undecided_slices_are_counted_in_the_sentence():
    result = examples.evaluated(0.0, n=400, thresholds=(Threshold('tpr_at_fpr_0.01', 0.5),), values=('a', 'b', 'c'))
    small = {c.slice for c in result.verdict.comparisons if c.outcome == 'undecided'}
    if result.verdict.blessed:
        assert f'; {len(small)} of them could not be wholly decided' in summary(result)
    assert small


def test_empty_and_padded_values_can_be_seen():
    names = [
        name for name, _, _ in Page(html.render(examples.evaluated(0.0, values=('', ' Cash', 'Card')))).slices()[0]
    ]
    assert {"kind = ''", "kind = ' Cash'", 'kind = Card'} <= set(names)


def test_an_overfitted_model_is_not_called_ok(blocked):
    gap = next(check for check in blocked.checks if check.name == 'accuracy_gap')
    assert gap.status == 'ok' and gap.figures['gap'] > 0.05
    page = Page(html.render(blocked))
    status = {row[0][0]: row[1][0] for row in page.tables['checks']}
    assert status['accuracy_gap'] == 'overfitted'
    assert 'The model has overfitted: it is right on' in page.text and 'early_stopping_on_privacy' in page.text


REMEDIES = {
    'blessed': (lambda: examples.evaluated(0.0), 'Nothing now. Evaluate again'),
    'no limits': (examples.KINDS['report only'], 'Set limits'),
    'undecided': (examples.KINDS['tiny'], 'Give more examples'),
    'tail': (
        lambda: examples.evaluated(1.5, thresholds=(Threshold('tpr_at_fpr_0.01', 0.02),)),
        'A few people are given',
    ),
}


@pytest.mark.parametrize('name', REMEDIES)
def test_what_to_do_follows_from_what_was_found(name):
    make, words = REMEDIES[name]
    said = Page(html.render(make())).text.split('What to do')[1].split('What this does not prove')[0]
    assert words in said


def test_a_leak_in_some_slices_names_their_features(blocked):
    only = [dataclasses.replace(c, outcome='passed') if not c.slice_key else c for c in blocked.verdict.comparisons]
    verdict = dataclasses.replace(blocked.verdict, comparisons=tuple(only))
    assert 'Only parts of the data leak, by' in Page(html.render(dataclasses.replace(blocked, verdict=verdict))).text


def test_the_first_screen_says_which_model_run_and_decision(blocked):
    result = dataclasses.replace(blocked, record=FULL)
    result = decision.decided(result)
    sealed = decision.sha256(decision.decision_json(result, result.to_json()))
    top = html.render(result).split('class="identity"')[1].split('</dl>')[0]
    told = (FULL.model_uri, FULL.pipeline, FULL.run, '2026-01-02 03:04:05 UTC', sealed[:16], '1' * 16)
    assert all(words in top for words in told)
    assert decision.identity(FULL)['config_sha256'][:16] in top


def test_gap_curves_are_drawn_where_confidence_and_entropy_were_attacked():
    attacks = ('confidence_threshold', 'entropy_threshold')
    result = examples.evaluated(1.5, attacks=attacks)
    gaps = [row for row in json.loads(result.to_json())['gaps'] if row['slice'] == 'Overall']
    text = Page(html.render(result)).text
    assert len(gaps) == 2
    for gap in gaps:
        assert f'largest gap {percent(gap["max_gap"])}, mean gap {percent(gap["mean_gap"])}' in text


def _text(estimate):
    both = estimate.lower is not None and estimate.upper is not None
    return number(estimate.value) + (f' [{number(estimate.lower)}, {number(estimate.upper)}]' if both else '')


def _check_figure(estimate, text, value):
    if estimate.value is None:
        assert (text.startswith('unsupported'), value) == (True, '')
        return
    assert float(value) == estimate.value
    assert text == _text(estimate)


def test_a_change_is_told_from_a_level():
    thresholds = (examples.CHANGE, Threshold('auc', 0.9), Threshold('advantage', absolute=0.5))
    result = examples.evaluated(shift=1.0, baseline=0.5, thresholds=thresholds)
    page = Page(html.render(result))
    worst = next(c for c in result.verdict.comparisons if c.change == 'paired' and c.outcome == 'exceeded')
    assert 'The model leaks more than its baseline: above the allowed rise in' in page.text
    assert 'AUC, rise over the baseline ≤ 0.02' in page.text and 'interval of the paired difference' in page.text
    assert 'Advantage, rise over the baseline ≤ 0.5' in page.text and 'AUC ≤ 0.9' in page.text
    assert (
        f'+{worst.value:.3f}' in page.text
        and 'Worst change' in page.text
        and 'allowed\N{NO-BREAK SPACE}0.02' in page.text
    )
    assert 'Dashed: limit 0.9.' in page.text  # and none at the 0.02 that a change may reach
    said = summary(result)
    assert 'rose by 0.' in said and 'change of auc over the baseline = +0.' in said and 'allowed 0.02' in said


def test_small_changes_do_not_outrank_what_is_near_its_limit():
    result = examples.evaluated(shift=1.0, baseline=1.0, thresholds=(examples.CHANGE, Threshold('auc', 0.8)))
    assert result.verdict.blessed
    assert 'auc = 0.' in summary(result) and 'change of' not in summary(result)


CHECKED = (
    Check('duplicates_across_splits', 'refused', '<b>12</b> of 30 non-members stand among the members too.'),
    Check('blind_baseline', 'warning', 'The splits differ.'),
    Check('constant_outputs', 'ok', 'Fine.'),
    Check('a_check_of_another_release', 'not_run', 'Switched off.'),
)


def test_checks_have_a_section_and_a_line_on_the_first_screen(blessed):
    result = dataclasses.replace(blessed, checks=CHECKED)
    page = html.render(result)
    _, *rows = Page(page).tables['checks']
    assert [(name, status, found) for (name, _), (status, _), (found, _), _ in rows] == [
        (check.name, check.status.replace('_', ' '), check.message) for check in CHECKED
    ]
    assert '<b>12' not in page
    top = page[: page.index('Slice by slice')]
    assert '1 refused (duplicates_across_splits), 1 warning (blind_baseline)' in top
    assert 'sound? 1 refused (duplicates_across_splits), 1 warning (blind_baseline), 1 ok, 1 not run' in summary(result)


def test_checks_that_find_nothing_are_no_matter_for_the_first_screen(blessed):
    page = html.render(dataclasses.replace(blessed, checks=CHECKED[2:]))
    assert 'sound?' not in page[: page.index('Slice by slice')]
    assert 'id="checks"' in page
    assert 'id="checks"' not in html.render(dataclasses.replace(blessed, checks=()))
