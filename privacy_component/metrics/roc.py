"""RocCounts: all that an attack's scores say about membership, in a form that merges by adding integers."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from privacy_component.errors import PrivacyInputError
from privacy_component.rows import all_rows

_SIGN_BIT = np.int64(-(1 << 63))
_BLOCK = 1 << 15


@dataclasses.dataclass(frozen=True, eq=False)
class RocCounts:
    """For each distinct score, how many members and non-members have it.

    Merging adds integers, so any partition, order or retry of the data gives the same bits.

    Attributes:
      keys: (k,) uint64, ascending and distinct; the score's bits, in the score's order.
      members: (k,) int64.
      non_members: (k,) int64.
      bits: how many leading bits of the keys were kept; scores that differ only in the others count as tied.
    """

    keys: NDArray[np.uint64]
    members: NDArray[np.int64]
    non_members: NDArray[np.int64]
    bits: int = 64

    @property
    def num_members(self) -> int:
        """How many members were scored."""
        return int(self.members.sum())

    @property
    def num_non_members(self) -> int:
        """How many non-members were scored."""
        return int(self.non_members.sum())


@dataclasses.dataclass(frozen=True, eq=False)
class SortedScores:
    """All rows of one attack in the order of their scores: sorted once, then counted in any slicing in linear time.

    Attributes:
      order: (n,) int64, row numbers by ascending score.
      keys: (n,) uint64, ascending.
      is_member: (n,) bool, in the same order.
    """

    order: NDArray[np.int64]
    keys: NDArray[np.uint64]
    is_member: NDArray[np.bool_]

    @classmethod
    def of(cls, keys: NDArray[np.uint64], is_member: NDArray[np.bool_]) -> SortedScores:
        """From score keys (n,) and memberships (n,)."""
        order = np.argsort(keys)
        return cls(order, keys[order], is_member[order])

    def count(self, rows: NDArray[np.int64], codes: NDArray[np.int64], num_slices: int) -> list[RocCounts]:
        """RocCounts of every slice.

        Args:
          rows: (v,) row numbers; a row may be in several slices or in none.
          codes: (v,) the slice, in [0, num_slices), that the row is in.
          num_slices: how many slices there are.
        """
        positions, slices = self._positions(rows, codes)
        if positions is None and num_slices == 1:
            return [_count_sorted(self.keys, self.is_member)]
        # numpy sorts 16-bit integers and smaller by radix, in linear time; a stable sort keeps the scores' order.
        by_slice = np.argsort(slices.astype(np.min_scalar_type(num_slices)), kind='stable')
        positions = by_slice if positions is None else positions[by_slice]
        keys, members = self.keys[positions], self.is_member[positions]
        edges = np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=num_slices))])
        return [_count_sorted(keys[a:b], members[a:b]) for a, b in itertools.pairwise(edges)]

    def _positions(self, rows: NDArray[np.int64], codes: NDArray) -> tuple[NDArray[np.int64] | None, NDArray]:
        """Where the rows are in the sorted order, ascending (None for everywhere), and their slices."""
        n = len(self.order)
        if rows is all_rows(n) or (len(rows) == n and np.all(rows[1:] > rows[:-1])):  # n different rows of n
            return None, codes[self.order]
        rank = np.empty(n, np.int64)
        rank[self.order] = all_rows(n)
        positions = rank[rows]
        ascending = np.argsort(positions)
        return positions[ascending], codes[ascending]


def score_keys(scores: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Order-preserving integer keys of float64 scores (n,); -0.0 and 0.0 are one score, infinities are allowed.

    Raises:
      PrivacyInputError: a score is NaN.
    """
    scores = np.asarray(scores, np.float64) + 0.0
    missing = int(np.count_nonzero(np.isnan(scores)))
    if missing:
        raise PrivacyInputError(f'{missing} of {scores.size} scores are NaN: an attack must score every example.')
    bits = scores.view(np.int64)
    flipped = bits >> 63  # all bits of a negative score, only the sign of another
    flipped |= _SIGN_BIT
    flipped ^= bits
    return flipped.view(np.uint64)


def count_scores(keys: NDArray[np.uint64], is_member: NDArray[np.bool_]) -> RocCounts:
    """RocCounts of score keys (n,) and memberships (n,)."""
    order = np.argsort(keys)
    return _count_sorted(keys[order], is_member[order])


def count_by_slice(
    codes: NDArray[np.int64], num_slices: int, keys: NDArray[np.uint64], is_member: NDArray[np.bool_]
) -> list[RocCounts]:
    """RocCounts of every slice, from the slice number, score key and membership of each row, (n,) each."""
    return SortedScores.of(keys, is_member).count(all_rows(len(keys)), codes, num_slices)


def merge(parts: Sequence[RocCounts]) -> RocCounts:
    """The counts of all parts together, at the resolution of the coarsest."""
    bits = min(part.bits for part in parts)
    keys = np.concatenate([part.keys for part in parts])
    order = np.argsort(keys)
    members, non_members = (np.concatenate(c) for c in zip(*((p.members, p.non_members) for p in parts), strict=True))
    return _reduce(keys[order] & _leading(bits), members[order], non_members[order], bits)


