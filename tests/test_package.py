"""The package as something to install and import."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

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
