"""What README and docs say of the code is what the code says."""

import ast
import contextlib
import dataclasses
import io
import re

import pytest

from privacy_component import PrivacyConfig
from privacy_component.attacks import ATTACKS
from privacy_component.cli import main
from tests.pages import BLOCK, NAMES, ROOT, anchors, prose

README = (ROOT / 'README.md').read_text()
LINK = re.compile(r'\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)')
COMMAND = re.compile(r'(?:privacy-component|python -m privacy_component) (gate|report|history|compare)\b([^\n`]*)')


def attack_table() -> str:
    """The registry as Markdown."""
    lines = ['| attack | tasks | access | cost | reference |', '|---|---|---|---|---|']
    for name, info in ATTACKS.items():
        learns = ' (learns, scored out of fold)' if info.learns else ''
        lines.append(f'| `{name}`{learns} | {", ".join(info.tasks)} | {info.access} | {info.cost} | {info.reference} |')
    return '\n'.join(lines)


def test_the_attack_table_is_the_registry():
    page = (ROOT / 'docs' / 'attacks.md').read_text()
    assert attack_table() in page, f'Put this into docs/attacks.md:\n\n{attack_table()}'


def test_every_field_of_the_config_is_named_with_its_default():
    table = (ROOT / 'docs' / 'configuration.md').read_text().split('`PrivacyConfig`:')[1].split('\n\n')[1]
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


@pytest.mark.parametrize('name', NAMES)
def test_links_lead_somewhere(name):
    for path, anchor in LINK.findall(prose(name)):
        target = ((ROOT / name).parent / path).resolve() if path else ROOT / name
        assert target.exists(), path
        if anchor:
            assert anchor in anchors(target.relative_to(ROOT)), f'{path}#{anchor}'


@pytest.mark.parametrize('name', NAMES)
def test_nothing_is_left_to_fill_in(name):
    assert not re.search(r'\b[A-Z]+_(OUTPUT|TABLE)\b|\bTODO\b|\bFIXME\b', (ROOT / name).read_text())


@pytest.mark.parametrize('name', NAMES)
def test_targets_of_make_are_there(name):
    makefile = (ROOT / 'Makefile').read_text()
    for target in re.findall(r'`make ([a-z-]+)`', (ROOT / name).read_text()):
        assert re.search(rf'^{target}:', makefile, re.MULTILINE), target


@pytest.mark.parametrize('name', NAMES)
def test_commands_have_the_options_that_a_page_gives_them(name):
    for command, rest in COMMAND.findall((ROOT / name).read_text()):
        text = io.StringIO()
        with contextlib.redirect_stdout(text), pytest.raises(SystemExit):
            main([command, '--help'])
        for option in re.findall(r'--[a-z0-9-]+', rest):
            assert f'{option} ' in f'{text.getvalue()} '.replace('\n', ' ').replace(',', ' '), (command, option)


def test_the_first_screen_of_the_readme():
    """One sentence, one picture, how to install, the wiring, and what it prints; the whole is short."""
    start = README.split('## Without TFX')[0]
    order = ['**A TFX component', '![The report', "pip install 'privacy-component[tfx,report]'", '```python', 'BLOCKED']
    places = [start.index(part) for part in order]
    assert places == sorted(places)
    assert BLOCK.findall(README)[0] == ('', "pip install 'privacy-component[tfx,report]'\n")
    assert len(README) < 17_000


def test_the_readme_leads_to_every_page():
    """In two steps at most."""
    one = {(ROOT / path).resolve() for path, _ in LINK.findall(README) if path}
    two = {(page.parent / path).resolve() for page in one if page.suffix == '.md' for path, _ in links_of(page) if path}
    missing = {page for page in (ROOT / 'docs').rglob('*.md') if page.resolve() not in one | two}
    assert not missing


def links_of(page):
    return LINK.findall(page.read_text())
