"""Past verdicts, read from the ML Metadata of a pipeline that ran three times."""

import pytest

from tests.notebooks import notebooks

NAME = 'read_past_verdicts.ipynb'


@pytest.fixture(scope='module')
def executed(tmp_path_factory):
    return notebooks.executed(NAME, tmp_path_factory.mktemp('notebook'))


def check_what_a_reader_sees(notebook):
    history, compared = notebooks.tables(notebook)
    assert [row[3] for row in history] == ['refused', 'blessed', 'blessed']
    models = [row[2] for row in history]
    assert len(set(models)) == 3
    aucs = [float(row[6]) for row in history]
    assert aucs == sorted(aucs, reverse=True)
    (terminal,) = [html for html in notebooks.shown(notebook, 'text/html') if 'REFUSED' in html]
    assert terminal.count('BLESSED') == 2
    assert len(notebooks.shown(notebook, 'image/png')) == 1
    assert f'model {models[0]}, refused: Overall, ' in notebooks.printed(notebook)
    assert compared[0][1] == 'Overall' and all(float(row[-1]) < 0 for row in compared)
    told = notebooks.printed(notebook)
    assert [line for line in told.splitlines() if line.startswith('exit code')] == [
        'exit code 1',
        'exit code 0',
        'exit code 0',
    ]
    assert told.count('This is the recorded verdict, bit for bit.') == 3


def test_committed_outputs():
    check_what_a_reader_sees(notebooks.read(NAME))


def test_it_runs(executed):
    check_what_a_reader_sees(executed)
    notebooks.check_quiet(executed)