def truncate(counts: RocCounts, bits: int) -> RocCounts:
    """The counts with only the top `bits` bits of the keys; see `auc_error_bound` for what that costs."""
    return _reduce(counts.keys & _leading(bits), counts.members, counts.non_members, min(bits, counts.bits))


def bounded(counts: RocCounts, max_keys: int) -> RocCounts:
    """The counts with the most key bits that leave at most `max_keys` >= 1 distinct keys.

    Bounding the parts of any partition, merging and bounding again gives the same bits as bounding the whole: a part
    never needs fewer bits, and leading bits of leading bits are leading bits.
    """
    low, high = 0, counts.bits
    while low < high:
        bits = (low + high + 1) // 2
        low, high = (bits, high) if _num_distinct(counts.keys, bits) <= max_keys else (low, bits - 1)
    return truncate(counts, low)


def calibrated(counts: RocCounts) -> RocCounts:
    """The counts with each score replaced by the share of all these examples below it, ties half.

    Looks at no membership, so without a leak members and non-members stay exchangeable.
    """
    examples = counts.members + counts.non_members
    below = np.cumsum(examples) - examples / 2
    return _reduce(score_keys(below / examples.sum()), counts.members, counts.non_members)


def auc_error_bound(counts: RocCounts) -> float:
    """Largest possible |AUC of these counts - AUC of the full scores|: half of P(a member and a non-member tie).

    0 while all bits are kept, because then equal keys are equal scores.
    """
    if counts.bits == 64:
        return 0.0
    return int(counts.members @ counts.non_members) / (2 * counts.num_members * counts.num_non_members)


def staircase(counts: RocCounts) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """False and true positives of every threshold, from none flagged to all flagged; each (k + 1,)."""
    false_positives = np.zeros(len(counts.keys) + 1, np.int64)
    true_positives = np.zeros(len(counts.keys) + 1, np.int64)
    np.cumsum(counts.non_members[::-1], out=false_positives[1:])
    np.cumsum(counts.members[::-1], out=true_positives[1:])
    return false_positives, true_positives


def auc(counts: RocCounts) -> float:
    """P(a member's score > a non-member's), ties count half; exact up to the final division."""
    return auc_and_variance(counts, *staircase(counts))[0]


def delong_variance(counts: RocCounts) -> float:
    """Variance of the AUC estimate (DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44, eqs. 4-6).

    0 for fewer than two examples on either side or for a perfect separation: the intervals know.
    """
    return auc_and_variance(counts, *staircase(counts))[1]


def auc_and_variance(
    counts: RocCounts, false_positives: NDArray[np.int64], true_positives: NDArray[np.int64]
) -> tuple[float, float]:
    """`auc` and `delong_variance` of counts whose staircase is known."""
    m, n = int(true_positives[-1]), int(false_positives[-1])
    members, non_members = counts.members[::-1], counts.non_members[::-1]
    ahead_of_members, members_spread = _spread(false_positives, members, m)
    _, non_members_spread = _spread(true_positives, non_members, n)
    area = (2 * m * n - ahead_of_members) / (2 * m * n)
    if min(m, n) < 2:
        return area, 0.0
    members_part = members_spread / (4 * n * n * m * (m - 1))
    return area, members_part + non_members_spread / (4 * m * m * n * (n - 1))


def _spread(flagged: NDArray[np.int64], weights: NDArray[np.int64], total: int) -> tuple[int, float]:
    """Of twice the number of others ahead of each example, ties half: the sum, and the sum of squared deviations."""
    ahead = [flagged[part.start + 1 : part.stop + 1] + flagged[part] for part in blocks(len(weights))]
    whole = sum(int(weights[part] @ a) for part, a in zip(blocks(len(weights)), ahead, strict=True))
    squares = 0.0
    for part, a in zip(blocks(len(weights)), ahead, strict=True):
        squares += float(weights[part] @ (a - whole / total) ** 2)
    return whole, squares


def blocks(stop: int, start: int = 0) -> Iterator[slice]:
    """The range in parts whose temporary arrays stay in the processor's cache."""
    return (slice(i, min(i + _BLOCK, stop)) for i in range(start, stop, _BLOCK))


def _count_sorted(keys: NDArray[np.uint64], is_member: NDArray[np.bool_]) -> RocCounts:
    members = is_member.astype(np.int64)
    return _reduce(keys, members, 1 - members)


def _reduce(
    keys: NDArray[np.uint64], members: NDArray[np.int64], non_members: NDArray[np.int64], bits: int = 64
) -> RocCounts:
    """Sorted keys made distinct, their counts added up."""
    is_first = np.ones(len(keys), bool)
    np.not_equal(keys[1:], keys[:-1], out=is_first[1:])
    if is_first.all():
        return RocCounts(keys, members, non_members, bits)
    starts = np.flatnonzero(is_first)
    return RocCounts(keys[starts], np.add.reduceat(members, starts), np.add.reduceat(non_members, starts), bits)


def _leading(bits: int) -> np.uint64:
    return np.uint64(((1 << bits) - 1) << (64 - bits))


def _num_distinct(keys: NDArray[np.uint64], bits: int) -> int:
    leading = keys & _leading(bits)
    return int(len(keys) > 0) + int(np.count_nonzero(leading[1:] != leading[:-1]))
