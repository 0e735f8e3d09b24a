"""The verdict for CI systems and model cards."""

import json
from xml.etree import ElementTree

import numpy as np
import pytest

from privacy_component import PrivacyConfig, PrivacyInputError, Threshold, evaluate_privacy
from privacy_component.cli import main
from privacy_component.report.formats import as_format
from tests import synthetic

NAME = '<b>|*x*\n'


def evaluated(shift=1.0, **settings):
    made = synthetic.observations(n=300, shift=shift)
    return evaluate_privacy(
        is_member=made.is_member,
        labels=made.labels,
        logits=made.outputs,
        example_ids=made.example_id,
        features={NAME: np.arange(600) % 2, 'rare': np.where(np.arange(600) % 30 == 0, 'few', 'many')},
        config=PrivacyConfig(attacks=('loss_threshold',), slices={'by_class': False}, **settings),
    )


def cases(result):
    suite = ElementTree.fromstring(as_format(result, 'x.xml').encode())
    assert int(suite.get('tests')) == len(suite)
    assert int(suite.get('failures')) == len(suite.findall('testcase/failure'))
    return {(case.get('classname'), case.get('name')): case for case in suite}


def test_a_refusal_fails_in_ci_and_says_why():
    found = cases(evaluated(thresholds=(Threshold('auc', 0.6),)))
    verdict = found['privacy.verdict', 'the model is blessed']
    assert 'auc = ' in verdict.find('failure').text
    overall = found['privacy.limits', 'Overall: AUC of loss_threshold at most 0.6']
    assert 'deciding bound' in overall.find('failure').get('message')


def test_a_blessing_passes_and_what_is_open_is_skipped():
    found = cases(evaluated(shift=0.0, thresholds=(Threshold('auc', 0.7),)))
    assert len(found['privacy.verdict', 'the model is blessed']) == 0
    assert found['privacy.limits', 'rare = few: AUC of loss_threshold at most 0.7'].find('skipped') is not None


def test_a_report_only_is_neither_passed_nor_failed():
    verdict = cases(evaluated())['privacy.verdict', 'the model is blessed']
    assert 'REPORT ONLY' in verdict.find('skipped').get('message')


def test_a_model_card_is_markup_of_ours_alone():
    text = as_format(evaluated(thresholds=(Threshold('auc', 0.6),)), 'card.MD')
    assert '**BLOCKED.**' in text and '<b>' not in text and '*x*' not in text.replace('\\*', '')
    assert '| Overall | loss\\_threshold |' in text
    rows = [line for line in text.split('\n') if line.startswith('| ')]
    assert {line.replace('\\|', '').count('|') for line in rows} == {6}


def test_a_model_card_as_json_has_the_toolkits_fields():
    card = json.loads(as_format(evaluated(thresholds=(Threshold('auc', 0.6),)), 'card.json'))
    assert card['considerations']['ethical_considerations'][0]['name'] == 'Membership inference: BLOCKED'
    first = card['quantitative_analysis']['performance_metrics'][0]
    assert first['slice'] == 'Overall' and first['confidence_interval']['lower_bound'] < first['value']


def test_the_command_line_writes_each(tmp_path, capsys):
    evaluated(thresholds=(Threshold('auc', 0.6),)).save(tmp_path)
    for name in ('page.html', 'junit.xml', 'card.md', 'card.json'):
        assert main(['report', '--metrics', str(tmp_path), '--unsealed', '--out', str(tmp_path / name)]) == 0
        assert (tmp_path / name).stat().st_size > 500
    assert main(['report', '--metrics', str(tmp_path), '--unsealed', '--out', str(tmp_path / 'page.pdf')]) == 2
    assert 'end its name in .html, .xml, .md, .json' in capsys.readouterr().err
    with pytest.raises(PrivacyInputError, match='no known kind'):
        as_format(evaluated(), 'report')
