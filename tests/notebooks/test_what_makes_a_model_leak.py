"""What makes a model leak: what the text says follows from the tables, and the notebook runs on small settings."""

import itertools

import pytest

from tests.notebooks import notebooks

NAME = 'what_makes_a_model_leak.ipynb'
SMALL = """
SEEDS, MEMBERS, NON_MEMBERS, EPOCHS = (0,), 200, 400, 2
SIZES, UNITS, CLASSES = (100, 200), (8, 128), (2, 229)
"""
COLUMNS = ('accuracy_members', 'accuracy', 'loss_threshold', 'logistic_regression', 'auc')
UNDEFENDED, DEFENCES = 'undefended', ('early stopping', 'dropout', 'weight decay', 'DP-SGD')


@pytest.fixture(scope='module')
def executed(tmp_path_factory):
    return notebooks.executed(NAME, tmp_path_factory.mktemp('notebook'), SMALL)


def figures(table):
    """The rows of a table by their last name, as numbers."""
    named = {row[-6]: dict(zip(COLUMNS, map(float, row[-5:]), strict=True)) for row in table}
    assert all(0 <= value <= 1 for row in named.values() for value in row.values())
    return named


def check_what_a_reader_sees(notebook):
    """Three pictures, a table for each thing that changes, one of defences on both data sets, and the claim."""
    assert len(notebooks.shown(notebook, 'image/png')) == 3
    *changes, defences = notebooks.tables(notebook)
    assert len(changes) == 3
    pictures, trips = figures(defences[:5]), figures(defences[5:])
    assert [*pictures] == [*trips] == [UNDEFENDED, *DEFENCES]
    assert 'DP-SGD: epsilon = ' in notebooks.printed(notebook)
    return [figures(table) for table in changes], pictures, trips


def test_committed_outputs_are_as_the_text_says():
    (sizes, units, classes), pictures, trips = check_what_a_reader_sees(notebooks.read(NAME))
    assert [*sizes] == ['250', '1000', '3000'] and [*classes] == ['2', '20', '229']
    assert falls(sizes, 'auc') and falls(sizes, 'accuracy', -1)
    assert falls(classes, 'auc', -1) and classes['229']['accuracy'] < 0.2
    assert units['8']['auc'] < min(units['128']['auc'], units['512']['auc']) - 0.02
    assert all(0 < units[wide]['accuracy'] - units['8']['accuracy'] < 0.03 for wide in ('128', '512'))
    for found in (pictures, trips):
        assert all(found[name]['auc'] < found[UNDEFENDED]['auc'] - 0.02 for name in DEFENCES)
        assert min(found, key=lambda name: found[name]['auc']) == 'DP-SGD' and found['DP-SGD']['auc'] < 0.57
    assert all(trips[name]['accuracy'] > trips[UNDEFENDED]['accuracy'] for name in DEFENCES[:3])
    assert all(trips[name]['auc'] > 0.6 for name in DEFENCES[:3])
    assert all(abs(pictures[name]['accuracy'] - pictures[UNDEFENDED]['accuracy']) < 0.04 for name in DEFENCES[:3])
    assert 0.1 < pictures[UNDEFENDED]['accuracy'] - pictures['DP-SGD']['accuracy'] < 0.2
    assert abs(trips[UNDEFENDED]['accuracy'] - trips['DP-SGD']['accuracy']) < 0.02


def falls(rows, column, sign=1):
    """Whether a column falls from row to row; with -1, whether it rises."""
    values = [sign * row[column] for row in rows.values()]
    return all(after < before for before, after in itertools.pairwise(values))


def test_it_runs(executed):
    check_what_a_reader_sees(executed)
    notebooks.check_quiet(executed)
