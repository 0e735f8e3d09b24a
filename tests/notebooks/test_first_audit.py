"""The notebook as it is committed, and the notebook run anew."""

import tempfile
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / 'notebooks' / 'first_audit.ipynb'


def read():
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope='module')
def executed(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('TMPDIR', str(tmp_path_factory.mktemp('notebook')))
        notebook = read()
        for cell in code_cells(notebook):
            cell.outputs = []
        NotebookClient(notebook, timeout=300, resources={'metadata': {'path': NOTEBOOK.parent}}).execute()
    return notebook


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == 'code']


def outputs(notebook, kind='output_type'):
    return [output for cell in code_cells(notebook) for output in cell.outputs if kind in output]


def printed(notebook):
    return ''.join(output.text for output in outputs(notebook, 'text'))


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


def check_quiet(notebook):
    assert {output.output_type for output in outputs(notebook)} <= {'stream', 'display_data', 'execute_result'}
    assert all(output.name == 'stdout' for output in outputs(notebook, 'text'))


def test_committed_notebook_was_run_from_top_to_bottom():
    cells = code_cells(read())
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


def test_committed_outputs():
    check_what_a_reader_sees(read())
    check_quiet(read())


def test_committed_file_is_small_and_names_no_machine():
    text = NOTEBOOK.read_text()
    assert len(text) < 1_500_000
    for path in (str(NOTEBOOK.parents[1]), str(Path.home()), tempfile.gettempdir(), 'site-packages'):
        assert f'{path}/' not in text


def test_it_runs(executed):
    check_what_a_reader_sees(executed)
    check_quiet(executed)
