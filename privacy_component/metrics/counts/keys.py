"""Scores as integers that sort like them, and sorting these."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from privacy_component.errors import PrivacyInputError

_SIGN_BIT = np.int64(-(1 << 63))
_BLOCK = 1 << 15


def blocks(stop: int, start: int = 0) -> Iterator[slice]:
    """The range in parts whose temporary arrays stay in the processor's cache."""
    return (slice(i, min(i + _BLOCK, stop)) for i in range(start, stop, _BLOCK))


def score_keys(scores: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Order-preserving integer keys of float64 scores (n,); -0.0 and 0.0 are one score, infinities are allowed.

    Raises:
      PrivacyInputError: a score is NaN.
    """
    scores = np.asarray(scores, np.float64)
    keys = np.empty(len(scores), np.int64)
    missing = 0
    for part in blocks(len(scores)):
        values = scores[part] + 0.0
        missing += int(np.count_nonzero(np.isnan(values)))
        bits = values.view(np.int64)
        flipped = np.right_shift(bits, 63, out=keys[part])  # all bits of a negative score, only the sign of another
        flipped |= _SIGN_BIT
        flipped ^= bits
    if missing:
        raise PrivacyInputError(f'{missing} of {scores.size} scores are NaN: an attack must score every example.')
    return keys.view(np.uint64)


def scores_of(keys: NDArray[np.uint64]) -> NDArray[np.float64]:
    """The float64 scores (n,) that keys (n,) stand for: `score_keys` backwards."""
    bits = keys.view(np.int64)
    return (bits ^ (~np.right_shift(bits, 63) | _SIGN_BIT)).view(np.float64)


def most_bits(num_distinct: Callable[[int], int], bits: int, most: int) -> int:
    """The most leading bits, at most `bits`, that leave at most `most` distinct keys; found by bisection.

    Args:
      num_distinct: how many distinct keys so many leading bits leave; never fewer for more bits.
      bits: how many there are.
      most: >= 1.
    """
    low, high = 0, bits
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if num_distinct(middle) <= most else (low, middle - 1)
    return low


def leading_bits(bits: int) -> np.uint64:
    """The mask that keeps this many leading bits of a key."""
    return np.uint64(((1 << bits) - 1) << (64 - bits))


def sort_keys(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """The positions of keys (n,) in ascending order, and the keys in that order.

    np.argsort looks up two keys in memory for each comparison, which for millions of keys costs more than all else.
    Here each key's leading bits and its position share one integer, and plain sorting of these does nearly everything.
    """
    n = len(keys)
    position_bits = np.uint64(max(n - 1, 1).bit_length())
    packed = keys >> position_bits
    packed <<= position_bits
    for part in blocks(n):
        packed[part] |= np.arange(part.start, part.stop, dtype=np.uint64)
    packed.sort()
    packed &= (np.uint64(1) << position_bits) - np.uint64(1)
    order = packed.view(np.int64)
    ordered = keys[order]
    _sort_runs(order, ordered, position_bits)
    return order, ordered


def _sort_runs(order: NDArray[np.int64], ordered: NDArray[np.uint64], position_bits: np.uint64) -> None:
    """Puts keys that share their leading bits into order, in place; only the leading bits are in order so far."""
    leading = np.unique(ordered[:-1][ordered[1:] < ordered[:-1]] >> position_bits)
    starts = np.searchsorted(ordered, leading << position_bits)
    lengths = np.searchsorted(ordered, (leading + np.uint64(1)) << position_bits) - starts
    places = np.repeat(starts - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
    among = np.argsort(ordered[places])  # runs stay where they are, because their leading bits differ
    order[places], ordered[places] = order[places[among]], ordered[places[among]]
