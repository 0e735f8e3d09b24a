"""The float values in serialized examples, found and replaced where they stand.

A packed float takes four bytes whatever its value, so a copy of an example with other floats is as long, and nothing
has to be parsed or written anew: all of a batch are read and replaced at once. All else is left as it is, to the byte.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tensorflow.core.example import example_pb2

from privacy_component.beam.examples.record_hashes import PADDING, field_at, framed_entries, hash_parts

_TAG_VALUE = 0x12  # of the value of an entry of tf.Features.feature
_TAG_FLOAT_LIST = 0x12  # of tf.Feature.float_list
_BYTES = 4


@dataclasses.dataclass(frozen=True, eq=False)
class FloatValues:
    """The values of some float features in n serialized examples.

    Attributes:
      row: (v,) the example of each value.
      feature: (v,) the place of its feature among those asked for.
      place: (v,) its place within the feature.
      values: (v,) float32.
    """

    row: NDArray[np.int64]
    feature: NDArray[np.int64]
    place: NDArray[np.int64]
    values: NDArray[np.float32]
    _buffer: NDArray[np.uint8]
    _at: NDArray[np.int64]
    _edges: tuple[int, ...]

    @classmethod
    def of(cls, records: Sequence[bytes], names: Sequence[str]) -> FloatValues:
        """The values of the features of these names; a feature that is absent or holds no floats has none.

        What is written in another way than writers of examples do, not packed say, is written anew first.
        """
        spans = _spans(records)
        odd = np.unique(spans.row[spans.is_odd]).tolist() + np.flatnonzero(~spans.readable).tolist()
        if odd:
            rewritten = {row: _written_anew(records[row]) for row in odd}
            records = [rewritten.get(row, record) for row, record in enumerate(records)]
            spans = _spans(records)
        feature = _feature_of(spans, names)
        wanted = np.flatnonzero((feature >= 0) & spans.holds_floats)
        counts = (spans.stop[wanted] - spans.start[wanted]) // _BYTES
        which = np.repeat(wanted, counts)
        place = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        at = spans.start[which] + _BYTES * place
        edges = tuple(np.cumsum([0, *map(len, records)]).tolist())
        values = _floats(spans.buffer)[at]
        return cls(spans.row[which], feature[which], place, values, spans.buffer, at, edges)

    def replaced(self, values: NDArray[np.float32]) -> list[bytes]:
        """The n examples with other values, (v,) float32, in the place of these."""
        buffer = self._buffer.copy()
        _floats(buffer)[self._at] = values
        text = buffer.tobytes()
        return [text[a:b] for a, b in itertools.pairwise(self._edges)]


class _Spans(NamedTuple):
    """Where the features of n serialized examples stand, one after the other.

    Attributes:
      buffer: the examples on end.
      readable: (n,) whether an example is written as usual, as far as its frame tells.
      row: (e,) whose the feature is.
      key, key_end: (e,) its name.
      start, stop: (e,) its floats.
      holds_floats: (e,) whether it has any.
      is_odd: (e,) whether it is written in another way than usual, so that all this is not known.
    """

    buffer: NDArray[np.uint8]
    readable: NDArray[np.bool_]
    row: NDArray[np.int64]
    key: NDArray[np.int64]
    key_end: NDArray[np.int64]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    holds_floats: NDArray[np.bool_]
    is_odd: NDArray[np.bool_]


def _spans(records: Sequence[bytes]) -> _Spans:
    buffer, entries, readable = framed_entries(records)
    nothing = (np.zeros(0, np.int64),) * 3
    row, begin, size = (np.concatenate(parts) for parts in zip(*entries, strict=True)) if entries else nothing
    end = begin + size
    key, key_end, has_key = field_at(buffer, begin, end)
    value, value_end, has_value = field_at(buffer, key_end, end, _TAG_VALUE)
    some, some_end, is_list = field_at(buffer, value, value_end, _TAG_FLOAT_LIST)
    start, stop, is_packed = field_at(buffer, some, some_end)
    is_usual = has_key & ((key_end == end) | (has_value & (value_end == end)))
    has_floats = is_usual & has_value & is_list & (value < value_end) & (some < some_end)
    fits = is_packed & (stop == some_end) & (some_end == value_end) & ((stop - start) % _BYTES == 0)
    return _Spans(buffer, readable, row, key, key_end, start, stop, has_floats & fits, ~is_usual | (has_floats & ~fits))


def _written_anew(record: bytes) -> bytes:
    example = example_pb2.Example.FromString(record)
    example.DiscardUnknownFields()
    return bytes(example.SerializeToString(deterministic=True))


def _feature_of(spans: _Spans, names: Sequence[str]) -> NDArray[np.int64]:
    """(e,) the place of each feature's name among those asked for, -1 for none of them."""
    if not len(spans.key) or not names:
        return np.full(len(spans.key), -1)
    wanted = [name.encode() for name in names]
    lengths = np.array([len(name) for name in wanted])
    text = np.frombuffer(b''.join([*wanted, bytes(PADDING)]), np.uint8)
    hashes = hash_parts(text, np.cumsum(lengths) - lengths, lengths)
    found = hash_parts(spans.buffer, spans.key, spans.key_end - spans.key)
    order = np.argsort(hashes)
    at = np.minimum(np.searchsorted(hashes[order], found), len(wanted) - 1)
    return np.where(hashes[order][at] == found, order[at], -1)


def _floats(buffer: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A float at every position of the buffer, aligned or not; nothing is copied."""
    return np.ndarray((len(buffer) - _BYTES + 1,), '<f4', buffer.data, strides=(1,))
