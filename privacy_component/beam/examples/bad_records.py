"""Records that cannot be read: found by halving, dropped, counted, and too many of them refused."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0 import schema_pb2

from privacy_component.beam.examples.read import RawBatch
from privacy_component.errors import PrivacyInputError

BAD_RECORDS = 'bad_records'

_KINDS = {
    'int64_list': schema_pb2.INT,
    'float_list': schema_pb2.FLOAT,
    'bytes_list': schema_pb2.BYTES,
}


def without_bad(
    batch: RawBatch,
    call: Callable[[RawBatch], Any],
    may_drop: Callable[[PrivacyInputError], bool] = lambda error: True,
) -> RawBatch:
    """The batch without the records that `call` raises a PrivacyInputError for, found by halving.

    The whole batch if it fails but none of its records does so alone.

    Raises:
      PrivacyInputError: `may_drop` says no to the error of a record alone; it says how many there are.
    """
    found = dict(_bad(batch, range(len(batch.records)), call))
    kept = [error for error in found.values() if not may_drop(error)]
    if kept:
        raise PrivacyInputError(
            f'{len(kept)} of {len(batch.records)} records of a batch of {batch.path} are whole tf.Examples, and yet '
            f'the model fails on them: {kept[0]} PrivacyConfig.measurement.max_bad_record_share is for records that '
            'cannot be parsed; without those on which the model fails, the figures would be of other people.'
        )
    return batch.select([row for row in range(len(batch.records)) if row not in found])


def _bad(batch: RawBatch, part: range, call: Callable[[RawBatch], Any]) -> Iterator[tuple[int, PrivacyInputError]]:
    if not part:
        return
    try:
        call(batch.select(part))
    except PrivacyInputError as error:
        middle = len(part) // 2
        if not middle:
            yield part.start, error
            return
        yield from _bad(batch, part[:middle], call)
        yield from _bad(batch, part[middle:], call)


def check_share(most: float, num_examples: Mapping[str, int], bad: Mapping[str, int]) -> None:
    """Refuses too many bad records.

    Args:
      most: the largest share allowed, PrivacyConfig.measurement.max_bad_record_share.
      num_examples: how many were read, by split.
      bad: how many were dropped, by split.

    Raises:
      PrivacyInputError: a split has more than that share.
    """
    for split, dropped in sorted(bad.items()):
        total = dropped + num_examples.get(split, 0)
        if dropped > most * total:
            raise PrivacyInputError(
                f"{dropped:,} of {total:,} records of the split '{split}' cannot be parsed, a share of "
                f'{dropped / total:.2g}: PrivacyConfig.measurement.max_bad_record_share allows {most:g}. Run the '
                'component that wrote them again, or raise it.'
            )


def only_examples(batch: RawBatch) -> RawBatch:
    """The records that are tf.Examples."""
    return batch.select([row for row, record in enumerate(batch.records) if _as_example(record) is not None])


def usual_types(samples: Sequence[RawBatch]) -> dict[str, int]:
    """The TFMD type that most of the records have for each feature."""
    seen: dict[str, collections.Counter[int]] = collections.defaultdict(collections.Counter)
    for sample in samples:
        for name, kind in _types_in(sample.records):
            seen[name][kind] += 1
    return {name: kinds.most_common(1)[0][0] for name, kinds in seen.items()}


def _types_in(records: Iterable[bytes]) -> Iterable[tuple[str, int]]:
    for record in records:
        example = _as_example(record) or tf.train.Example()
        for name, feature in example.features.feature.items():
            if feature.WhichOneof('kind'):
                yield name, _KINDS[feature.WhichOneof('kind')]


def _as_example(record: bytes) -> tf.train.Example | None:
    try:
        return tf.train.Example.FromString(record)
    except DecodeError:
        return None
