"""A release says the same of itself everywhere, and its version, a part of the cache key, moves when a figure does."""

import json
import math
import re
import subprocess
import sys

import pytest
import yaml

from privacy_component import __version__
from tests import release_figures
from tests.pages import ROOT

CHANGELOG = (ROOT / 'CHANGELOG.md').read_text()
RELEASES = re.findall(r'^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d{2}-\d{2})$', CHANGELOG, re.MULTILINE)
MOVED = (
    '{0} was {1} and is {2}: verdicts of this version that are in a cache would be others. If that is meant, move '
    '_version.py, and run python -m tests.release_figures'
)


def test_no_figure_changes_without_a_new_version():
    """More attacks and metrics may come; what there was stays."""
    recorded = json.loads(release_figures.PATH.read_text())
    assert recorded['version'] == __version__, 'run python -m tests.release_figures'
    found = release_figures.figures()
    for attack, metrics in recorded['figures'].items():
        for name, before in metrics.items():
            for one, other in zip(before, found[attack][name], strict=True):
                assert same(one, other), MOVED.format(f'{attack}: {name}', one, other)


def same(one, other):
    return one == other or (None not in (one, other) and math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9))


def test_the_changelog_begins_with_this_version():
    assert RELEASES[0][0] == __version__
    assert [release for release, _ in RELEASES] == sorted((release for release, _ in RELEASES), reverse=True)


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / 'CITATION.cff').read_text())
    assert (citation['version'], str(citation['date-released'])) == RELEASES[0]
    assert {'cff-version', 'message', 'title', 'authors', 'type', 'license'} <= {*citation}
    assert citation['license'] == 'Apache-2.0'


@pytest.fixture(scope='module')
def metadata(tmp_path_factory):
    """What an installer is told of the package."""
    folder = tmp_path_factory.mktemp('metadata')
    command = [sys.executable, 'setup.py', '-q', 'egg_info', '--egg-base', str(folder)]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    return (folder / 'privacy_component.egg-info' / 'PKG-INFO').read_text()


@pytest.mark.parametrize(
    'line',
    [
        'Name: privacy-component',
        f'Version: {__version__}',
        'Author: The privacy_component authors',
        'Requires-Python: >=3.10',
        'Classifier: Topic :: Security',
        'License-File: LICENSE',
    ],
)
def test_the_metadata_of_the_package(metadata, line):
    assert f'\n{line}\n' in metadata.split('\n\n')[0] + '\n'


def test_no_address_is_named_that_nobody_has(metadata):
    assert not re.search(r'^(Home-page|Project-URL|Author-email):', metadata.split('\n\n')[0], re.MULTILINE)
