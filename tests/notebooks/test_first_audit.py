"""The first audit: what a reader sees, as it is committed and when it is run anew."""

import pytest

from tests.notebooks import notebooks
from tests.notebooks.notebooks import outputs, printed

NAME = 'first_audit.ipynb'


@pytest.fixture(scope='module')
def executed(tmp_path_factory):
    return notebooks.executed(NAME, tmp_path_factory.mktemp('notebook'))


def check_what_a_reader_sees(notebook):
    """The verdict and its reasons, what Pusher reads, a table, a plot and the report."""
    assert printed(notebook).startswith('BLOCKED\n')
    assert 'a leak is shown' in printed(notebook)
    assert printed(notebook).endswith('blessed = 0\n')
    shown = [output.data for output in outputs(notebook, 'data')]
    assert '<th>num_members</th>' in shown[0]['text/html']
    assert 'Overall' in shown[0]['text/html']
    assert 'image/png' in shown[1]
    assert shown[2]['text/html'].startswith('<iframe srcdoc="')
    assert 'Is the measurement sound?' in shown[2]['text/html']
    assert len(shown) == 3


def test_committed_outputs():
    check_what_a_reader_sees(notebooks.read(NAME))


def test_it_runs(executed):
    check_what_a_reader_sees(executed)
    notebooks.check_quiet(executed)
