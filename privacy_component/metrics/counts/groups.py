"""From scores of examples to scores of groups: was anything of this person's in the training data?"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from privacy_component.metrics.counts import fixed_point
from privacy_component.metrics.counts.mergeable import Mergeable

NO_AGGREGATION = 'none'


class _Aggregation(NamedTuple):
    """An aggregation that merges exactly: what is kept of a row, how that adds up, what it comes to."""

    kept: Callable[[NDArray[np.float64]], NDArray]
    add: np.ufunc
    finished: Callable[[NDArray, NDArray[np.int64]], NDArray[np.float64]]


MERGEABLE = {
    'mean': _Aggregation(fixed_point.digits, np.add, lambda sums, sizes: fixed_point.as_floats(sums) / sizes),
    'max': _Aggregation(lambda scores: scores[:, None], np.maximum, lambda largest, _: largest[:, 0]),
}


def _logsumexp(scores: NDArray[np.float64], starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    largest = np.maximum.reduceat(scores, starts)
    return largest + np.log(np.add.reduceat(np.exp(scores - np.repeat(largest, sizes)), starts))


def _by_merging(how: str) -> Callable[..., NDArray[np.float64]]:
    kept, add, finished = MERGEABLE[how]
    return lambda scores, starts, sizes: finished(add.reduceat(kept(scores), starts), sizes)


AGGREGATIONS: dict[str, Callable[..., NDArray[np.float64]]] = {
    **{how: _by_merging(how) for how in MERGEABLE},
    'logsumexp': _logsumexp,
}


@dataclasses.dataclass(frozen=True, eq=False)
class GroupScores:
    """Groups within slices, as scored units.

    Attributes:
      scores: (u,) higher = more likely that the group was trained on.
      is_member: (u,) True if any of the group's rows is a member.
      codes: (u,) the slice.
    """

    scores: NDArray[np.float64]
    is_member: NDArray[np.bool_]
    codes: NDArray


@dataclasses.dataclass(frozen=True, eq=False)
class GroupTotals(Mergeable):
    """What is known of the groups of one slice after some of its rows; merges like RocCounts do.

    Attributes:
      how: 'mean' or 'max'.
      group_id: (g,) uint64, ascending and distinct.
      num_members: (g,) int64, how many of the group's rows are members.
      num_rows: (g,) int64.
      values: (g, k) what the rows' scores add up to.
    """

    how: str
    group_id: NDArray[np.uint64]
    num_members: NDArray[np.int64]
    num_rows: NDArray[np.int64]
    values: NDArray

    def select(self, groups: slice) -> GroupTotals:
        """Some of the groups."""
        columns = ('group_id', 'num_members', 'num_rows', 'values')
        return dataclasses.replace(self, **{name: getattr(self, name)[groups] for name in columns})

    def merge(self, *others: GroupTotals) -> GroupTotals:
        """The totals of all parts together."""
        parts = (self, *others)
        group_id = np.concatenate([part.group_id for part in parts])
        order = np.argsort(group_id, kind='stable')
        starts = _starts(group_id[order])

        def added(field: str, add: np.ufunc = np.add) -> Any:
            return add.reduceat(np.concatenate([getattr(part, field) for part in parts])[order], starts)

        values = added('values', MERGEABLE[self.how].add)
        return GroupTotals(self.how, group_id[order][starts], added('num_members'), added('num_rows'), values)

    @property
    def scores(self) -> NDArray[np.float64]:
        """(g,) one score for each group."""
        return MERGEABLE[self.how].finished(self.values, self.num_rows)

    @property
    def is_member(self) -> NDArray[np.bool_]:
        """(g,) True if any of the group's rows is a member."""
        return self.num_members > 0

    @property
    def num_mixed(self) -> int:
        """How many groups have both members and non-members."""
        return int(np.count_nonzero(self.is_member & (self.num_members < self.num_rows)))


def totals_by_slice(
    scores: NDArray[np.float64],
    is_member: NDArray[np.bool_],
    codes: NDArray,
    group_id: NDArray[np.uint64],
    num_slices: int,
    how: str,
) -> list[GroupTotals]:
    """The totals of every slice; arguments as for `aggregate`, with codes in [0, num_slices)."""
    order = np.lexsort((group_id, codes))
    codes, group_id = codes[order], group_id[order]
    starts = _starts(codes, group_id)
    totals = GroupTotals(
        how=how,
        group_id=group_id[starts],
        num_members=np.add.reduceat(is_member[order].astype(np.int64), starts),
        num_rows=np.diff(starts, append=len(codes)),
        values=MERGEABLE[how].add.reduceat(MERGEABLE[how].kept(scores[order]), starts),
    )
    edges = np.searchsorted(codes[starts], np.arange(num_slices + 1)).tolist()
    return [totals.select(slice(a, b)) for a, b in itertools.pairwise(edges)]


def aggregate(
    scores: NDArray[np.float64],
    is_member: NDArray[np.bool_],
    codes: NDArray,
    group_id: NDArray[np.uint64],
    how: str,
) -> GroupScores:
    """One score for each group in each slice.

    Args:
      scores: (v,) of rows; a row that is in two slices appears twice.
      is_member: (v,).
      codes: (v,) the slice that the row is in.
      group_id: (v,).
      how: 'mean', 'max', or 'logsumexp', which lies between: it counts a group's rows and lets the highest weigh most.
    """
    if not len(scores):
        return GroupScores(scores, is_member, codes)
    # Sorting by score as well makes sums independent of the order of the rows.
    order = np.lexsort((scores, group_id, codes))
    scores, codes, group_id = scores[order], codes[order], group_id[order]
    starts = _starts(codes, group_id)
    sizes = np.diff(starts, append=len(scores))
    return GroupScores(
        AGGREGATIONS[how](scores, starts, sizes), np.logical_or.reduceat(is_member[order], starts), codes[starts]
    )


def num_mixed_groups(is_member: NDArray[np.bool_], group_id: NDArray[np.uint64]) -> int:
    """How many groups have both members and non-members."""
    return len(np.intersect1d(group_id[is_member], group_id[~is_member]))


def mixed_groups_warning(num_mixed: int) -> str:
    """What should be known of groups on both sides."""
    return f'{num_mixed:,} groups have both members and non-members; counted as groups, they are members.'


def _starts(*sorted_keys: NDArray) -> NDArray[np.int64]:
    """Where a new combination of keys begins in sorted rows."""
    is_first = np.ones(len(sorted_keys[0]), bool)
    is_first[1:] = np.any([keys[1:] != keys[:-1] for keys in sorted_keys], axis=0)
    return np.flatnonzero(is_first)
