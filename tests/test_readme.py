"""What the README says of the code is what the code says."""

import ast
import dataclasses
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


def test_the_readme_names_every_field_with_its_default():
    table = README.split('`PrivacyConfig`:')[1].split('\n\n')[1]
    told = {}
    for line in table.splitlines()[2:]:
        names, defaults = (re.findall(r'`([^`]+)`', cell) for cell in line.split('|')[1:3])
        told |= {name: ast.literal_eval(default) for name, default in zip(names, defaults, strict=True)}
    assert told == dict(fields_of(PrivacyConfig()))


def fields_of(settings):
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            yield from ((f'{field.name}.{name}', inner) for name, inner in fields_of(value))
        else:
            yield field.name, value


def test_nothing_is_left_to_fill_in():
    assert not re.search(r'\b[A-Z]+_(OUTPUT|TABLE)\b', README)
