"""PrivacyEvaluator on Beam's own portable runner gives the bits that it gives in memory."""

import sys

import pytest

from tests.cluster.figures import figures
from tests.cluster.waiting import Background, wait_for

START_SECONDS = 60
JOB_SECONDS = 180

pytestmark = pytest.mark.timeout(720)


@pytest.fixture
def job_endpoint(processes, tmp_path):
    """Beam's job server for one machine."""
    port_file = tmp_path / 'port'
    service = 'apache_beam.runners.portability.local_job_service_main'
    processes.start('beam', [sys.executable, '-m', service, '--port_file', port_file, '--staging_dir', tmp_path])

    def port():
        processes.check()
        return port_file.exists() and port_file.read_text()

    return f'localhost:{wait_for("the job server", port, START_SECONDS)}'


def test_portable_runner_equals_memory(taxi, in_memory, job_endpoint):
    options = ('--runner=PortableRunner', f'--job_endpoint={job_endpoint}', '--environment_type=LOOPBACK')
    job = Background(lambda: figures(taxi.run(beam_args=[*options, '--sdk_container_image=unused'])))
    assert job.result(JOB_SECONDS) == in_memory
