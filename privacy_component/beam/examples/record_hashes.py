"""Hashes of serialized examples that do not depend on the order of their features.

A tf.Example is a map from names to values, and the order in which a map is written is nobody's promise. Decoding every
example to compare it would cost more than all the rest of the job, so the hash is made of the bytes: the entries of the
map are found in all records of a batch at once, hashed one by one, and their hashes added up. Two writers who encode
the same values differently (packed or not) give different hashes; what one writer wrote is compared rightly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from tensorflow.core.example import example_pb2

from privacy_component.hashing import mix

_TAG_1_BYTES = 0x0A  # of tf.Example.features, and of an entry of tf.Features.feature
_WORD = 8
PADDING = 16  # behind what is hashed
_LONGEST_VARINT = 5
_WORDS_AT_ONCE = 1 << 15
_LAST_BYTES = np.array([0, *((1 << 8 * n) - 1 for n in range(1, _WORD)), 2**64 - 1], np.uint64)


def example_hashes(records: Sequence[bytes]) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """As `feature_hashes`; what is a tf.Example in another frame, with unknown fields say, is written anew first."""
    hashes, readable = feature_hashes(records)
    rewritten = {
        i: record for i in np.flatnonzero(~readable).tolist() if (record := _rewritten(records[i])) is not None
    }
    if rewritten:
        rows = np.array(list(rewritten))
        hashes[rows], readable[rows] = feature_hashes(list(rewritten.values()))
    return hashes, readable


def _rewritten(record: bytes) -> bytes | None:
    try:
        example = example_pb2.Example.FromString(record)
    except (DecodeError, SystemError):  # the latter where the warning that the rest was not parsed is an error
        return None
    if example.ByteSize() != len(record):
        return None
    example.DiscardUnknownFields()
    return bytes(example.SerializeToString(deterministic=True))


def feature_hashes(records: Sequence[bytes]) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """(n,) hashes of n serialized tf.Examples, well mixed; and (n,) whether each is one, as far as its frame tells."""
    buffer, entries, readable = framed_entries(records)
    sums = np.zeros(len(records), np.uint64)
    if entries:
        begin, size = (np.concatenate(parts) for parts in list(zip(*entries, strict=True))[1:])
        cuts = np.cumsum([len(rows) for rows, _, _ in entries])[:-1]
        for (rows, _, _), hashes in zip(entries, np.split(hash_parts(buffer, begin, size), cuts), strict=True):
            sums[rows] += hashes  # a record has one entry at most in each
    return mix(sums), readable


def framed_entries(
    records: Sequence[bytes],
) -> tuple[NDArray[np.uint8], list[tuple[NDArray, NDArray, NDArray]], NDArray[np.bool_]]:
    """N serialized tf.Examples on end, their map entries as `map_entries` has them, and (n,) which of them are read."""
    buffer = np.frombuffer(b''.join([*records, bytes(PADDING)]), np.uint8)
    lengths = np.fromiter(map(len, records), np.int64, len(records))
    end = np.cumsum(lengths)
    position = end - lengths
    readable = np.ones(len(records), bool)
    filled = np.flatnonzero(lengths)
    start, stop, fits = field_at(buffer, position[filled], end[filled])
    readable[filled] = fits & (stop == end[filled])
    position[filled] = start
    entries = map_entries(buffer, position, end, readable)
    return buffer, entries, readable


def map_entries(
    buffer: NDArray, position: NDArray, end: NDArray, readable: NDArray
) -> list[tuple[NDArray, NDArray, NDArray]]:
    """The first map entry of every record, then the second ...: records, where entries begin, their sizes."""
    found = []
    rows = np.flatnonzero(readable & (position < end))
    while len(rows):
        begin, stop, fits = field_at(buffer, position[rows], end[rows])
        readable[rows[~fits]] = False
        rows, begin, stop = rows[fits], begin[fits], stop[fits]
        found.append((rows, begin, stop - begin))
        position[rows] = stop
        rows = rows[stop < end[rows]]
    return found


def field_at(
    buffer: NDArray, position: NDArray, end: NDArray, tag: int = _TAG_1_BYTES
) -> tuple[NDArray, NDArray, NDArray]:
    """Where the field at each position has its content, where that ends, and whether it is one and ends in time."""
    fits = buffer[np.minimum(position, len(buffer) - 1)] == tag
    size, at = np.zeros(len(position), np.int64), position + 1
    reading = np.ones(len(position), bool)
    for i in range(_LONGEST_VARINT):
        byte = buffer[np.minimum(at, len(buffer) - 1)].astype(np.int64)
        size += np.where(reading, (byte & 0x7F) << 7 * i, 0)
        at += reading
        reading &= byte >= 0x80
        if not reading.any():
            break
    return at, at + size, fits & ~reading & (at + size <= end)


def hash_parts(buffer: NDArray, begin: NDArray, size: NDArray) -> NDArray[np.uint64]:
    """(k,) hashes of k parts of the buffer; in blocks, as they may be large."""
    words = np.maximum((size + _WORD - 1) // _WORD, 1)
    block = (np.cumsum(words) - words) // _WORDS_AT_ONCE
    cuts = np.flatnonzero(np.diff(block)) + 1
    parts = zip(*(np.split(values, cuts) for values in (begin, size, words)), strict=True)
    return np.concatenate([_hash_block(buffer, *part) for part in parts])


def _hash_block(buffer: NDArray, begin: NDArray, size: NDArray, words: NDArray) -> NDArray[np.uint64]:
    # A word of eight bytes at every position of the buffer, aligned or not; nothing is copied.
    at: NDArray[np.uint64] = np.ndarray((len(buffer) - _WORD + 1,), '<u8', buffer.data, strides=(1,))
    first = np.cumsum(words) - words
    number = np.arange(words.sum()) - np.repeat(first, words)
    values = at[np.repeat(begin, words) + _WORD * number]
    values[first + words - 1] &= _LAST_BYTES[size - _WORD * (words - 1)]
    values += mix(np.arange(int(words.max()), dtype=np.uint64), 1)[number]
    sums: NDArray[np.uint64] = np.add.reduceat(mix(values), first)
    return mix(sums + size.astype(np.uint64), 2)
