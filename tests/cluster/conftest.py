"""The cluster, the worlds that are evaluated on it, and their in-memory results. Collected only when asked for."""

import hashlib
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.cluster import fetch
from tests.cluster.figures import figures
from tests.cluster.flink import FlinkCluster
from tests.cluster.processes import Processes

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TAXI = ROOT / 'pipelines' / 'taxi'
TRAIN_SECONDS = 420
LOGS_KEPT = 5
WHOLE = 'trained'  # an empty file that tells a finished training from an interrupted one
IN_MEMORY = ('--runner=FnApiRunner', '--sdk_container_image=unused')
STARTED = pytest.StashKey()


def pytest_ignore_collect(config):
    """`make test` runs without Java: these are collected only where their folder is named."""
    asked_for = [Path(argument.split('::')[0]).resolve() for argument in config.args]
    return None if any(path.is_relative_to(HERE) for path in asked_for) else True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """A failure shows the end of every process's log."""
    report = yield
    if report.failed and STARTED in item.config.stash:
        report.sections.append(('the ends of the logs', item.config.stash[STARTED].tails()))
    return report


@pytest.fixture(scope='session', autouse=True)
def _terminated_as_interrupted():
    """A CI system sends SIGTERM when it gives up, and may start jobs with SIGINT ignored; both must clean up."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope='session')
def processes(pytestconfig):
    """Stopped at the end of the session, whatever its end is."""
    logs = fetch.LOGS / f'run-{os.getpid()}'
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    _forget_old_logs()
    started = pytestconfig.stash[STARTED] = Processes(logs)
    yield started
    started.stop()


@pytest.fixture(scope='session')
def _running_cluster(processes, tmp_path_factory):
    cluster = FlinkCluster(processes, tmp_path_factory.mktemp('flink'))
    cluster.start()
    return cluster


@pytest.fixture
def cluster(_running_cluster):
    """With both TaskManagers, also after a test that killed one."""
    _running_cluster.fill()
    return _running_cluster


@pytest.fixture(scope='session')
def taxi(processes, tmp_path_factory):
    """The taxi model and many copies of its examples."""
    from tests.cluster.taxi import TaxiWorld  # imports TFX

    return TaxiWorld(tmp_path_factory.mktemp('taxi')).write(_trained(processes))


@pytest.fixture(scope='session')
def in_memory(taxi):
    """The figures of the taxi model as one process finds them."""
    return figures(taxi.run(beam_args=list(IN_MEMORY)))


def _trained(processes):
    """A folder with the trained model; one of an earlier run if nothing it was made from has changed."""
    sources = b''.join(path.read_bytes() for path in sorted([*TAXI.rglob('*.py'), *ROOT.glob('requirements/tfx-*')]))
    folder = fetch.CACHE / f'taxi-{hashlib.sha256(sources).hexdigest()[:12]}'
    with fetch.locked('taxi'):
        if not (folder / WHOLE).exists():
            for stale in fetch.CACHE.glob('taxi-*'):
                shutil.rmtree(stale)
            processes.start('taxi', [sys.executable, '-m', 'tests.cluster.taxi', folder])
            processes.finish('taxi', TRAIN_SECONDS)
            (folder / WHOLE).touch()
    return folder


def _forget_old_logs():
    for old in sorted(fetch.LOGS.glob('run-*'), key=lambda folder: folder.stat().st_mtime)[:-LOGS_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
