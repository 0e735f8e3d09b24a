"""The notebook on inversion as it is committed, and run anew on small settings."""

from tests.notebooks import notebooks

NAME = 'what_inversion_shows.ipynb'
SMALL = 'PEOPLE, OTHERS, NOISES = 4, 100, (0.0, 4.0)'


def test_it_runs_on_small_settings(tmp_path):
    notebook = notebooks.executed(NAME, tmp_path, SMALL)
    notebooks.check_quiet(notebook)
    assert len(notebooks.shown(notebook, 'image/png')) == 1


def test_people_are_shown_undefended_and_not_at_strong_noise():
    found = {name: row for name, *row in notebooks.tables(notebooks.read(NAME))[0]}
    assert float(found['undefended'][2]) >= 0.7 and float(found['noise 4'][2]) <= 0.15
