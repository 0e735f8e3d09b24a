"""What passes with a figure above its limit is said wherever the verdict is: one sentence, made by the gate."""

import dataclasses

import pytest

from privacy_component.cli import main
from privacy_component.evaluation.replay import replay
from privacy_component.gate.verdict import PASSED
from privacy_component.report.html import render
from privacy_component.report.summary import summary
from tests.report import examples
from tests.stored import write

SENTENCE = (
    'In 3 slices a figure is above its limit and the corrected bound below it: a leak is neither shown nor ruled out '
    'there.'
)


@pytest.fixture(scope='module')
def passed():
    """A blessed model with figures above the limit in three slices."""
    result = examples.evaluated(0.45, n=400)
    above = [c for c in result.verdict.comparisons if c.outcome == PASSED and c.value > c.limit]
    assert result.verdict.blessed and len({c.slice_key for c in above}) == 3
    return result


def test_the_verdict_says_it_first(passed):
    assert passed.verdict.warnings[0] == SENTENCE
    assert SENTENCE in summary(passed)
    assert render(passed).count(SENTENCE) == 1
    assert not examples.evaluated(0.0, n=400).verdict.warnings


def test_a_replay_says_it_too(passed, tmp_path, capsys):
    sealed = write(tmp_path, passed)
    assert main(['gate', '--metrics', str(tmp_path), '--decision-sha256', sealed]) == 0
    assert f'warning: {SENTENCE}' in capsys.readouterr().out


def test_what_an_earlier_release_said_in_the_report_only_is_decided_again(passed, tmp_path):
    old = dataclasses.replace(passed.verdict, warnings=passed.verdict.warnings[1:])
    sealed = write(tmp_path, dataclasses.replace(passed, verdict=old))
    found = replay(tmp_path, decision_sha256=sealed)
    assert found.is_same_config and found.verdict.warnings[0] == SENTENCE


def test_a_sentence_too_many_is_no_earlier_release(passed, tmp_path):
    forged = dataclasses.replace(passed.verdict, warnings=(*passed.verdict.warnings, 'Nothing to see here.'))
    write(tmp_path, dataclasses.replace(passed, verdict=forged))
    with pytest.raises(ValueError, match='warnings was'):
        replay(tmp_path)
