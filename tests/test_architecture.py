"""ARCHITECTURE.md and CONTRIBUTING.md tell the code as it is, and what they say to add works when it is added."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tomli

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / 'privacy_component'
ARCHITECTURE, CONTRIBUTING = ((ROOT / name).read_text() for name in ('ARCHITECTURE.md', 'CONTRIBUTING.md'))
BLOCK = re.compile(r'^```(?:python|toml)\n(.*?)^```$', re.DOTALL | re.MULTILINE)
MARK = re.compile(
    r'^# (?:new file (?P<new>\S+)|(?P<path>\S+), (?P<side>after|before) the line: (?P<line>.+))\n', re.MULTILINE
)
FOLLOWED = 'tests/followed.py'


def steps(text):
    """(where, lines) of each part of the blocks, in the order of the text."""
    for block in BLOCK.findall(text):
        marks = [*MARK.finditer(block)]
        if marks:
            assert marks[0].start() == 0, f'a block must begin with where its lines go: {block[:80]}'
        ends = [*(mark.start() for mark in marks[1:]), len(block)]
        yield from ((mark, block[mark.end() : end]) for mark, end in zip(marks, ends, strict=True))


def follow(root):
    """Does in a copy of the project what the texts say; the files that were made or changed."""
    changed = []
    for mark, lines in (*steps(CONTRIBUTING), *steps(ARCHITECTURE)):
        path = root / (mark['new'] or mark['path'])
        if mark['new']:
            assert not path.exists()
            path.parent.mkdir(exist_ok=True)
            path.write_text(lines)
        else:
            path.write_text(beside(path.read_text(), mark, lines))
        changed.append(str(path.relative_to(root)))
    return changed


def beside(text, mark, lines):
    """The text with lines put in after or before the one line that the mark names."""
    known = text.splitlines(keepends=True)
    places = [i for i, line in enumerate(known) if line.strip() == mark['line']]
    assert len(places) == 1, f'{mark["path"]} has the line {len(places)} times: {mark["line"]}'
    place = places[0] + (mark['side'] == 'after')
    return ''.join([*known[:place], lines, *known[place:]])


@pytest.fixture(scope='module')
def copy(tmp_path_factory):
    """A copy of the project to which everything was added, and the files that this made or changed."""
    root = tmp_path_factory.mktemp('copy')
    for name in ('privacy_component', 'tests'):
        shutil.copytree(ROOT / name, root / name)
    shutil.copy(ROOT / 'pyproject.toml', root)
    changed = follow(root)
    run(root, '-m', 'pip', 'install', '-q', '--no-deps', '--no-build-isolation', '--target', 'site', './my_attacks')
    return root, changed


def run(root, *arguments):
    """What a process in the copy prints; it must end well."""
    environment = os.environ | {'PYTHONPATH': f'{root}:{root / "site"}', 'OMP_NUM_THREADS': '1'}
    done = subprocess.run([sys.executable, *arguments], cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


def test_what_is_added_works(copy):
    root, _ = copy
    tests = ('tests/attacks/test_contract.py', 'tests/metrics/test_registry.py', FOLLOWED)
    told = run(root, '-m', 'pytest', '-rA', '-p', 'no:cacheprovider', '-k', 'sureness or gini or followed', *tests)
    passed = [line for line in told.splitlines() if line.startswith('PASSED')]
    contract = (ROOT / tests[0]).read_text().count('\n@every_attack\n')
    assert sum('test_contract.py' in line and 'sureness' in line for line in passed) == contract > 0
    assert sum('test_registry.py' in line and 'gini' in line for line in passed) >= 9
    names = re.findall(r'^def (test_\w+)', (ROOT / FOLLOWED).read_text(), re.MULTILINE)
    assert all(any(f'{FOLLOWED}::{name}' in line for line in passed) for name in names)


def test_what_is_added_is_in_the_projects_style(copy):
    root, changed = copy
    code = [name for name in changed if name.endswith('.py')]
    run(root, '-m', 'ruff', 'check', '--no-cache', *code)
    run(root, '-m', 'ruff', 'format', '--no-cache', '--check', *code)
    run(root, '-c', 'from importlinter.cli import lint_imports_command as lint; lint()', '--no-cache')


def layers():
    contracts = tomli.loads((ROOT / 'pyproject.toml').read_text())['tool']['importlinter']['contracts']
    (names,) = (contract['layers'] for contract in contracts if contract['type'] == 'layers')
    return [[name.strip().removeprefix('privacy_component.') for name in layer.split('|')] for layer in names]


def test_the_table_of_layers_is_what_the_linter_holds():
    table = ARCHITECTURE.split('| layer |')[1].split('\n\n')[0].splitlines()[2:]
    assert [re.findall(r'`(\w+)`', line.split('|')[1]) for line in table] == layers()


def test_every_room_and_every_module_at_the_top_is_named():
    rooms = {path.parent.name for path in PACKAGE.glob('*/__init__.py')}
    modules = {path.stem for path in PACKAGE.glob('*.py')}
    public = {name for name in modules if not name.startswith('_')}
    assert rooms | public == {name for layer in layers() for name in layer}
    assert all(f'`{name}.py`' in ARCHITECTURE for name in modules - public)


def paths():
    """What looks like a path in either text, but for the blocks whose files are not there yet."""
    text = BLOCK.sub('', ARCHITECTURE + CONTRIBUTING)
    return sorted(set(re.findall(r'(?<![\w/.:])\w[\w.-]*/[\w./-]*\w|\w[\w.-]*/(?!\w)|\w+\.(?:py|toml|md)\b', text)))


@pytest.mark.parametrize('path', paths())
def test_every_path_that_is_named_exists(path):
    homes = (ROOT, PACKAGE)
    assert any((home / path).exists() for home in homes), path
