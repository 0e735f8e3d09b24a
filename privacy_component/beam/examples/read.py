"""From the files of the splits to batches of serialized examples, and on to Arrow."""

from __future__ import annotations

import dataclasses
import functools
import gzip
import inspect
import itertools
import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence

import apache_beam as beam
import numpy as np
import pandas as pd
import tensorflow as tf
from absl import logging
from apache_beam.metrics import Metrics
from numpy.typing import NDArray

from privacy_component.beam.examples.record_hashes import example_hashes
from privacy_component.beam.plan import Plan
from privacy_component.beam.underway import underway
from privacy_component.errors import PrivacyInputError

NAMESPACE = 'privacy_component'
BATCH_SIZE = 1024  # unless examples are fewer, or the config says another
_TOLD_EVERY = 1_000_000
_NODE = re.compile(r'\{\{.*?\}\}\s*')  # where in TensorFlow's graph it happened
_SMALLEST_GZIP = 18  # bytes of header and trailer
_SMALL_FILE = 1 << 20
_record_iterator = inspect.unwrap(tf.compat.v1.io.tf_record_iterator)  # its wrapper logs that there is tf.data
_FRAMING_BYTES = 16  # of each TFRecord: its length, and a checksum of the length and of the record


@dataclasses.dataclass(frozen=True, eq=False)
class RawBatch:
    """Some serialized examples of a split.

    Attributes:
      records: n serialized tf.Examples.
      is_member: (n,) bool, whether the model was trained on each.
      split: the split they are from.
      path: the file or files that they are from, in words.
    """

    records: list[bytes]
    is_member: NDArray[np.bool_]
    split: str
    path: str

    def select(self, rows: Sequence[int]) -> RawBatch:
        """Some of the records, in this order."""
        chosen = np.asarray(rows, np.int64)
        return RawBatch([self.records[row] for row in rows], self.is_member[chosen], self.split, self.path)

    @functools.cached_property
    def hashes(self) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        """(n,) hashes that do not depend on the order of features, and (n,) whether a record is a tf.Example at all."""
        return example_hashes(self.records)

    @property
    def example_id(self) -> NDArray[np.uint64]:
        """(n,) the one identity that an example has in folds, samples, fingerprints and reports.

        Writing equal examples again, in another order of features, changes none of them.
        """
        hashes, is_example = self.hashes
        return hashes if is_example.all() else np.where(is_example, hashes, _hashes_of_bytes(self.records))


def _hashes_of_bytes(records: list[bytes]) -> NDArray[np.uint64]:
    """(n,) hashes of what TensorFlow may still take for an example, but is not written as one."""
    objects = np.empty(len(records), object)
    objects[:] = records
    return pd.util.hash_array(objects, categorize=False)


def read_batches(root: beam.Pipeline, plan: Plan) -> beam.PCollection:
    """Every record of every file but canaries, in batches of the plan's size; the last of a group may be smaller."""
    groups = [
        (paths, split.split, split.is_member)
        for split in plan.splits
        for paths in split.groups or [(path,) for path in split.paths]
    ]
    batches = (
        root
        | 'Files' >> beam.Create(groups, reshuffle=False)
        | 'SpreadFiles' >> beam.Reshuffle()
        | 'ReadFiles' >> beam.FlatMap(_read_and_tell, plan.compression, plan.batch_size)
    )
    return batches | 'LeaveOutCanaries' >> beam.FlatMap(_without, _sorted(plan.canaries)) if plan.canaries else batches


def _sorted(ids: frozenset[int]) -> NDArray[np.uint64]:
    return np.array(sorted(ids), np.uint64)


def _without(batch: RawBatch, left_out: NDArray[np.uint64]) -> Iterator[RawBatch]:
    """The examples of a batch but for some, by their ids; nothing if there are no others."""
    kept = ~np.isin(batch.example_id, left_out)
    if kept.any():
        yield batch if kept.all() else batch.select(np.flatnonzero(kept).tolist())


def _read_and_tell(group: tuple[Sequence[str], str, bool], compression: str, batch_size: int) -> Iterator[RawBatch]:
    """The batches of a group of files; counts its examples, and logs how far it is."""
    paths, split, is_member = group
    counter = Metrics.counter(NAMESPACE, f'examples_read_{split}')
    num_read = 0
    for batch in read_files(paths, split, is_member, compression, batch_size):
        counter.inc(len(batch.records))
        num_read += len(batch.records)
        if num_read % _TOLD_EVERY < len(batch.records):
            logging.info('Read %d examples of %s so far.', num_read, named(paths))
        yield batch
    logging.info('Read all %d examples of %s.', num_read, named(paths))


