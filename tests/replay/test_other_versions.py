"""What was evaluated here is decided again with the newest numpy, scipy and Python that `make test-replay` found."""

import os
import subprocess
from pathlib import Path

import pytest

from privacy_component import SlicingSpec, Threshold, policy
from privacy_component.config.thresholds import SAFETY_NOT_SHOWN
from tests.report import examples
from tests.stored import write

ROOT = Path(__file__).parents[2]
EVALUATIONS = {
    f'{name}, shift {shift}': (shift, settings)
    for shift in (0.0, 0.4, 1.5)
    for name, settings in {
        'auc': {'thresholds': (Threshold('auc', 0.6),)},
        'strict': {'thresholds': policy('strict').thresholds},
        'standard': {'thresholds': policy('standard').thresholds},
        'safety': {'thresholds': (Threshold('auc', 0.55, block_if=SAFETY_NOT_SHOWN, slicing_specs=(SlicingSpec(),)),)},
        'epsilon': {'thresholds': (Threshold('empirical_epsilon', 0.5), Threshold('advantage', 0.2))},
        'change': {
            'baseline': 0.2,
            'thresholds': (Threshold('auc', absolute=0.05), Threshold('advantage', absolute=0.1)),
        },
        'people': {'thresholds': (Threshold('auc', 0.6),), 'attacks': ('loss_threshold', 'logistic_regression')},
    }.items()
}


@pytest.mark.parametrize('name', EVALUATIONS)
def test_the_verdict_is_the_recorded_one(tmp_path, name):
    shift, settings = EVALUATIONS[name]
    result = examples.evaluated(shift, n=400, **settings)
    sealed = ['--decision-sha256', write(tmp_path, result)]
    command = [os.environ['NEWEST_PYTHON'], '-m', 'privacy_component', 'gate', '--metrics', str(tmp_path), *sealed]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == (0 if result.verdict.blessed else 1), done.stderr
    assert 'This is the recorded verdict' in done.stdout
    for reason in result.verdict.reasons:
        assert reason in done.stdout


COMMAND = 'import sys; from privacy_component.cli import main; sys.exit(main({}))'


@pytest.mark.parametrize(
    ('code', 'extra'),
    [
        ('from privacy_component import PrivacyEvaluator', 'tfx'),
        (COMMAND.format(['report', '--unsealed', '--metrics', '.', '--out', 'page.html']), 'report'),
        (COMMAND.format(['history', '--metadata', 'no.sqlite']), 'tfx'),
    ],
)
def test_what_is_not_installed_is_named_with_the_extra(code, extra):
    """There is nothing but numpy, scipy and scikit-learn."""
    command = [os.environ['NEWEST_PYTHON'], '-c', code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"pip install 'privacy-component[{extra}]'" in done.stderr
