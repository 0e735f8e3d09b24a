"""Distinct hashes and how often each stands on either side: bounded, mergeable, exact below the bound."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NO_LIMIT = 2**64
_MANY = 16  # times as many hashes as are kept: then a look at the smallest saves time


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
    nearly = _MANY // 2 * most
    near = np.unique(np.partition(hashes, nearly)[:nearly])
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
