"""Groups with one score each, compared with groups of as many rows.

A group of many rows has another mean than one of few, and a higher maximum, trained on or not: where members have more
rows than others, that alone looks like a leak, or hides one. So a group's score becomes its standing among the groups
of about its size, members and non-members together. Without a leak every standing is as likely for either, whatever the
sizes; with one, the AUC compares within sizes, weighted as overlap weights are (Li, Morgan and Zaslavsky 2018, JASA
113). A size with far more of one side than all groups have would only dilute that, so there the surplus is left out.

A group with rows on both sides is neither a member nor a non-member, and left out.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray

from privacy_component.arrays import all_rows
from privacy_component.hashing import mix
from privacy_component.metrics.counts import joint, roc
from privacy_component.metrics.counts.mergeable import Mergeable
from privacy_component.metrics.counts.sides import Sides

# Sizes of the same leading bits count as one: 1 to 15 as they are, 16 with 17, ..., at most an eighth apart.
_LEADING_BITS = 4
# A size may have 3/2 times as many members to a non-member as all groups have, or 2/3. That takes at most 4 % from how
# far an AUC is from 0.5: the share of members differs by at most 0.1 from its mean of 0.5, and 0.1^2 / 0.25 = 0.04.
_UNEVEN = (3, 2)
_CHOICE = 6  # a seed of its own, so that the choice has nothing to do with folds


@dataclasses.dataclass(frozen=True, eq=False)
class ScoredGroups(Sides, Mergeable):
    """The groups of one slice and fold.

    Attributes:
      group_id: (g,) uint64, ascending and distinct.
      scores: (g,) higher = more likely that the group was trained on.
      member_rows: (g,) how many of the group's rows are members.
      num_rows: (g,) how many rows it has.
    """

    group_id: NDArray[np.uint64]
    scores: NDArray[np.float64]
    member_rows: NDArray[np.int64]
    num_rows: NDArray[np.int64]

    @property
    def members(self) -> NDArray[np.bool_]:  # type: ignore[override]
        """(g,) True if all of the group's rows are members."""
        return self.member_rows == self.num_rows

    @property
    def non_members(self) -> NDArray[np.bool_]:  # type: ignore[override]
        """(g,) True if none of the group's rows is a member."""
        return self.member_rows == 0

    @property
    def num_mixed(self) -> int:
        """How many groups have both members and non-members."""
        return len(self.group_id) - self.num_members - self.num_non_members

    def select(self, groups: slice | NDArray) -> ScoredGroups:
        """Some of the groups."""
        return ScoredGroups(*(getattr(self, field.name)[groups] for field in dataclasses.fields(self)))

    def merge(self, *others: ScoredGroups) -> ScoredGroups:
        """The groups of all parts, each of which is in one of them."""
        names = [field.name for field in dataclasses.fields(self)]
        columns = (np.concatenate([getattr(part, name) for part in (self, *others)]) for name in names)
        groups = ScoredGroups(*columns)
        return groups.select(np.argsort(groups.group_id, kind='stable'))

    def against(self, whole: ScoredGroups) -> ScoredGroups:
        """The members among these and the non-members among others."""
        return self.select(self.members).merge(whole.select(whole.non_members))

    @functools.cached_property
    def comparable(self) -> NDArray[np.int64]:
        """Which groups are compared, ascending; it depends on sizes and ids, never on scores.

        All that are not mixed, but of a size with too many of one side only as many as there may be, by their hashes;
        none of a size that one side lacks.
        """
        pure = np.flatnonzero(self.members | self.non_members)
        if not self.num_members or not self.num_non_members:
            return pure
        is_member = self.members[pure]
        sizes, size = np.unique(_rounded(self.num_rows[pure]), return_inverse=True)
        of_members, of_others = (np.bincount(size[side], minlength=len(sizes)) for side in (is_member, ~is_member))
        most_members = _at_most(of_others, self.num_members, self.num_non_members)
        most_others = _at_most(of_members, self.num_non_members, self.num_members)
        most = np.where(is_member, most_members[size], most_others[size])
        order = np.lexsort((mix(self.group_id[pure], _CHOICE), is_member, size))
        return np.sort(pure[order[_places(size[order], is_member[order]) < most[order]]])

    def compared(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Scores of the comparable groups, and which are members; the scores as they are if all are of one size."""
        kept = self.select(self.comparable)
        sizes = _rounded(kept.num_rows)
        if not len(sizes) or (sizes == sizes[0]).all():
            return kept.scores, kept.members
        return _standings(roc.score_keys(kept.scores), sizes), kept.members

    def counts(self) -> roc.RocCounts:
        """The comparable groups by score."""
        scores, is_member = self.compared()
        return roc.count_scores(roc.score_keys(scores), is_member)


@dataclasses.dataclass(frozen=True, eq=False)
class GroupPairs(Sides):
    """The same groups with the scores of two models.

    Attributes:
      candidate, baseline: with either's.
    """

    candidate: ScoredGroups
    baseline: ScoredGroups

    @property
    def members(self) -> NDArray[np.bool_]:  # type: ignore[override]
        """(g,) as of one model."""
        return self.candidate.members

    @property
    def non_members(self) -> NDArray[np.bool_]:  # type: ignore[override]
        """(g,) as of one model."""
        return self.candidate.non_members

    def against(self, whole: GroupPairs) -> GroupPairs:
        """The members among these and the non-members among others."""
        return GroupPairs(self.candidate.against(whole.candidate), self.baseline.against(whole.baseline))

    def counts(self) -> joint.JointCounts:
        """The comparable groups by both scores."""
        (ours, is_member), (theirs, _) = self.candidate.compared(), self.baseline.compared()
        pairs = joint.SortedPairs.of(ours, theirs, is_member)
        (counts,) = pairs.count(all_rows(len(ours)), np.zeros(len(ours), np.int64), 1)
        return counts


def starts_of(*sorted_keys: NDArray) -> NDArray[np.int64]:
    """Where a new combination of keys begins in sorted rows."""
    is_first = np.ones(len(sorted_keys[0]), bool)
    is_first[1:] = np.any([keys[1:] != keys[:-1] for keys in sorted_keys], axis=0)
    return np.flatnonzero(is_first)


def _rounded(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """(g,) sizes cut to their leading bits."""
    cut = np.maximum(np.frexp(sizes.astype(np.float64))[1].astype(np.int64) - _LEADING_BITS, 0)
    return sizes >> cut << cut


def _at_most(opposite: NDArray[np.int64], num_own: int, num_opposite: int) -> NDArray[np.int64]:
    """How many groups of one side may stand beside so many of the other; rounded up."""
    return -(-_UNEVEN[0] * opposite * num_own // (_UNEVEN[1] * num_opposite))


def _places(*sorted_keys: NDArray) -> NDArray[np.int64]:
    """(g,) the place of each row among those with the same keys, from 0."""
    starts, end = starts_of(*sorted_keys), len(sorted_keys[0])
    return np.arange(end) - np.repeat(starts, np.diff(starts, append=end))


def _standings(keys: NDArray[np.uint64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """(g,) the share of the groups of each one's size that are below it, ties half."""
    order = np.lexsort((keys, sizes))
    ties, same_size = (_spans(*sorted_by) for sorted_by in ((sizes[order], keys[order]), (sizes[order],)))
    standings = np.empty(len(keys))
    standings[order] = (ties.sum(axis=0) / 2 - same_size[0]) / (same_size[1] - same_size[0])
    return standings


def _spans(*sorted_keys: NDArray) -> NDArray[np.int64]:
    """(2, g) where the rows with the same keys as each begin and end."""
    starts, end = starts_of(*sorted_keys), len(sorted_keys[0])
    lengths = np.diff(starts, append=end)
    return np.stack([np.repeat(starts, lengths), np.repeat(starts + lengths, lengths)])
