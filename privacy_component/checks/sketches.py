"""Sketches of hashes, mergeable in any order: which occur how often on either side, and what most rows share."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NO_LIMIT = 2**64
_MANY = 4  # times as many hashes as are kept: then a look at the smallest saves time
_LOOKED_AT = 2  # times as many of the smallest hashes as are kept


@dataclasses.dataclass(frozen=True, eq=False)
class DistinctCounts:
    """A bottom-k sketch (Cohen and Kaplan 2007, PODC): the distinct hashes below a limit, all of them counted.

    Which ones are kept depends on nothing but the hashes, so every order, partition and retry gives the same sketch.

    Attributes:
      hashes: (k,) uint64, ascending, distinct.
      members, non_members: (k,) int64, how often each occurs on either side.
      num_members, num_non_members: occurrences of all hashes, kept or not.
      limit: every hash below it is kept; 2^64 if all are.
    """

    hashes: NDArray[np.uint64]
    members: NDArray[np.int64]
    non_members: NDArray[np.int64]
    num_members: int
    num_non_members: int
    limit: int = NO_LIMIT

    @classmethod
    def of(cls, hashes: NDArray[np.uint64], is_member: NDArray[np.bool_], most: int) -> DistinctCounts:
        """The sketch of (n,) well mixed hashes of (n,) examples; keeps at most `most`."""
        members = int(np.count_nonzero(is_member))
        sides = is_member.astype(np.int64)
        return _reduced((hashes, sides, 1 - sides), (members, len(sides) - members), NO_LIMIT, most)

    @classmethod
    def of_counted(
        cls, hashes: NDArray[np.uint64], members: NDArray[np.int64], non_members: NDArray[np.int64], most: int
    ) -> DistinctCounts:
        """The sketch of (k,) hashes whose occurrences on either side are counted already."""
        return _reduced((hashes, members, non_members), (int(members.sum()), int(non_members.sum())), NO_LIMIT, most)

    @property
    def is_exact(self) -> bool:
        """Whether every hash was kept."""
        return self.limit == NO_LIMIT

    @property
    def share_kept(self) -> float:
        """The share of all distinct hashes that is kept: a sum over those kept, divided by it, is unbiased."""
        return self.limit / NO_LIMIT

    def at(self, hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """How often each of (n,) hashes occurs among members and among non-members; they must have been counted."""
        position = np.searchsorted(self.hashes, hashes)
        return self.members[position], self.non_members[position]


def merge_counts(parts: Sequence[DistinctCounts], most: int) -> DistinctCounts:
    """The sketch of all parts together."""
    totals = (sum(part.num_members for part in parts), sum(part.num_non_members for part in parts))
    limit = min(part.limit for part in parts)
    hashes, members, non_members = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ('hashes', 'members', 'non_members')
    )
    return _reduced((hashes, members, non_members), totals, limit, most)


def early_limit(hashes: NDArray[np.uint64], most: int) -> int:
    """The smallest distinct hash but `most`, where it can be found without sorting many more; otherwise NO_LIMIT."""
    if len(hashes) < _MANY * most:
        return NO_LIMIT
    guess = np.uint64(_LOOKED_AT * (most + 1) * NO_LIMIT // len(hashes))  # well mixed hashes are spread evenly
    near = np.unique(hashes[hashes < guess])
    return int(near[most]) if len(near) > most else NO_LIMIT


def below(hashes: NDArray[np.uint64], limit: int) -> NDArray[np.bool_]:
    """(n,) whether each hash is below a limit, which may be 2^64."""
    return np.ones(len(hashes), bool) if limit >= NO_LIMIT else hashes < np.uint64(limit)


def _reduced(
    columns: tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]],
    totals: tuple[int, int],
    limit: int,
    most: int,
) -> DistinctCounts:
    hashes, *sides = columns
    limit = min(limit, early_limit(hashes, most))
    inside = np.flatnonzero(below(hashes, limit))
    order = inside[np.argsort(hashes[inside])]  # of equal ones the order does not matter: they are added up
    ordered = hashes[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)])
    if len(first) > most:
        limit = int(ordered[first[most]])
        order, first = order[: first[most]], first[:most]
    members, non_members = (np.add.reduceat(side[order], first) if len(first) else side[:0] for side in sides)
    return DistinctCounts(ordered[first], members, non_members, *totals, limit=limit)


_BITS = 64
_BITS_OF_BYTES = np.unpackbits(np.arange(256, dtype=np.uint8)[:, np.newaxis], axis=1).astype(np.int64)


@dataclasses.dataclass(frozen=True, eq=False)
class HashBits:
    """For each bit of the rows' hashes, how many rows have it set.

    Attributes:
      num_set: (64,) int64.
      num_rows: how many rows there are.
    """

    num_set: NDArray[np.int64]
    num_rows: int

    @classmethod
    def of(cls, hashes: NDArray[np.uint64]) -> HashBits:
        """Of (n,) hashes whose bits look random."""
        columns = np.ascontiguousarray(hashes).view(np.uint8).reshape(len(hashes), 8).T
        counts = np.stack([np.bincount(column, minlength=256) for column in columns])  # of each value of each byte
        return cls((counts @ _BITS_OF_BYTES).reshape(-1), len(hashes))

    def merge(self, other: HashBits) -> HashBits:
        """Of both parts together."""
        return HashBits(self.num_set + other.num_set, self.num_rows + other.num_rows)

    def largest_share(self) -> float:
        """The share of the rows that have the commonest value, in [0, 1]; an estimate, good where it is above a half.

        A value that most rows have decides every bit: all of its rows are on the larger side, and half of the others
        by chance. So twice the mean share on the larger side, less one, is what it has.
        """
        if not self.num_rows:
            return 0.0
        larger = np.maximum(self.num_set, self.num_rows - self.num_set)
        return max(2 * int(larger.sum()) / (_BITS * self.num_rows) - 1, 0.0)