def read_files(
    paths: Sequence[str], split: str, is_member: bool, compression: str, batch_size: int = BATCH_SIZE
) -> Iterator[RawBatch]:
    """The batches of some TFRecord files, one file after the other; a batch may hold records of several.

    Raises:
      PrivacyInputError: a file is missing, damaged or cut short; the message names it.
    """
    waiting: list[bytes] = []
    sources: dict[str, None] = {}
    for path in paths:
        for records in read_records(path, compression, batch_size):
            waiting += records
            sources[path] = None
            while len(waiting) >= batch_size:
                yield _batch(waiting[:batch_size], split, is_member, sources)
                waiting = waiting[batch_size:]
                sources = {path: None} if waiting else {}
    if waiting:
        yield _batch(waiting, split, is_member, sources)


def _batch(records: list[bytes], split: str, is_member: bool, sources: Iterable[str]) -> RawBatch:
    return RawBatch(records, np.full(len(records), is_member), split, named(tuple(sources)))


def named(paths: Sequence[str]) -> str:
    """The files that a batch is of, in words."""
    return paths[0] if len(paths) == 1 else f'{paths[0]} or the {len(paths) - 1} files up to {paths[-1]}'


def read_records(path: str, compression: str, at_once: int) -> Iterator[list[bytes]]:
    """The records of one TFRecord file, some at once.

    Raises:
      PrivacyInputError: the file is missing, damaged or cut short; the message names it.
    """
    num_bytes = 0
    try:
        batches = _some_at_once(path, compression, at_once)
        while (records := _next(batches, path)) is not None:
            num_bytes += sum(map(len, records)) + _FRAMING_BYTES * len(records)
            yield records
    except tf.errors.OpError as error:
        raise unreadable(path, error.message) from error
    _check_whole(path, compression, num_bytes)


def _some_at_once(path: str, compression: str, at_once: int) -> Iterator[list[bytes]]:
    """A file's records by tf.data; a small file's without it, because setting it up takes longer than reading them."""
    if tf.io.gfile.stat(path).length > _SMALL_FILE:
        dataset = tf.data.TFRecordDataset(path, compression).batch(at_once).prefetch(1)
        yield from (batch.tolist() for batch in dataset.as_numpy_iterator())
        return
    records = _record_iterator(path, tf.io.TFRecordOptions(compression or None))
    while some := list(itertools.islice(records, at_once)):
        yield some


def _next(batches: Iterator[list[bytes]], path: str) -> list[bytes] | None:
    with underway(f'reading the example file {path}'):
        return next(batches, None)


def unreadable(path: str, why: str) -> PrivacyInputError:
    """The error for an example file that cannot be read to its end."""
    why = _NODE.sub('', why)
    return PrivacyInputError(
        f'the example file {path} cannot be read ({why[:160]}): it is damaged or cut short. Run the component that '
        'wrote it again.'
    )


def _check_whole(path: str, compression: str, num_bytes: int) -> None:
    """TensorFlow takes a file that stops between two records, or within a record's first 12 bytes, for a whole one.

    Args:
      path: the file.
      compression: 'GZIP' or ''.
      num_bytes: how many uncompressed bytes were read as records.
    """
    with tf.io.gfile.GFile(path, 'rb') as file:
        size = file.size()
        file.seek(max(size - 4, 0))
        trailer = file.read(4)
    if compression != 'GZIP':
        if size != num_bytes:
            raise unreadable(path, f'{size - num_bytes} bytes at its end are no record')
        return
    if size < _SMALLEST_GZIP:
        raise unreadable(path, 'it is empty' if not size else f'{size} bytes are less than a gzip header and trailer')
    # The last four bytes hold the number of uncompressed bytes, unless the file consists of several gzip members.
    if num_bytes and struct.unpack('<I', trailer)[0] == num_bytes % 2**32:
        return
    if _gzip_size(path) != num_bytes:
        raise unreadable(path, 'the compressed data end early')


def _gzip_size(path: str) -> int | None:
    """The number of uncompressed bytes; None if the file is no whole gzip file."""
    num_bytes = 0
    try:
        with tf.io.gfile.GFile(path, 'rb') as raw, gzip.GzipFile(fileobj=raw) as file:
            while block := file.read(1 << 20):
                num_bytes += len(block)
    except (OSError, EOFError, zlib.error):
        return None
    return num_bytes
