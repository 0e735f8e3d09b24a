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
from privacy_component.metrics.counts.scored_groups import ScoredGroups, starts_of

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
        starts = starts_of(group_id[order])

        def added(field: str, add: np.ufunc = np.add) -> Any:
            return add.reduceat(np.concatenate([getattr(part, field) for part in parts])[order], starts)

        values = added('values', MERGEABLE[self.how].add)
        return GroupTotals(self.how, group_id[order][starts], added('num_members'), added('num_rows'), values)

    @property
    def scored(self) -> ScoredGroups:
        """The groups with one score each."""
        scores = MERGEABLE[self.how].finished(self.values, self.num_rows)
        return ScoredGroups(self.group_id, scores, self.num_members, self.num_rows)


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
    starts = starts_of(codes, group_id)
    totals = GroupTotals(
        how=how,
        group_id=group_id[starts],
        num_members=np.add.reduceat(is_member[order].astype(np.int64), starts),
        num_rows=np.diff(starts, append=len(codes)),
        values=MERGEABLE[how].add.reduceat(MERGEABLE[how].kept(scores[order]), starts),
    )
    return [totals.select(part) for part in _parts(codes[starts], num_slices)]


def aggregate(
    scores: NDArray[np.float64],
    is_member: NDArray[np.bool_],
    codes: NDArray,
    group_id: NDArray[np.uint64],
    num_slices: int,
    how: str,
) -> list[ScoredGroups]:
    """The groups of every slice, with one score each.

    Args:
      scores: (v,) of rows; a row that is in two slices appears twice.
      is_member: (v,).
      codes: (v,) the slice that the row is in, in [0, num_slices).
      group_id: (v,).
      num_slices: how many there are.
      how: 'mean', 'max', or 'logsumexp', which lies between: it counts a group's rows and lets the highest weigh most.
    """
    # Sorting by score as well makes sums independent of the order of the rows.
    order = np.lexsort((scores, group_id, codes))
    scores, codes, group_id = scores[order], codes[order], group_id[order]
    if not len(scores):
        nothing = ScoredGroups(group_id, scores, np.zeros(0, np.int64), np.zeros(0, np.int64))
        return [nothing] * num_slices
    starts = starts_of(codes, group_id)
    sizes = np.diff(starts, append=len(scores))
    member_rows = np.add.reduceat(is_member[order].astype(np.int64), starts)
    groups = ScoredGroups(group_id[starts], AGGREGATIONS[how](scores, starts, sizes), member_rows, sizes)
    return [groups.select(part) for part in _parts(codes[starts], num_slices)]


def _parts(sorted_codes: NDArray, num_slices: int) -> list[slice]:
    """Where each slice's groups are."""
    edges = np.searchsorted(sorted_codes, np.arange(num_slices + 1)).tolist()
    return [slice(a, b) for a, b in itertools.pairwise(edges)]
