"""What the README says of the code is what the code says."""

import re
from pathlib import Path

import pytest

from privacy_component import PrivacyConfig
from privacy_component.attacks import ATTACKS

ROOT = Path(__file__).parents[1]
README = (ROOT / 'README.md').read_text()


def attack_table() -> str:
    """The registry as Markdown."""
    lines = ['| attack | tasks | access | cost | reference |', '|---|---|---|---|---|']
    for name, info in ATTACKS.items():
        learns = ' (learns, scored out of fold)' if info.learns else ''
        lines.append(f'| `{name}`{learns} | {", ".join(info.tasks)} | {info.access} | {info.cost} | {info.reference} |')
    return '\n'.join(lines)


def test_the_attack_table_is_the_registry():
    assert attack_table() in README, f'Put this into README.md under "Attacks":\n\n{attack_table()}'


@pytest.mark.parametrize('path', sorted(set(re.findall(r'\]\((?!http)([^)#]+)\)', README))))
def test_links_lead_somewhere(path):
    assert (ROOT / path).exists()


def test_every_field_that_the_readme_names_exists():
    table = README.split('`PrivacyConfig`:')[1].split('\n\n')[1]
    named = set(re.findall(r'`(\w+)`', '\n'.join(line.split('|')[1] for line in table.splitlines())))
    assert named <= set(PrivacyConfig.__dataclass_fields__)


def test_nothing_is_left_to_fill_in():
    assert not re.search(r'\b[A-Z]+_(OUTPUT|TABLE)\b', README)
