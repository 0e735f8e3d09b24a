"""The teachers of PATE as a Beam job: each learns and votes where a worker is free."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from numpy.typing import NDArray

from privacy_component.beam.surfaced_errors import surfacing

Part = tuple[Any, NDArray]
Vote = Callable[[Part], NDArray[np.int64]]


def votes_in_beam(
    vote: Vote,
    parts: Iterator[Part],
    shape: tuple[int, int],
    beam_pipeline_args: Sequence[str],
    temp_dir: str | None = None,
) -> NDArray[np.int64]:
    """Runs a job of one teacher an element, and counts its votes.

    What travels is each teacher's part of the private data, and counts; the counts are read once and deleted, for votes
    without noise are private.

    Args:
      vote: (inputs, labels) of a part -> (q,) class numbers; pickled, as Beam does.
      parts: what the teachers learn from.
      shape: (q, classes).
      beam_pipeline_args: of the runner.
      temp_dir: a folder that this process and all workers can reach; by default one of this machine.

    Returns:
      (q, classes), integers, so the same whatever the order of the teachers.
    """
    with tempfile.TemporaryDirectory() as local:
        path = FileSystems.join(temp_dir or local, f'votes-{np.random.default_rng().integers(2**62):x}')
        try:
            with surfacing(), beam.Pipeline(options=PipelineOptions(list(beam_pipeline_args))) as root:
                _ = (
                    root
                    | 'Parts' >> beam.Create(parts, reshuffle=False)
                    | 'SpreadTeachers' >> beam.Reshuffle()
                    | 'Vote' >> beam.Map(lambda part: one_hot(vote(part), shape))
                    | 'Count' >> beam.CombineGlobally(functools.partial(_total, shape=shape))
                    | 'Write' >> beam.Map(_write, path)
                )
            with FileSystems.open(path) as file:
                return np.frombuffer(file.read(), np.int64).reshape(shape)
        finally:
            if FileSystems.exists(path):
                FileSystems.delete([path])


def one_hot(classes: NDArray[np.int64], shape: tuple[int, int]) -> NDArray[np.int64]:
    """(q, classes) 1 for each query's class."""
    votes = np.zeros(shape, np.int64)
    votes[np.arange(shape[0]), classes] = 1
    return votes


def _total(counts: Iterable[NDArray[np.int64]], shape: tuple[int, int]) -> NDArray[np.int64]:
    return functools.reduce(np.add, counts, np.zeros(shape, np.int64))


def _write(counts: NDArray[np.int64], path: str) -> None:
    with FileSystems.create(path) as file:
        file.write(counts.tobytes())
