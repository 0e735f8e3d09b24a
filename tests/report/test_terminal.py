"""Two evaluations side by side, and what `history` says of a store that is none."""

import pytest

from privacy_component.cli import main
from privacy_component.evaluation.past_evaluation import side_by_side
from tests.report import examples
from tests.stored import write


@pytest.fixture(scope='module')
def two():
    """A model that leaks, and one that does not, of which one slice is not known."""
    return examples.evaluated(shift=1.5), examples.evaluated(shift=0.0, values=('Cash', 'Card'))


def test_all_examples_come_first_then_the_largest_changes(two):
    pairs = side_by_side(*two)
    changes = [abs(pair.change) for pair in pairs if pair.slice != 'Overall' and pair.change is not None]
    assert pairs[0].slice == 'Overall'
    assert changes == sorted(changes, reverse=True)
    assert all(pair.change == pair.second.value - pair.first.value for pair in pairs if pair.first and pair.second)
    missing = [pair for pair in pairs if pair.slice == 'kind = Mobile']
    assert missing
    assert all(pair.second is None and pair.change is None for pair in missing)


def test_compare_prints_both_verdicts_and_names_of_slices_as_text(two, tmp_path, capsys):
    folders = []
    nasty = examples.renamed(examples.evaluated(0.0, values=tuple(map(str, range(len(examples.NASTY))))))
    for name, result in (('first', two[0]), ('second', nasty)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, result)
        folders.append(str(tmp_path / name))
    assert main(['compare', *folders]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith('first: BLOCKED')
    assert 'second: ' in printed
    assert '\x1b' not in printed
    assert '\u202e' not in printed
    assert '\\u202egnp.exe' in printed


def test_history_says_what_is_wrong_with_the_store(tmp_path, capsys):
    secret = tmp_path / 'config.txt'
    secret.write_text('mysql { password: "hunter2" nonsense }')
    no_database = tmp_path / 'metadata.sqlite'
    no_database.write_text('this is no database, whatever its name says')
    for arguments, words in (
        (['--metadata', str(tmp_path / 'gone.sqlite')], 'gone.sqlite is no file'),
        (['--metadata', str(no_database)], 'the metadata store cannot be read'),
        (['--metadata-config', str(secret)], 'is no ConnectionConfig in text format'),
    ):
        assert main(['history', *arguments]) == 2
        told = capsys.readouterr().err
        assert words in told
        assert 'hunter2' not in told
