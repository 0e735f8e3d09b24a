"""The Beam job of CanaryInjector: a look at the examples, and then a copy of their files with canaries in them.

A file is copied record by record, as ReadFromTFRecord and WriteToTFRecord would not do: which record goes into which
file, and where, is then the same on every runner, and a copy that is made twice is the same copy.
"""

from __future__ import annotations

import dataclasses
import heapq
import io
import itertools
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence

import apache_beam as beam
import numpy as np
import tensorflow as tf
from apache_beam.metrics import Metrics
from numpy.typing import NDArray

from privacy_component.beam.examples.read import BATCH_SIZE, NAMESPACE, RawBatch, read_files
from privacy_component.component.compat import io_utils
from privacy_component.errors import PrivacyInputError
from privacy_component.hashing import fingerprint

Pool = tuple[tuple[int, bytes], ...]
_PLACE_BYTES = 8


@dataclasses.dataclass(frozen=True)
class Seen:
    """What some examples are.

    Attributes:
      num_examples: by file.
      fingerprint: of all of them, as `hashing.fingerprint` makes it.
      pool: (hash, record) of the different examples with the smallest hashes, ascending.
    """

    num_examples: Mapping[str, int]
    fingerprint: int
    pool: Pool

    @classmethod
    def of(cls, batch: RawBatch, path: str, pool_size: int) -> Seen:
        """A batch from a file."""
        ids = batch.example_id
        order = np.argsort(ids, kind='stable')[:pool_size]
        pool = _first(((int(ids[row]), batch.records[row]) for row in order), pool_size)
        return cls({path: len(ids)}, fingerprint(ids), pool)

    def to_json(self) -> str:
        """As text; records in Latin-1, which has a letter for each byte."""
        pool = [(number, record.decode('latin-1')) for number, record in self.pool]
        return json.dumps([self.num_examples, self.fingerprint, pool])

    @classmethod
    def from_json(cls, text: str) -> Seen:
        """What `to_json` wrote."""
        num_examples, total, pool = json.loads(text)
        return cls(num_examples, total, tuple((number, record.encode('latin-1')) for number, record in pool))


@dataclasses.dataclass(frozen=True)
class Copy:
    """A file to write.

    Attributes:
      source: the file that is copied; '' for none.
      target: where it goes.
      compression: 'GZIP' or ''.
      inserted: the file, by `write_inserted`, of what goes into it; '' for none.
      known: the file, by `write_known`, of what the source is looked through for; '' where it is copied as it is.
    """

    source: str
    target: str
    compression: str
    inserted: str = ''
    known: str = ''


def write_inserted(path: str, inserted: Sequence[tuple[int, bytes]]) -> None:
    """Writes what goes into a file, so that the graph need not carry it: canaries are large, and their side secret.

    Args:
      path: where to.
      inserted: (place, record): before which record of the source, counted from 0, each goes; ascending.
    """
    with tf.io.TFRecordWriter(path) as writer:
        for place, record in inserted:
            writer.write(place.to_bytes(_PLACE_BYTES, 'big') + record)


def write_known(path: str, canaries: Iterable[int], taken: Iterable[int]) -> None:
    """Writes hashes: of all canaries, which no example may have, and of examples that are left out."""
    buffer = io.BytesIO()
    np.savez(buffer, canaries=np.array(sorted(canaries), np.uint64), taken=np.array(sorted(taken), np.uint64))
    with tf.io.gfile.GFile(path, 'wb') as file:
        file.write(buffer.getvalue())


def look_at(root: beam.Pipeline, paths: Sequence[str], compression: str, pool_size: int, path: str) -> None:
    """Adds to a pipeline: what the files hold, as the JSON of a `Seen` in the file `path`."""
    _ = (
        root
        | 'Files' >> beam.Create(paths, reshuffle=False)
        | 'SpreadFiles' >> beam.Reshuffle()
        | 'Look' >> beam.FlatMap(_look, compression, pool_size)
        | 'Merge' >> beam.CombineGlobally(_merge, pool_size).without_defaults()
        | 'Write' >> beam.Map(lambda seen, to: io_utils.write_string_file(to, seen.to_json()), path)
    )


