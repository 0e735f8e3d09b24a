"""JointCounts: what two models' scores of the same examples say together, in a form that merges by adding integers."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from privacy_component.metrics.counts import roc
from privacy_component.metrics.counts.keys import leading_bits, most_bits, sort_keys
from privacy_component.metrics.counts.mergeable import Mergeable
from privacy_component.metrics.counts.sides import Sides

_HALF = 32


@dataclasses.dataclass(frozen=True, eq=False)
class JointCounts(Sides, Mergeable):
    """For each distinct pair of a candidate's and a baseline's score, how many members and non-members have it.

    Attributes:
      candidate, baseline: (k,) uint64 score keys, the pairs distinct and in ascending order.
      members: (k,) int64; uint8 where no two of the examples tie.
      non_members: (k,) of the same type.
      bits: how many leading bits of both keys were kept.
    """

    candidate: NDArray[np.uint64]
    baseline: NDArray[np.uint64]
    members: NDArray[np.integer]
    non_members: NDArray[np.integer]
    bits: int = 64

    def merge(self, *others: JointCounts) -> JointCounts:
        """The counts of all parts together, at the resolution of the coarsest."""
        return merge([self, *others])

    def bounded_to(self, most: int) -> JointCounts:
        """At most so many distinct pairs."""
        return bounded(self, most)


@dataclasses.dataclass(frozen=True, eq=False)
class SortedPairs:
    """All rows of an attack on two models: sorted once, then counted in any slicing in linear time.

    Attributes:
      candidate, baseline: (k,) uint64 score keys, the distinct pairs in ascending order.
      numbers: which of the pairs each row has, in `roc.SortedScores`' form.
    """

    candidate: NDArray[np.uint64]
    baseline: NDArray[np.uint64]
    numbers: roc.SortedScores

    @classmethod
    def of(
        cls, candidate: NDArray[np.float64], baseline: NDArray[np.float64], is_member: NDArray[np.bool_]
    ) -> SortedPairs:
        """From the scores (n,) of either model and memberships (n,)."""
        keys = roc.score_keys(candidate), roc.score_keys(baseline)
        order, starts = _sort_pairs(*keys)
        numbers = np.empty(len(order), np.uint64)
        numbers[order] = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(order)))
        first = order[starts]
        return cls(keys[0][first], keys[1][first], roc.SortedScores.of(numbers, is_member))

    def count(self, rows: NDArray[np.int64], codes: NDArray, num_slices: int) -> list[JointCounts]:
        """JointCounts of every slice; arguments as for `roc.SortedScores.count`."""
        return list(self.each(rows, codes, num_slices))

    def each(self, rows: NDArray[np.int64], codes: NDArray, num_slices: int) -> Iterator[JointCounts]:
        """The same one by one."""
        for counts in self.numbers.each(rows, codes, num_slices):
            pairs = counts.keys
            yield JointCounts(self.candidate[pairs], self.baseline[pairs], counts.members, counts.non_members)


def merge(parts: Sequence[JointCounts]) -> JointCounts:
    """The counts of all parts together, at the resolution of the coarsest."""
    candidate, baseline, members, non_members = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ('candidate', 'baseline', 'members', 'non_members')
    )
    return _at_bits(JointCounts(candidate, baseline, members, non_members), min(part.bits for part in parts))


def bounded(counts: JointCounts, max_pairs: int) -> JointCounts:
    """The counts with the most key bits that leave at most `max_pairs` >= 1 distinct pairs.

    As for `roc.bounded`, bounding the parts of any partition, merging and bounding again gives the same bits as
    bounding the whole.
    """
    if len(counts.candidate) <= max_pairs:
        return counts
    return _at_bits(counts, most_bits(functools.partial(_num_distinct, counts), counts.bits, max_pairs))


def _at_bits(counts: JointCounts, bits: int) -> JointCounts:
    """Sorted and made distinct, at so many leading bits."""
    candidate, baseline = counts.candidate & leading_bits(bits), counts.baseline & leading_bits(bits)
    order, starts = _sort_pairs(candidate, baseline)
    first = order[starts]
    members, non_members = counts.members[order], counts.non_members[order]
    if len(starts) < len(order):
        members, non_members = (np.add.reduceat(side, starts, dtype=np.int64) for side in (members, non_members))
    return JointCounts(candidate[first], baseline[first], members, non_members, bits)


def _num_distinct(counts: JointCounts, bits: int) -> int:
    if bits > _HALF:
        return len(_at_bits(counts, bits).candidate)
    mask = leading_bits(bits)
    packed = np.sort((counts.candidate & mask) | ((counts.baseline & mask) >> np.uint64(_HALF)))
    return len(_starts(packed))


def _sort_pairs(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The positions of pairs of keys in ascending order, and where in that order a new pair begins."""
    pairs = key_ranks(one).astype(np.uint64) << np.uint64(_HALF) | key_ranks(other).astype(np.uint64)
    order, ordered = sort_keys(pairs)
    return order, _starts(ordered)


def key_ranks(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The position of each key among the distinct keys; sorting one integer for each row is faster than two."""
    order, ordered = sort_keys(keys)
    ranks = np.empty(len(keys), np.int64)
    ranks[order] = sorted_key_ranks(ordered)
    return ranks


def sorted_key_ranks(ordered: NDArray[np.uint64]) -> NDArray[np.int64]:
    """(n,) the same for keys in ascending order."""
    starts = _starts(ordered)
    return np.repeat(np.arange(len(starts)), np.diff(starts, append=len(ordered)))


def _starts(ordered: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Where a new key begins."""
    is_first = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
    return np.flatnonzero(is_first)
