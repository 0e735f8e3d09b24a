"""What is installed is pinned, each file by its hash."""

import re
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).parents[1] / 'requirements'
ENVIRONMENTS = [
    *((path.name, 'no-deps.txt', 'dev.txt') for path in sorted(REQUIREMENTS.glob('tfx-*.txt'))),
    ('docs.txt',),
]


@pytest.mark.parametrize('path', sorted(REQUIREMENTS.glob('*.txt')), ids=lambda path: path.name)
def test_every_pin_has_the_hashes_of_its_files(path):
    entries = re.sub(r'\\\n', ' ', path.read_text()).splitlines()
    pins = [entry for entry in entries if entry and not entry.startswith('#')]
    assert pins
    for pin in pins:
        assert re.fullmatch(r'[\w.\[\]-]+==\S+( +--hash=sha256:[0-9a-f]{64})+ *', pin), pin[:80]


@pytest.mark.parametrize('paths', ENVIRONMENTS, ids=' '.join)
def test_nothing_is_pinned_twice_in_an_environment(paths):
    names = [
        line.split('==')[0].lower()
        for path in paths
        for line in (REQUIREMENTS / path).read_text().splitlines()
        if '==' in line
    ]
    assert len(names) == len(set(names))


def test_every_file_is_of_an_environment():
    assert {path.name for path in REQUIREMENTS.glob('*.txt')} == {path for paths in ENVIRONMENTS for path in paths}
