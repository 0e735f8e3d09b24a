"""The executor in a process of its own, which can be killed, have no room to write, or lack rights."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apache_beam as beam
from tfx.dsl.io import fileio
from tfx.utils import io_utils

from privacy_component.beam import job
from tests.campaign.case import Outcome, Rig, run

Before = Callable[..., None]

_NOBODY = 65534


def start(root: Path, before: Before, *arguments: Any, **run_arguments: Any) -> multiprocessing.Process:
    """Starts an evaluation of the world in `root`; `before(*arguments)` is called first, in the new process."""
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['tests.campaign.child'])
    process = context.Process(target=_evaluate, args=(root, before, arguments, run_arguments))
    process.start()
    return process


def end_of(process: multiprocessing.Process, root: Path, timeout: float = 120) -> Outcome | None:
    """How the evaluation ended; None if the process was killed."""
    process.join(timeout)
    assert process.exitcode is not None, 'it is still running'
    if process.exitcode == -signal.SIGKILL:
        return None
    kind, said = json.loads((root / 'outcome.json').read_text())
    return Outcome(kind, said)


def _evaluate(root: Path, before: Before, arguments: tuple, run_arguments: dict[str, Any]) -> None:
    rig = Rig(root)
    with open(root / 'outcome.json', 'w') as file:  # opened before rights are given up
        before(*arguments)
        outcome = run(rig, **run_arguments)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        json.dump([outcome.kind, outcome.said], file)


def no_room(num_bytes: int) -> None:
    """Lets no file grow beyond this size, as a full disk would; what is logged may be a file of pytest's."""
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, resource.RLIM_INFINITY))


def without_rights() -> None:
    """Continues as a user who may write nothing."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)


def nothing() -> None:
    """An evaluation like any other."""


def workers_die() -> None:
    """Has every worker that gets a batch kill itself."""
    read = job.read_batches
    job.read_batches = lambda *args: read(*args) | 'Die' >> beam.Map(die)


def die(batch: Any) -> None:
    """Ends this process as the kernel does when memory is short."""
    os.kill(os.getpid(), signal.SIGKILL)


def killed_at(number: int, half: bool) -> None:
    """Has the process killed at its n-th operation on an output file: before it, or half-way through."""
    done = iter(range(number))
    write, rename = io_utils.write_string_file, fileio.rename

    def write_string_file(path: str, text: str) -> None:
        if next(done, None) is None:
            if half:
                write(path, text[: len(text) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        write(path, text)

    def rename_file(*args: Any, **kwargs: Any) -> None:
        if next(done, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        rename(*args, **kwargs)

    io_utils.write_string_file, fileio.rename = write_string_file, rename_file
