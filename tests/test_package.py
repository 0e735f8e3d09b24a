"""The package as something to install and import."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import privacy_component

ROOT = Path(__file__).parents[1]
HEAVY = ('tensorflow', 'tfx', 'apache_beam', 'matplotlib', 'pandas')


def fresh_python(code: str) -> str:
    return subprocess.run([sys.executable, '-c', code], check=True, capture_output=True, text=True, cwd=ROOT).stdout


@pytest.mark.parametrize(
    'statement',
    ['import privacy_component', 'from privacy_component import evaluate_privacy, PrivacyConfig, PrivacyResult'],
)
def test_importing_loads_no_heavy_package(statement):
    loaded = fresh_python(f'{statement}; import sys; print([name for name in {HEAVY} if name in sys.modules])')
    assert loaded.strip() == '[]'


def test_every_public_name_resolves():
    names = 'import privacy_component as p; print([getattr(p, name) for name in p.__all__])'
    assert 'PrivacyEvaluator' in fresh_python(names)


def test_unknown_name_is_an_attribute_error():
    import privacy_component

    with pytest.raises(AttributeError, match="no attribute 'PrivacyEvaluater'"):
        privacy_component.PrivacyEvaluater  # noqa: B018


def test_installing_into_a_tfx_environment_changes_none_of_its_packages(tmp_path):
    report = tmp_path / 'report.json'
    command = [sys.executable, '-m', 'pip', 'install', '--dry-run', '--quiet', '--no-build-isolation']
    command += ['--report', str(report), f'{ROOT}[tfx,report]']
    subprocess.run(command, check=True, capture_output=True, text=True)
    would_install = {item['metadata']['name'] for item in json.loads(report.read_text())['install']}
    assert would_install == {'privacy-component'}


def test_base_requirements_are_what_scikit_learn_brings(tmp_path):
    setup = (ROOT / 'setup.py').read_text()
    base = setup.split('install_requires=')[1].split(']')[0]
    assert [part.split('>')[0] for part in base.strip('[').replace("'", '').split(', ')] == [
        'numpy',
        'scipy',
        'scikit-learn',
        'threadpoolctl',
    ]


SCRIPT = """
import numpy as np

import privacy_component
from privacy_component import PrivacyConfig, Threshold, evaluate_privacy

config = PrivacyConfig(thresholds=(Threshold('auc', 0.6),))
result = evaluate_privacy(is_member=np.ones(3), labels=np.ones(3), logits=np.ones((3, 2)), config=config)
reveal_type(result.verdict)
reveal_type(privacy_component.evaluate_model)
result.verdit
privacy_component.evaluate_privcy
evaluate_privacy(is_member=1, logitz=2)
"""


def test_a_type_checker_knows_the_public_names(tmp_path):
    (tmp_path / 'script.py').write_text(SCRIPT)
    options = ['--ignore-missing-imports', '--follow-imports=silent', f'--cache-dir={tmp_path}']
    done = subprocess.run(
        [sys.executable, '-m', 'mypy', *options, str(tmp_path / 'script.py')],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {'MYPYPATH': str(ROOT)},
        cwd=tmp_path,
    )
    assert 'note: Revealed type is "privacy_component.gate.verdict.Verdict | None"' in done.stdout, done.stdout
    assert 'members: tuple[Any' in done.stdout
    assert '"PrivacyResult" has no attribute "verdit"; maybe "verdict"?' in done.stdout
    assert 'Module has no attribute "evaluate_privcy"' in done.stdout
    assert 'Unexpected keyword argument "logitz"' in done.stdout


def test_completion_offers_the_public_names_and_no_others():
    assert set(dir(privacy_component)) == {*privacy_component.__all__}
