"""Files that somebody made by hand or that came to harm: never a traceback, never a blessing that was not recorded."""

import copy
import json
import math
import random

import pytest

from privacy_component.cli import main
from tests.report import examples
from tests.stored import write

ROUNDS = 200
HOSTILE = (
    None, True, False, 0, -1, 2**70, -(2**70), 0.0, -0.5, 1.5, 1e308, math.nan, math.inf, -math.inf, '', 'x', '\ud800',
    '1', [], [[]], {}, {'a': {}}, [None], [1, 'a'],
)  # fmt: skip


def places(value, path=()):
    """The way to every value within JSON values."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield from places(one, (*path, name))


def kinds_of_places(fields):
    """The ways by what they lead to, so that the thousand steps of a curve are one kind among others."""
    kinds = {}
    for way in places(fields):
        if way:
            kinds.setdefault(tuple('*' if isinstance(name, int) else name for name in way), []).append(way)
    return list(kinds.values())


def with_one_change(fields, rng, kinds):
    """A copy with one value removed or exchanged."""
    changed = copy.deepcopy(fields)
    *parents, last = rng.choice(rng.choice(kinds))
    inner = changed
    for name in parents:
        inner = inner[name]
    if rng.random() < 0.2:
        del inner[last]
    else:
        inner[last] = rng.choice(HOSTILE)
    return changed


@pytest.fixture(scope='module')
def stored(tmp_path_factory):
    """A folder of a refusal, and what both files hold."""
    folder = tmp_path_factory.mktemp('refused')
    write(folder, examples.evaluated(shift=1.5, n=60))
    return folder, {name: json.loads((folder / name).read_text()) for name in ('privacy_metrics.json', 'decision.json')}


@pytest.mark.parametrize('command', ['gate', 'report'])
@pytest.mark.parametrize('name', ['privacy_metrics.json', 'decision.json'])
def test_a_changed_value_ends_in_a_sentence(stored, tmp_path, capsys, command, name):
    _, files = stored
    rng = random.Random(name)
    kinds = kinds_of_places(files[name])
    out = ['--out', str(tmp_path / 'page.html')] if command == 'report' else []
    for number in range(ROUNDS if command == 'gate' else ROUNDS // 5):
        changed = with_one_change(files[name], rng, kinds)
        if name == 'decision.json':
            (tmp_path / 'privacy_metrics.json').write_text(json.dumps(files['privacy_metrics.json'], indent=1))
        (tmp_path / name).write_text(json.dumps(changed))
        code = main([command, '--unsealed', '--metrics', str(tmp_path), *out])
        said = capsys.readouterr()
        assert 'Traceback' not in said.err, (number, said.err)
        assert code in ((1, 2) if command == 'gate' else (0, 2))
        assert code != 2 or (said.err.startswith('error: ') and said.err.count('\n') == 1)


@pytest.mark.parametrize(
    'text',
    [
        '[' * 100_000,
        '{"schema_version":' * 50_000,
        '{"schema_version": 1' + '0' * 6_000 + '}',
        '\x00',
        '{"a": 1, "a": 2}',
    ],
    ids=['nested', 'nested objects', 'long number', 'null byte', 'key twice'],
)
@pytest.mark.parametrize('name', ['privacy_metrics.json', 'decision.json'])
def test_a_text_that_json_cannot_be_ends_in_a_sentence(stored, tmp_path, capsys, name, text):
    _, files = stored
    (tmp_path / 'privacy_metrics.json').write_text(json.dumps(files['privacy_metrics.json'], indent=1))
    (tmp_path / name).write_text(text)
    assert main(['gate', '--unsealed', '--metrics', str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith('error: ') and 'Traceback' not in said and len(said) < 1_000
