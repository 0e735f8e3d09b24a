"""The notebook on defences as it is committed, and run anew on small settings."""

from tests.notebooks import notebooks

NAME = 'defend_a_model.ipynb'
SMALL = 'MEMBERS, EPOCHS, TEACHERS = 300, 6, 3'


def test_it_runs_on_small_settings(tmp_path):
    notebook = notebooks.executed(NAME, tmp_path, SMALL)
    notebooks.check_quiet(notebook)
    assert len(notebooks.shown(notebook, 'image/png')) == 1


def test_a_model_is_refused_undefended_and_blessed_where_it_is_defended():
    found = {name: row for name, *row in notebooks.tables(notebooks.read(NAME))[0]}
    assert found['undefended'][-2] == 'False'
    assert {row[-2] for name, row in found.items() if name != 'undefended'} == {'True'}
    assert float(found['DP-SGD, noise 1'][2]) < float(found['undefended'][2]) - 0.05
