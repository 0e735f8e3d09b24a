"""What is shown of an evaluation on arrays while it runs."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from privacy_component import PrivacyConfig, PrivacyInputError, evaluate_privacy
from privacy_component.report import terminal

ATTACKS = ('loss_threshold', 'entropy_threshold')


def given(**changes):
    rng = np.random.default_rng(0)
    return {
        'is_member': np.arange(200) < 100,
        'labels': rng.integers(0, 3, 200),
        'logits': rng.standard_normal((200, 3)),
        'config': PrivacyConfig(attacks=ATTACKS),
    } | changes


def test_a_function_is_told_of_every_attack_when_it_runs():
    told = []

    def follow(attacks):
        for attack in attacks:
            told.append(('begins', attack))
            yield attack
            told.append(('is done', attack))

    followed = evaluate_privacy(**given(progress=follow))
    assert told == [(what, attack) for attack in ATTACKS for what in ('begins', 'is done')]
    assert followed.to_json() == evaluate_privacy(**given()).to_json()


@pytest.mark.parametrize('wrong', [lambda names: names[:1], lambda names: names[::-1], lambda names: []])
def test_an_attack_that_is_left_out_is_no_result(wrong):
    with pytest.raises(PrivacyInputError, match='progress has not given the attack'):
        evaluate_privacy(**given(progress=wrong))


def test_a_terminal_shows_it_and_a_pipe_does_not(capsys, monkeypatch):
    evaluate_privacy(**given(progress=True))
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ('', '')
    monkeypatch.setenv('FORCE_COLOR', '1')
    monkeypatch.setenv('COLUMNS', '100')
    for number, attack in enumerate(terminal.each_attack(ATTACKS)):
        assert attack == ATTACKS[number]
    shown = capsys.readouterr()
    assert 'entropy_threshold (2 of 2 attacks done)' in shown.err and shown.out == ''


def test_an_error_ends_what_is_shown(monkeypatch):
    monkeypatch.setenv('FORCE_COLOR', '1')
    with pytest.raises(PrivacyInputError, match='progress is a int; give True, or a function such as tqdm'):
        evaluate_privacy(**given(progress=1))
    shown = terminal.each_attack(ATTACKS)
    next(shown)
    shown.close()
    assert list(terminal.each_attack(ATTACKS)) == list(ATTACKS)


def test_without_rich_a_line_names_the_extra():
    code = (
        'import sys; sys.modules["rich"] = None; sys.modules["rich.console"] = None\n'
        'from privacy_component import evaluate_privacy\n'
        'evaluate_privacy(is_member=[True, False], labels=[0, 1], logits=[[1., 0.], [0., 1.]], progress=True)'
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, '-c', code], cwd=root, capture_output=True, text=True, check=False)
    assert "pip install 'privacy-component[report]'" in done.stderr.splitlines()[-1]
