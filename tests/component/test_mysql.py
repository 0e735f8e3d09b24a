"""The same lineage where ML Metadata is in MySQL (MariaDB), as teams run it; skipped where no server is installed."""

import getpass
import shutil
import socket
import subprocess
import time

import pytest
from tfx import v1 as tfx

from tests.component import world as w
from tests.component.lineage import Pipeline

SERVER = shutil.which('mariadbd')
pytestmark = pytest.mark.skipif(SERVER is None, reason='mariadbd is not on PATH: apt-get install mariadb-server-core')
STARTUP_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def wait_for(server: subprocess.Popen, port: int) -> None:
    deadline = time.time() + STARTUP_SECONDS
    while time.time() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(('127.0.0.1', port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError(f'mariadbd does not listen on port {port}: see its log')


@pytest.fixture
def pipeline(tmp_path):
    """A pipeline whose metadata are in an empty MariaDB of its own, on the loopback interface."""
    (tmp_path / 'data').mkdir()
    port = free_port()
    options = [f'--datadir={tmp_path}/data', f'--socket={tmp_path}/socket', f'--pid-file={tmp_path}/pid']
    options += [f'--port={port}', '--bind-address=127.0.0.1', '--skip-grant-tables', f'--user={getpass.getuser()}']
    with open(tmp_path / 'log', 'w') as log:
        server = subprocess.Popen([SERVER, '--no-defaults', *options], stdout=log, stderr=log)
    try:
        wait_for(server, port)
        connect = tfx.orchestration.metadata.mysql_metadata_connection_config
        yield Pipeline(tmp_path, connect('127.0.0.1', port, 'lineage', 'root', ''))
    finally:
        server.terminate()
        server.wait(STARTUP_SECONDS)


def test_a_refusal_is_remembered_in_mysql(pipeline, tmp_path):
    world = w.World(tmp_path / 'world').write()
    for config in (w.config(), w.config(thresholds=({'metric': 'auc', 'upper_bound': 0.95, 'slicing_specs': [{}]},))):
        pipeline.evaluate(world, config)
    found = [one.custom_properties['outcome'].string_value for one in pipeline.metrics()]
    assert found == ['refused', 'refusal_stands']
    assert [one.custom_properties['blessed'].int_value for one in pipeline.blessings()] == [0, 0]
