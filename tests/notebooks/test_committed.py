"""What holds of every notebook as it is committed."""

import tempfile
from pathlib import Path

import pytest

from tests.notebooks import notebooks

NAMES = sorted(path.name for path in notebooks.FOLDER.glob('*.ipynb'))


@pytest.mark.parametrize('name', NAMES)
def test_it_was_run_from_top_to_bottom(name):
    cells = notebooks.code_cells(notebooks.read(name))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


@pytest.mark.parametrize('name', NAMES)
def test_no_error_and_no_warning_is_shown(name):
    notebooks.check_quiet(notebooks.read(name))


@pytest.mark.parametrize('name', NAMES)
def test_the_file_is_small_and_names_no_machine(name):
    text = (notebooks.FOLDER / name).read_text()
    assert len(text) < 1_500_000
    for path in (str(notebooks.FOLDER.parent), str(Path.home()), tempfile.gettempdir(), 'site-packages'):
        assert f'{path}/' not in text


@pytest.mark.parametrize('name', NAMES)
def test_it_is_told_of_and_tested(name):
    assert f'`{name}`' in (notebooks.FOLDER / 'README.md').read_text()
    assert (Path(__file__).parent / f'test_{name.removesuffix(".ipynb")}.py').exists()
