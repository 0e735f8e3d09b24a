"""From scores of examples to scores of groups: was anything of this person's in the training data?"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

NO_AGGREGATION = 'none'


def _mean(scores: NDArray[np.float64], starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.add.reduceat(scores, starts) / sizes


def _max(scores: NDArray[np.float64], starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.maximum.reduceat(scores, starts)


def _logsumexp(scores: NDArray[np.float64], starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    largest = np.maximum.reduceat(scores, starts)
    return largest + np.log(np.add.reduceat(np.exp(scores - np.repeat(largest, sizes)), starts))


AGGREGATIONS: dict[str, Callable[..., NDArray[np.float64]]] = {'mean': _mean, 'max': _max, 'logsumexp': _logsumexp}


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
    is_first = np.concatenate([[True], (codes[1:] != codes[:-1]) | (group_id[1:] != group_id[:-1])])
    starts = np.flatnonzero(is_first)
    sizes = np.diff(starts, append=len(scores))
    return GroupScores(
        AGGREGATIONS[how](scores, starts, sizes), np.logical_or.reduceat(is_member[order], starts), codes[starts]
    )


def num_mixed_groups(is_member: NDArray[np.bool_], group_id: NDArray[np.uint64]) -> int:
    """How many groups have both members and non-members."""
    return len(np.intersect1d(group_id[is_member], group_id[~is_member]))
