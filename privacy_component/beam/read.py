"""From the files of the splits to batches of serialized examples, and on to Arrow."""

from __future__ import annotations

import dataclasses
import gzip
import struct
from collections.abc import Iterable, Iterator

import apache_beam as beam
import tensorflow as tf
from absl import logging
from apache_beam.metrics import Metrics

from privacy_component.beam.plan import SplitFiles
from privacy_component.errors import PrivacyInputError

NAMESPACE = 'privacy_component'
BATCH_SIZE = 1024
_TOLD_EVERY = 1_000_000
_FRAMING_BYTES = 16  # of each TFRecord: its length, and a checksum of the length and of the record


@dataclasses.dataclass(frozen=True)
class RawBatch:
    """Some serialized examples of one file.

    Attributes:
      records: serialized tf.Examples.
      is_member: whether the model was trained on them.
      split: the split they are from.
      path: the file they are from.
    """

    records: list[bytes]
    is_member: bool
    split: str
    path: str


def read_batches(root: beam.Pipeline, splits: Iterable[SplitFiles], compression: str) -> beam.PCollection:
    """Every record of every file, in batches of BATCH_SIZE; the last of a file may be smaller."""
    files = [(path, split.split, split.is_member) for split in splits for path in split.paths]
    return (
        root
        | 'Files' >> beam.Create(files, reshuffle=False)
        | 'SpreadFiles' >> beam.Reshuffle()
        | 'ReadFile' >> beam.FlatMap(_read_and_tell, compression)
    )


def _read_and_tell(file: tuple[str, str, bool], compression: str) -> Iterator[RawBatch]:
    """The batches of a file; counts its examples, and logs how far it is."""
    path, split, is_member = file
    counter = Metrics.counter(NAMESPACE, f'examples_read_{split}')
    num_read = 0
    for batch in read_file(path, split, is_member, compression):
        counter.inc(len(batch.records))
        num_read += len(batch.records)
        if num_read % _TOLD_EVERY < len(batch.records):
            logging.info('Read %d examples of %s so far.', num_read, path)
        yield batch
    logging.info('Read all %d examples of %s.', num_read, path)


def read_file(path: str, split: str, is_member: bool, compression: str) -> Iterator[RawBatch]:
    """The batches of one TFRecord file.

    Raises:
      PrivacyInputError: the file is missing, damaged or cut short; the message names it.
    """
    dataset = tf.data.TFRecordDataset(path, compression).batch(BATCH_SIZE).prefetch(1)
    num_bytes = 0
    try:
        for records in dataset.as_numpy_iterator():
            batch = RawBatch(records.tolist(), is_member, split, path)
            num_bytes += sum(map(len, batch.records)) + _FRAMING_BYTES * len(batch.records)
            yield batch
    except tf.errors.OpError as error:
        raise unreadable(path, error.message) from error
    if compression == 'GZIP':
        _check_whole(path, num_bytes)


def unreadable(path: str, why: str) -> PrivacyInputError:
    """The error for an example file that cannot be read to its end."""
    return PrivacyInputError(
        f'the example file {path} cannot be read ({why[:160]}): it is damaged or cut short. Run the component that '
        'wrote it again.'
    )


def _check_whole(path: str, num_bytes: int) -> None:
    """A gzip file that was cut between two records reads without an error; its last four bytes tell.

    They hold the number of uncompressed bytes, unless the file consists of several gzip members.
    """
    with tf.io.gfile.GFile(path, 'rb') as file:
        file.seek(max(file.size() - 4, 0))
        trailer = file.read(4)
    if len(trailer) < 4:
        raise unreadable(path, 'it is empty')
    whole = struct.unpack('<I', trailer)[0] == num_bytes % 2**32
    if not whole and not _is_whole_gzip(path):
        raise unreadable(path, 'the compressed data end early')


def _is_whole_gzip(path: str) -> bool:
    try:
        with tf.io.gfile.GFile(path, 'rb') as raw, gzip.GzipFile(fileobj=raw) as file:
            while file.read(1 << 20):
                pass
    except (OSError, EOFError):
        return False
    return True
