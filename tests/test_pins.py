"""What is installed is pinned, each file by its hash."""

import re
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).parents[1] / 'requirements'


@pytest.mark.parametrize('path', sorted(REQUIREMENTS.glob('*.txt')), ids=lambda path: path.name)
def test_every_pin_has_the_hashes_of_its_files(path):
    entries = re.sub(r'\\\n', ' ', path.read_text()).splitlines()
    pins = [entry for entry in entries if entry and not entry.startswith('#')]
    assert pins
    for pin in pins:
        assert re.fullmatch(r'[\w.\[\]-]+==\S+( +--hash=sha256:[0-9a-f]{64})+ *', pin), pin[:80]


@pytest.mark.parametrize('release', sorted(REQUIREMENTS.glob('tfx-*.txt')), ids=lambda path: path.name)
def test_nothing_is_pinned_twice_for_a_release(release):
    names = [
        line.split('==')[0].lower()
        for path in (release, REQUIREMENTS / 'no-deps.txt', REQUIREMENTS / 'dev.txt')
        for line in path.read_text().splitlines()
        if '==' in line
    ]
    assert len(names) == len(set(names))
