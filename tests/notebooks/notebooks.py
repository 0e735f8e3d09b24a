"""Notebooks as they are committed, and run anew."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / 'notebooks'


def read(name):
    return nbformat.read(FOLDER / name, as_version=4)


def executed(name, temporary, settings=''):
    """The notebook run anew, in a fresh kernel; `settings` are set after the cell that is tagged 'parameters'."""
    notebook = read(name)
    for cell in code_cells(notebook):
        cell.outputs = []
    if settings:
        tagged = [i for i, cell in enumerate(notebook.cells) if 'parameters' in cell.metadata.get('tags', ())]
        notebook.cells.insert(tagged[0] + 1, nbformat.v4.new_code_cell(settings))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('TMPDIR', str(temporary))
        patch.setenv('LOKY_MAX_CPU_COUNT', '1')  # joblib complains where a container hides its cores
        NotebookClient(notebook, timeout=300, resources={'metadata': {'path': FOLDER}}).execute()
    return notebook


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == 'code']


def outputs(notebook, kind='output_type'):
    return [output for cell in code_cells(notebook) for output in cell.outputs if kind in output]


def printed(notebook):
    return ''.join(output.text for output in outputs(notebook, 'text'))


def shown(notebook, kind):
    """What cells show of a MIME type, in order."""
    return [output.data[kind] for output in outputs(notebook, 'data') if kind in output.data]


def tables(notebook):
    """Each DataFrame that is shown, as rows of cells without its head."""
    found = [html for html in shown(notebook, 'text/html') if 'class="dataframe"' in html]
    rows = [re.findall(r'<tr>(.*?)</tr>', html.split('<tbody>')[1], re.DOTALL) for html in found]
    return [[re.findall(r'<t[hd][^>]*>(.*?)</t[hd]>', row) for row in table] for table in rows]


def check_quiet(notebook):
    assert {output.output_type for output in outputs(notebook)} <= {'stream', 'display_data', 'execute_result'}
    beside = [output.text for output in outputs(notebook, 'text') if output.name != 'stdout']
    assert not beside, beside
