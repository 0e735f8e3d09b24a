"""The demo with ML Metadata in a server, as its user would run it there: MariaDB and PostgreSQL of Debian."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import text_format
from ml_metadata import MetadataStore

from privacy_component.cli import main
from tests.component import servers

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module', params=servers.PACKAGES)
def demo(request, tmp_path_factory):
    """The demo's folder, a file that says where its metadata are, and what the store holds."""
    if not servers.is_installed(request.param):
        pytest.fail(f'{request.param} is not installed: apt-get install {servers.PACKAGES[request.param]}')
    folder = tmp_path_factory.mktemp(request.param)
    with servers.running(request.param) as connection:
        config = folder / 'connection.pbtxt'
        config.write_text(text_format.MessageToString(connection))
        command = [sys.executable, '-m', 'pipelines.taxi.local_runner']
        command += ['--folder', str(folder / 'demo'), '--metadata-config', str(config)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, done.stdout + done.stderr + (folder / 'demo' / 'log.txt').read_text()[-3000:]
        assert not list((folder / 'demo').glob('*.sqlite'))
        yield folder / 'demo', config, MetadataStore(connection)


def by_run(store, type_name):
    """Of the overfit model, then of the DP-SGD model."""
    return sorted(store.get_artifacts_by_type(type_name), key=lambda artifact: artifact.id)


def test_the_overfit_model_is_refused_and_the_private_one_pushed(demo):
    folder, _, store = demo
    outcomes = [
        one.custom_properties['outcome'].string_value for one in by_run(store, 'privacy_component.PrivacyMetrics')
    ]
    assert outcomes == ['refused', 'blessed']
    assert [one.custom_properties['pushed'].int_value for one in by_run(store, 'PushedModel')] == [0, 1]
    assert len(list((folder / 'serving').iterdir())) == 1


def test_the_history_is_read_from_the_server(demo, capsys):
    _, config, _ = demo
    assert main(['history', '--metadata-config', str(config), '--json']) == 0
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{')]
    assert sorted(one['outcome'] for one in listed) == ['blessed', 'refused']
