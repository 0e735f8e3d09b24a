"""The audit of models of scikit-learn and Keras on arrays, without TFX."""

import pytest

from tests.notebooks import notebooks

NAME = 'audit_any_model.ipynb'


@pytest.fixture(scope='module')
def executed(tmp_path_factory):
    return notebooks.executed(NAME, tmp_path_factory.mktemp('notebook'))


def check_what_a_reader_sees(notebook):
    forest, network = [html for html in notebooks.shown(notebook, 'text/html') if '<strong>BL' in html]
    assert '<strong>BLOCKED</strong> The model leaks who was in its training data' in forest
    assert '<strong>BLESSED</strong> No leak above the limits is shown' in network
    worst, metrics, leaves = notebooks.tables(notebook)
    bounds = [float(row[5]) for row in worst]
    assert bounds == sorted(bounds, reverse=True) and bounds[-1] > 0.6
    assert {row[-1] for row in worst} == {'exceeded'}
    assert 'tpr_at_fpr_0.1' in [row[0] for row in metrics]
    aucs, verdicts = [float(row[5]) for row in leaves], [row[-1] for row in leaves]
    assert aucs == sorted(aucs, reverse=True)
    assert (verdicts[0], verdicts[-1]) == ('BLOCKED', 'BLESSED')
    scores, rocs, people = notebooks.shown(notebook, 'image/svg+xml')
    assert all('<svg' in picture for picture in (scores, rocs, people))
    assert 'Is the measurement sound?' in notebooks.shown(notebook, 'text/html')[-1]


def test_committed_outputs():
    check_what_a_reader_sees(notebooks.read(NAME))


def test_it_runs(executed):
    check_what_a_reader_sees(executed)
    notebooks.check_quiet(executed)


def test_it_needs_no_tfx():
    code = '\n'.join(cell.source for cell in notebooks.code_cells(notebooks.read(NAME)))
    assert not any(word in code for word in ('tfx', 'apache_beam', 'pipelines', 'tensorflow_'))
