"""Processes that are killed, have no room or no rights: no blessing, and no file that looks whole and is not."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from privacy_component import PrivacyResult
from tests.campaign import child
from tests.campaign.case import BLESSING, ERROR, REFUSAL, Rig, run
from tests.campaign.tally import KILLED

EXECUTOR = 'processes: the executor is killed'
ROOM = 'processes: no room'
RIGHTS = 'processes: no rights'
WORKERS = 'processes: workers are killed, bundles repeated'

# The n-th operation on an output file: marks (0, 1), report (2, 3), metrics (4, 5), decision (6, 7), blessing (8).
KILLS = [('tight', n, half) for n, half in ((1, False), (2, True), (3, False), (4, True), (5, False))]
KILLS += [('tight', 6, True), ('tight', 7, False)]
KILLS += [('tight', 8, False), ('tight', 8, True), ('leaky', 4, True), ('leaky', 8, False)]


def check_what_is_there_is_whole(rig: Rig) -> None:
    metrics, report = rig.metrics_dir / 'privacy_metrics.json', rig.metrics_dir / 'report.html'
    assert not metrics.exists() or PrivacyResult.load(metrics).verdict is not None
    assert not report.exists() or report.read_text().rstrip().endswith('</html>')
    if (rig.blessing_dir / 'BLESSED').exists():
        assert PrivacyResult.load(metrics).verdict.blessed


@pytest.mark.parametrize(('world', 'number', 'half'), KILLS)
def test_executor_killed_while_writing(world, number, half, templates, tmp_path, count):
    rig = templates.copy(world, tmp_path)
    outcome = child.end_of(child.start(tmp_path, child.killed_at, number, half), tmp_path)
    count(EXECUTOR, outcome.kind if outcome else KILLED, ())
    assert outcome is None
    check_what_is_there_is_whole(rig)
    assert run(rig).kind == (BLESSING if world == 'tight' else REFUSAL)  # tried again, in the same directories


SIZES = (10, 1000, 50_000)


@pytest.mark.parametrize('size', SIZES)
def test_no_room(size, templates, tmp_path, count):
    rig = templates.copy('tight', tmp_path)
    outcome = child.end_of(child.start(tmp_path, child.no_room, size), tmp_path)
    count(ROOM, outcome.kind, (ERROR,))
    assert outcome.kind == ERROR
    assert 'cannot be written' in outcome.said
    check_what_is_there_is_whole(rig)


# What may not be written or read, and what the message says.
DENIED = {
    'out/metrics': (0o555, 'cannot be written'),
    'out/blessing': (0o555, 'cannot be written'),
    'examples/Split-train': (0o000, 'train'),
    'model/Format-Serving': (0o000, 'model'),
    'model/Format-Serving/variables': (0o000, 'model'),
}


@pytest.fixture
def open_path():
    """A folder that any user can reach, as pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix='campaign-') as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize('name', DENIED)
def test_no_rights(name, templates, open_path, count):
    rig = templates.copy('tight', open_path)
    rights, words = DENIED[name]
    for path in (rig.metrics_dir, rig.blessing_dir):
        path.mkdir(parents=True)
        path.chmod(0o777)
    rig.blessing_dir.parent.chmod(0o777)
    denied = open_path / name
    denied.chmod(rights)
    outcome = child.end_of(child.start(open_path, child.without_rights), open_path)
    denied.chmod(0o755)
    count(RIGHTS, outcome.kind, (ERROR,))
    assert outcome.kind == ERROR
    assert words in outcome.said


def test_repeated_bundles_change_nothing(templates, tmp_path, count):
    """Every bundle runs three times, as a retry would have it, and counts once."""
    once, thrice = (templates.copy('leaky', tmp_path / name) for name in ('once', 'thrice'))
    arguments = ['--runner=FnApiRunner', '--direct_runner_bundle_repeat=2', '--sdk_container_image=unused']
    expected, outcome = run(once), run(thrice, beam_args=arguments)
    count(WORKERS, outcome.kind, (REFUSAL,))
    assert [r.row() for r in outcome.result.results] == [r.row() for r in expected.result.results]


MULTI_PROCESSING = [
    '--runner=FnApiRunner',
    '--direct_running_mode=multi_processing',
    '--direct_num_workers=2',
    '--sdk_container_image=unused',
]


def test_workers_killed_in_mid_bundle(templates, tmp_path, count):
    rig = templates.copy('tight', tmp_path)
    process = child.start(tmp_path, child.workers_die, beam_args=MULTI_PROCESSING)
    outcome = child.end_of(process, tmp_path)
    count(WORKERS, outcome.kind, (ERROR,))
    assert outcome.kind == ERROR
    assert 'a worker process of the Beam job has died' in outcome.said
    check_what_is_there_is_whole(rig)


def test_workers_killed_as_they_start(templates, tmp_path, count):
    """Beam's local runner waits for ever for a worker that never reports: no end, but no blessing either."""
    rig = templates.copy('tight', tmp_path)
    process = child.start(tmp_path, child.nothing, beam_args=MULTI_PROCESSING)
    try:
        _kill_workers(process.pid)
        process.join(5)
    finally:
        process.kill()
    process.join(20)
    count(WORKERS, KILLED, ())
    assert process.exitcode == -signal.SIGKILL
    assert {path.name for path in (rig.root / 'out').rglob('*') if path.is_file()} == {'.evaluation'}


def _kill_workers(pid: int) -> None:
    deadline = time.monotonic() + 60
    while len(workers := _workers_of(pid)) < 2:
        assert time.monotonic() < deadline, 'no worker has started'
        time.sleep(0.1)
    for worker in workers:
        os.kill(worker, signal.SIGKILL)


def _workers_of(pid: int) -> list[int]:
    """The Beam workers among the processes that this one has started, and those that they have."""
    listed = subprocess.run(['ps', '-eww', '-o', 'pid=,ppid=,args='], capture_output=True, text=True).stdout
    found = []
    for number, parent, command in (line.split(None, 2) for line in listed.splitlines()):
        if int(parent) == pid:
            found += [int(number)] if 'sdk_worker_main' in command else []
            found += _workers_of(int(number))
    return found


NUM_CASES = {EXECUTOR: len(KILLS), ROOM: len(SIZES), RIGHTS: len(DENIED), WORKERS: 3}