def write_copies(root: beam.Pipeline, copies: Sequence[Copy], folder: str) -> None:
    """Adds to a pipeline: all the files.

    Args:
      root: of the pipeline.
      copies: what is written.
      folder: for files that are being written.
    """
    _ = (
        root
        | 'Copies' >> beam.Create(copies, reshuffle=False)
        | 'SpreadCopies' >> beam.Reshuffle()
        | 'Copy' >> beam.Map(_copy, folder)
    )


def _look(path: str, compression: str, pool_size: int) -> Iterator[Seen]:
    for batch in read_files((path,), '', True, compression):
        yield Seen.of(batch, path, pool_size)


def _merge(parts: Iterable[Seen], pool_size: int) -> Seen:
    num_examples: dict[str, int] = {}
    total, pool = 0, Pool()
    for part in parts:
        for path, number in part.num_examples.items():
            num_examples[path] = num_examples.get(path, 0) + number
        total += part.fingerprint
        pool = _first(heapq.merge(pool, part.pool), pool_size)
    return Seen(num_examples, total % 2**64, pool)


def _first(pairs: Iterable[tuple[int, bytes]], pool_size: int) -> Pool:
    """The first of ascending pairs, one of each hash."""
    different = (next(same) for _, same in itertools.groupby(pairs, lambda pair: pair[0]))
    return tuple(itertools.islice(different, pool_size))


def _copy(copy: Copy, folder: str) -> None:
    """Writes a file under a name of its own first, so that a bundle that is run twice does no harm."""
    part = f'{folder}/{uuid.uuid4().hex}'
    tf.io.gfile.makedirs(folder)
    if copy.source and not copy.inserted and not copy.known:
        tf.io.gfile.copy(copy.source, part)
    else:
        with tf.io.TFRecordWriter(part, copy.compression) as writer:
            for record in _records(copy):
                writer.write(record)
    tf.io.gfile.makedirs(copy.target.rpartition('/')[0])
    tf.io.gfile.rename(part, copy.target, overwrite=True)
    Metrics.counter(NAMESPACE, 'example_files_written').inc()


def _records(copy: Copy) -> Iterator[bytes]:
    """The records of the source without what is taken, and with what is inserted; some of them in memory at a time.

    Raises:
      PrivacyInputError: an example of the source is a canary.
    """
    inserted = _inserted(copy.inserted) if copy.inserted else iter(())
    upcoming = next(inserted, None)
    canaries, taken = _known(copy.known) if copy.known else (np.zeros(0, np.uint64),) * 2
    place = 0
    for batch in read_files((copy.source,), '', True, copy.compression, BATCH_SIZE) if copy.source else ():
        _check_none_is_a_canary(np.isin(batch.example_id, canaries), copy.source)
        kept = ~np.isin(batch.example_id, taken)
        for record, is_kept in zip(batch.records, kept.tolist(), strict=True):
            while upcoming is not None and upcoming[0] <= place:
                yield upcoming[1]
                upcoming = next(inserted, None)
            if is_kept:
                yield record
            place += 1
    while upcoming is not None:
        yield upcoming[1]
        upcoming = next(inserted, None)


def _inserted(path: str) -> Iterator[tuple[int, bytes]]:
    for record in tf.compat.v1.io.tf_record_iterator(path):
        yield int.from_bytes(record[:_PLACE_BYTES], 'big'), record[_PLACE_BYTES:]


def _known(path: str) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    with tf.io.gfile.GFile(path, 'rb') as file, np.load(io.BytesIO(file.read())) as hashes:
        return hashes['canaries'], hashes['taken']


def _check_none_is_a_canary(is_canary: NDArray[np.bool_], path: str) -> None:
    if is_canary.any():
        raise PrivacyInputError(
            f'{int(is_canary.sum()):,} examples of {path} are the same as a canary, so that nobody could tell '
            'whether it is in: they may be canaries of an earlier audit, which have to be taken out. Else take another '
            'CanaryConfig.value or design.'
        )
