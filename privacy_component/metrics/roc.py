"""RocCounts: all that an attack's scores say about membership, in a form that merges by adding integers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_SIGN_BIT = np.uint64(1 << 63)


@dataclasses.dataclass(frozen=True, eq=False)
class RocCounts:
    """For each distinct score, how many members and non-members have it.

    Merging adds integers, so any partition, order or retry of the data gives the same bits.

    Attributes:
      keys: (k,) uint64, ascending and distinct; the score's bits, in the score's order.
      members: (k,) int64.
      non_members: (k,) int64.
    """

    keys: NDArray[np.uint64]
    members: NDArray[np.int64]
    non_members: NDArray[np.int64]

    @property
    def num_members(self) -> int:
        return int(self.members.sum())

    @property
    def num_non_members(self) -> int:
        return int(self.non_members.sum())


def score_keys(scores: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Order-preserving integer keys of finite float64 scores; -0.0 and 0.0 are one score."""
    bits = (np.asarray(scores, np.float64) + 0.0).view(np.uint64)
    return np.where(bits & _SIGN_BIT, ~bits, bits | _SIGN_BIT)


def key_scores(keys: NDArray[np.uint64]) -> NDArray[np.float64]:
    """The scores that `score_keys` made the keys of."""
    return np.where(keys & _SIGN_BIT, keys ^ _SIGN_BIT, ~keys).view(np.float64)


def count_scores(keys: NDArray[np.uint64], is_member: NDArray[np.bool_]) -> RocCounts:
    """RocCounts of score keys (n,) and memberships (n,)."""
    order = np.argsort(keys, kind='stable')
    return _reduce(keys[order], is_member[order].astype(np.int64), (~is_member[order]).astype(np.int64))


def merge(parts: Sequence[RocCounts]) -> RocCounts:
    """The counts of all parts together."""
    keys = np.concatenate([part.keys for part in parts])
    order = np.argsort(keys, kind='stable')
    members = np.concatenate([part.members for part in parts])
    non_members = np.concatenate([part.non_members for part in parts])
    return _reduce(keys[order], members[order], non_members[order])


def count_by_slice(
    codes: NDArray[np.int64], num_slices: int, keys: NDArray[np.uint64], is_member: NDArray[np.bool_]
) -> list[RocCounts]:
    """RocCounts of every slice, with one sort.

    Args:
      codes: (n,) slice number of each row, in [0, num_slices).
      num_slices: how many slices there are.
      keys: (n,) score keys.
      is_member: (n,) memberships.

    Returns:
      One RocCounts per slice number.
    """
    order = np.lexsort((keys, codes))
    sorted_members = is_member[order].astype(np.int64)
    sorted_keys = keys[order]
    edges = np.searchsorted(codes[order], np.arange(num_slices + 1))
    return [
        _reduce(sorted_keys[a:b], sorted_members[a:b], 1 - sorted_members[a:b])
        for a, b in zip(edges[:-1], edges[1:], strict=True)
    ]


def auc(counts: RocCounts) -> float:
    """P(a member's score > a non-member's), ties count half; exact up to the final division."""
    lower = np.cumsum(counts.non_members) - counts.non_members
    doubled = int(counts.members @ (2 * lower + counts.non_members))
    return doubled / (2 * counts.num_members * counts.num_non_members)


def delong_variance(counts: RocCounts) -> float:
    """Variance of the AUC estimate (DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44, eqs. 4-6).

    0 for fewer than two examples on either side or for a perfect separation: the intervals know.
    """
    m, n = counts.num_members, counts.num_non_members
    if m < 2 or n < 2:
        return 0.0
    non_members_below = np.cumsum(counts.non_members) - counts.non_members / 2
    members_above = m - np.cumsum(counts.members) + counts.members / 2
    return _weighted_variance(non_members_below / n, counts.members, m) / m + (
        _weighted_variance(members_above / m, counts.non_members, n) / n
    )


def staircase(counts: RocCounts) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """False and true positives of every threshold, from none flagged to all flagged; each (k + 1,)."""
    zero = np.zeros(1, np.int64)
    false_positives = np.concatenate([zero, np.cumsum(counts.non_members[::-1])])
    true_positives = np.concatenate([zero, np.cumsum(counts.members[::-1])])
    return false_positives, true_positives


def _reduce(keys: NDArray, members: NDArray, non_members: NDArray) -> RocCounts:
    """Sorted keys made distinct, their counts added up."""
    if not len(keys):
        return RocCounts(keys, members, non_members)
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return RocCounts(keys[starts], np.add.reduceat(members, starts), np.add.reduceat(non_members, starts))


def _weighted_variance(values: NDArray[np.float64], weights: NDArray[np.int64], total: int) -> float:
    mean = weights @ values / total
    return float(weights @ (values - mean) ** 2 / (total - 1))
