"""RocCounts: all that an attack's scores say about membership, in a form that merges by adding integers."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from privacy_component.arrays import all_rows
from privacy_component.metrics.counts.keys import blocks, leading_bits, most_bits, score_keys, sort_keys
from privacy_component.metrics.counts.mergeable import Mergeable
from privacy_component.metrics.counts.sides import Sides, exact_dot


@dataclasses.dataclass(frozen=True, eq=False)
class RocCounts(Sides, Mergeable):
    """For each distinct score, how many members and non-members have it.

    Merging adds integers, so any partition, order or retry of the data gives the same bits.

    Attributes:
      keys: (k,) uint64, ascending and distinct; the score's bits, in the score's order.
      members: (k,) int64, or fewer bytes that hold them, so that millions of small counts stay small.
      non_members: (k,) likewise.
      bits: how many leading bits of the keys were kept; scores that differ only in the others count as tied.
    """

    keys: NDArray[np.uint64]
    members: NDArray[np.integer]
    non_members: NDArray[np.integer]
    bits: int = 64

    def merge(self, *others: RocCounts) -> RocCounts:
        """The counts of all parts together, at the resolution of the coarsest."""
        return merge([self, *others])

    def bounded_to(self, most: int) -> RocCounts:
        """At most so many distinct scores, in the smallest integers that hold their counts."""
        return narrowed(bounded(self, most))


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
        order, ordered = sort_keys(keys)
        return cls(order, ordered, is_member[order])

    def count(self, rows: NDArray[np.int64], codes: NDArray[np.int64], num_slices: int) -> list[RocCounts]:
        """RocCounts of every slice.

        Args:
          rows: (v,) row numbers; a row may be in several slices or in none.
          codes: (v,) the slice, in [0, num_slices), that the row is in.
          num_slices: how many slices there are.
        """
        return list(self.each(rows, codes, num_slices))

    def each(self, rows: NDArray[np.int64], codes: NDArray, num_slices: int) -> Iterator[RocCounts]:
        """The same one by one: who drops each before the next needs memory for one slice only."""
        positions, slices = self._positions(rows, codes)
        if positions is None and num_slices == 1:
            yield _count_sorted(self.keys, self.is_member)
            return
        # numpy sorts 16-bit integers and smaller by radix, in linear time; a stable sort keeps the scores' order.
        by_slice = np.argsort(slices.astype(np.min_scalar_type(num_slices), copy=False), kind='stable')
        positions = by_slice if positions is None else positions[by_slice]
        sizes = np.zeros(num_slices, np.int64)
        for part in blocks(len(codes)):
            sizes += np.bincount(codes[part], minlength=num_slices)
        edges = np.append(0, np.cumsum(sizes))
        for a, b in itertools.pairwise(edges):
            yield _count_sorted(self.keys[positions[a:b]], self.is_member[positions[a:b]])

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


def count_scores(keys: NDArray[np.uint64], is_member: NDArray[np.bool_]) -> RocCounts:
    """RocCounts of score keys (n,) and memberships (n,)."""
    order, ordered = sort_keys(keys)
    return _count_sorted(ordered, is_member[order])


def count_by_slice(
    codes: NDArray[np.int64], num_slices: int, keys: NDArray[np.uint64], is_member: NDArray[np.bool_]
) -> list[RocCounts]:
    """RocCounts of every slice, from the slice number, score key and membership of each row, (n,) each."""
    return SortedScores.of(keys, is_member).count(all_rows(len(keys)), codes, num_slices)


def merge(parts: Sequence[RocCounts]) -> RocCounts:
    """The counts of all parts together, at the resolution of the coarsest."""
    bits = min(part.bits for part in parts)
    keys = np.concatenate([part.keys for part in parts])
    order, ordered = sort_keys(keys)
    members, non_members = (np.concatenate(c) for c in zip(*((p.members, p.non_members) for p in parts), strict=True))
    return _reduce(ordered & leading_bits(bits), members[order], non_members[order], bits)


def truncate(counts: RocCounts, bits: int) -> RocCounts:
    """The counts with only the top `bits` bits of the keys; see `auc_error_bound` for what that costs."""
    return _reduce(counts.keys & leading_bits(bits), counts.members, counts.non_members, min(bits, counts.bits))


def bounded(counts: RocCounts, max_keys: int) -> RocCounts:
    """The counts with the most key bits that leave at most `max_keys` >= 1 distinct keys.

    Bounding the parts of any partition, merging and bounding again gives the same bits as bounding the whole: a part
    never needs fewer bits, and leading bits of leading bits are leading bits.

    Cells do not follow where the mass is, and no scheme with that property can make them: the whole can be no finer
    anywhere than any part of it, and of scores that are dense near 1,000 a part may be such that nearly all of it lies
    elsewhere. So half of the scores can fall into a few cells; what that may hide is bounded by `orders`.
    """
    if len(counts.keys) <= max_keys:
        return counts
    return truncate(counts, most_bits(functools.partial(_num_distinct, counts.keys), counts.bits, max_keys))


def narrowed(counts: RocCounts) -> RocCounts:
    """The same counts in the smallest unsigned integers that hold them."""
    members, non_members = (_narrow(side) for side in (counts.members, counts.non_members))
    return RocCounts(counts.keys, members, non_members, counts.bits)


def calibrated(counts: RocCounts) -> RocCounts:
    """The counts with each score replaced by the share of all these examples below it, ties half.

    Looks at no membership, so without a leak members and non-members stay exchangeable.
    """
    examples = counts.members.astype(np.int64) + counts.non_members
    below = np.cumsum(examples) - examples / 2
    return _reduce(score_keys(below / examples.sum()), counts.members, counts.non_members)


def auc_error_bound(counts: RocCounts) -> float:
    """Largest possible |AUC of these counts - AUC of the full scores|: half of P(a member and a non-member tie).

    0 while all bits are kept, because then equal keys are equal scores.
    """
    if counts.bits == 64:
        return 0.0
    pairs = counts.num_members * counts.num_non_members
    return exact_dot(counts.members, counts.non_members, pairs) / (2 * pairs)


def orders(counts: RocCounts) -> tuple[RocCounts, ...]:
    """The extremes of what cutting scores to their leading bits may have hidden; () while all bits are kept.

    In the first, every member of a cell scores above every non-member in it; in the second below. The ROC of the full
    scores lies between the two: it passes the corners between cells, and inside a cell can only be monotone.
    """
    return () if counts.bits == 64 else tuple(_untied(counts, first) for first in (1, 0))


def _untied(counts: RocCounts, members_first: int) -> RocCounts:
    """Each cell as two scores: members at the upper (1) or the lower (0) of them."""
    keys = np.repeat(counts.keys, 2)
    keys[1::2] |= np.uint64(1)  # the last bit is free
    members, non_members = np.zeros((2, len(keys)), np.int64)
    members[members_first::2], non_members[1 - members_first :: 2] = counts.members, counts.non_members
    kept = members + non_members > 0
    return RocCounts(keys[kept], members[kept], non_members[kept])


def staircase(counts: RocCounts) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """False and true positives of every threshold, from none flagged to all flagged; each (k + 1,).

    int32 where twice the number of examples fits, else int64: what large arrays cost is mostly their memory.
    """
    is_small = 2 * (counts.num_members + counts.num_non_members) < 1 << 31
    dtype = np.int32 if is_small else np.int64
    return _flagged(counts.non_members, dtype), _flagged(counts.members, dtype)


def _flagged(side: NDArray[np.integer], dtype: type[np.integer]) -> NDArray[np.integer]:
    flagged = np.empty(len(side) + 1, dtype)
    flagged[0] = 0
    flagged[1:] = side[::-1]
    return np.cumsum(flagged, dtype=dtype, out=flagged)  # in place: summing small integers into large ones is slower


def auc(counts: RocCounts) -> float:
    """P(a member's score > a non-member's), ties count half; exact up to the final division."""
    return auc_and_variance(counts, *staircase(counts))[0]


def delong_variance(counts: RocCounts) -> float:
    """Variance of the AUC estimate (DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44, eqs. 4-6).

    0 for fewer than two examples on either side or for a perfect separation: the intervals know.
    """
    return auc_and_variance(counts, *staircase(counts))[1]


def auc_and_variance(
    counts: RocCounts, false_positives: NDArray[np.integer], true_positives: NDArray[np.integer]
) -> tuple[float, float]:
    """`auc` and `delong_variance` of counts whose staircase is known."""
    m, n = int(true_positives[-1]), int(false_positives[-1])
    members, non_members = counts.members[::-1], counts.non_members[::-1]
    # Every pair is counted once from either side, so the members' sum gives the non-members'.
    ahead = _pairs_ahead(false_positives, members, 2 * m * n)
    area = (2 * m * n - ahead) / (2 * m * n)
    if min(m, n) < 2:
        return area, 0.0
    members_part = _squared_deviations(false_positives, members, ahead / m) / (4 * n * n * m * (m - 1))
    non_members_spread = _squared_deviations(true_positives, non_members, (2 * m * n - ahead) / n)
    return area, members_part + non_members_spread / (4 * m * m * n * (n - 1))


def _pairs_ahead(flagged: NDArray[np.integer], weights: NDArray[np.integer], most: int) -> int:
    """Twice the number of others ahead of each example, ties half, added up; exact, and at most `most`."""
    return sum(exact_dot(weights[part], _ahead(flagged, part), most) for part in blocks(len(weights)))


def _squared_deviations(flagged: NDArray[np.integer], weights: NDArray[np.integer], mean: float) -> float:
    """The sum of squared deviations of the same from their mean."""
    squares = 0.0
    for part in blocks(len(weights)):
        deviation = _ahead(flagged, part) - mean
        deviation *= deviation
        squares += float(weights[part] @ deviation)
    return squares


def _ahead(flagged: NDArray[np.integer], part: slice) -> NDArray[np.integer]:
    return flagged[part.start + 1 : part.stop + 1] + flagged[part]


def _count_sorted(keys: NDArray[np.uint64], is_member: NDArray[np.bool_]) -> RocCounts:
    return _reduce(keys, is_member.view(np.uint8), (~is_member).view(np.uint8))


def _reduce(
    keys: NDArray[np.uint64], members: NDArray[np.integer], non_members: NDArray[np.integer], bits: int = 64
) -> RocCounts:
    """Sorted keys made distinct, their counts added up."""
    is_first = np.ones(len(keys), bool)
    np.not_equal(keys[1:], keys[:-1], out=is_first[1:])
    if is_first.all():
        return RocCounts(keys, members, non_members, bits)
    starts = np.flatnonzero(is_first)
    members, non_members = (np.add.reduceat(side, starts, dtype=np.int64) for side in (members, non_members))
    return RocCounts(keys[starts], members, non_members, bits)


def _narrow(side: NDArray[np.integer]) -> NDArray[np.integer]:
    most = int(side.max(initial=0))
    return side.astype(np.min_scalar_type(most)) if most < 1 << 32 else side


def _num_distinct(keys: NDArray[np.uint64], bits: int) -> int:
    leading = keys & leading_bits(bits)
    return int(len(keys) > 0) + int(np.count_nonzero(leading[1:] != leading[:-1]))
