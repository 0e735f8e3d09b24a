"""The notebook on federations as it is committed, and run anew on small settings."""

from tests.notebooks import notebooks

NAME = 'federated.ipynb'
SMALL = 'NUM_PARTIES, EXAMPLES, ROUNDS = 3, 120, 3'


def test_it_runs_on_small_settings(tmp_path):
    notebook = notebooks.executed(NAME, tmp_path, SMALL)
    notebooks.check_quiet(notebook)
    assert len(notebooks.shown(notebook, 'image/png')) == 2


def test_the_server_of_a_federation_sees_most():
    auc = {role: float(row[1]) for role, *row in notebooks.tables(notebooks.read(NAME))[0]}
    assert auc["server: the party's uploads"] == max(auc.values()) > 0.6
    assert auc['outsider: global models'] < 0.55
