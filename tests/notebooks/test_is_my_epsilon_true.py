"""The notebook on canaries as it is committed, and run anew."""

import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / 'notebooks' / 'is_my_epsilon_true.ipynb'


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == 'code']


def check_what_a_reader_sees(notebook):
    """Two trainers are refuted and one is not, a claim of 8 cannot be tested, and there is a picture."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    printed = ''.join(output.text for output in outputs if 'text' in output)
    outcomes = [line.rpartition(': ')[2] for line in printed.splitlines() if 'guesses right' in line]
    assert outcomes == ['not_refuted', 'refuted', 'refuted']
    assert 'a claim of 8 with 400 canaries: cannot_be_tested' in printed
    assert len([output for output in outputs if 'image/png' in output.get('data', {})]) == 1
    assert all(output.get('name') in (None, 'stdout') and output.output_type != 'error' for output in outputs)


def test_committed_notebook():
    notebook, text = nbformat.read(NOTEBOOK, as_version=4), NOTEBOOK.read_text()
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    check_what_a_reader_sees(notebook)
    assert len(text) < 200_000
    for path in (str(NOTEBOOK.parents[1]), str(Path.home()), tempfile.gettempdir(), 'site-packages'):
        assert f'{path}/' not in text


def test_it_runs():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=300, resources={'metadata': {'path': NOTEBOOK.parent}}).execute()
    check_what_a_reader_sees(notebook)
