"""The figures of cost that docs and README name are those that the benchmarks have left."""

import json
import re

import pytest

from tests.pages import ROOT

RESULTS = ROOT / 'benchmarks' / 'results'
PAGE = (ROOT / 'docs' / 'cost.md').read_text()


def tables(text):
    """The tables of a page, each as one text."""
    return re.findall(r'(?:^\|.*\n)+', text, re.MULTILINE)


@pytest.mark.parametrize('name', ['core', 'job', 'small'])
def test_the_page_has_the_tables_as_they_were_measured(name):
    measured = (RESULTS / f'{name}.md').read_text()
    assert tables(measured)
    for table in tables(measured):
        assert table in PAGE, f'Put this into docs/cost.md:\n\n{table}'
    assert re.search(r'Measured at commit [^.]+\.', measured)[0] in ' '.join(PAGE.split())


@pytest.mark.parametrize('name', ['core', 'job', 'small'])
def test_every_figure_says_at_which_commit_it_was_measured(name):
    figures = json.loads((RESULTS / f'{name}.json').read_text())
    assert all(re.fullmatch(r'[0-9a-f]{7,40}( and changes)?', one['commit']) for one in figures.values())


def test_the_readme_names_the_same_figures():
    told = ' '.join((ROOT / 'README.md').read_text().split('## Measured cost')[1].split('##')[0].split())
    job, core = (json.loads((RESULTS / f'{name}.json').read_text()) for name in ('job', 'core'))
    for case in ('ours 200000', 'tfma 200000'):
        assert f'{job[case]["cpu"]:.1f}' in told
    for case in ('ours', 'theirs'):
        assert f'{core[f"threshold {case} 1000000"]["cpu_seconds"]:.2f}' in told
