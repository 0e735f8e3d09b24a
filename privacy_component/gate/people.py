"""Whether groups can be compared at all: those on both sides, and those of sizes that one side lacks.

A group that is on both sides is left out. Were 5 % of the members given away for certain and all others not at all, the
AUC would be 0.525: that much can hide among those left out, so up to that share is warned of, and more is an error.
"""

from __future__ import annotations

from collections.abc import Iterator

from scipy import stats

from privacy_component.config.settings import PeopleSettings
from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.counts.scored_groups import ScoredGroups
from privacy_component.observations.slicing import OVERALL, SliceKey, slice_name

MOST_MIXED = 0.05
FEWEST_COMPARED = 0.2
FEWEST_GROUPS = 100  # on a side; below it a single group moves the AUC by half a hundredth and more
# How often sizes that are drawn alike for both sides are said to differ, at most.
_SIZES_ALPHA = 0.01
_SPLIT_BY_GROUP = (
    'Split by group and not by record: with ExampleGen, name the feature in SplitConfig.partition_feature_name, so '
    'that all records of a group fall into one split.'
)


def group_warnings(key: SliceKey, groups: ScoredGroups, people: PeopleSettings) -> Iterator[str]:
    """What is to be said of the groups of a slice; of all examples' more than of others.

    Args:
      key: the slice's.
      groups: of all folds.
      people: from how many members and non-members a slice may be named.

    Raises:
      PrivacyInputError: too many of all groups are on both sides, or of a size that the other side lacks.
    """
    if key == OVERALL:
        _check_mixed(groups)
        _check_compared(groups)
        if groups.num_mixed:
            yield f'{_num_mixed(groups)} and were left out: they are on neither side. {_SPLIT_BY_GROUP}'
        yield from _unequal_sizes(groups)
        yield from few_groups_warning(groups)
    elif min(_sides(groups)) >= max(people.min_reported_examples, 1) and _compared_share(groups) < FEWEST_COMPARED:
        yield f'{slice_name(key)}: {_few_compared(groups)}'


def mixed_rows_warning(groups: ScoredGroups) -> str:
    """What is to be said where rows are counted and some groups have rows on both sides."""
    return (
        f'{_num_mixed(groups)}: what the model has learnt of a group shows on the side of the non-members too, which '
        f'hides a leak. {_SPLIT_BY_GROUP}'
    )


def few_groups_warning(groups: ScoredGroups) -> Iterator[str]:
    """What is to be said where a side has fewer than 100 groups, whether groups are counted or their rows."""
    members, others = _sides(groups)
    if 0 < min(members, others) < FEWEST_GROUPS:
        yield (
            f'There are {members:,} groups of members and {others:,} of non-members. With fewer than {FEWEST_GROUPS} '
            'on a side a few people decide what the figures say: read the intervals, and give more groups.'
        )


def _check_mixed(groups: ScoredGroups) -> None:
    share = groups.num_mixed / max(min(_sides(groups)) + groups.num_mixed, 1)
    if share > MOST_MIXED:
        raise PrivacyInputError(
            f'{_num_mixed(groups)}, {share:.0%} of the groups of one side, so that nobody can say on which side they '
            f'are; at most {MOST_MIXED:.0%} may be left out. {_SPLIT_BY_GROUP}'
        )


def _check_compared(groups: ScoredGroups) -> None:
    if min(_sides(groups)) and _compared_share(groups) < FEWEST_COMPARED:
        raise PrivacyInputError(
            f'{_few_compared(groups)} Give members and non-members of like numbers of examples: draw as many from each '
            'group, or split groups by lot.'
        )


def _unequal_sizes(groups: ScoredGroups) -> Iterator[str]:
    sizes = [groups.num_rows[side] for side in (groups.members, groups.non_members)]
    if not min(map(len, sizes)):
        return
    left_out = sum(_sides(groups)) - len(groups.comparable)
    differ = stats.ks_2samp(*sizes, method='asymp').pvalue < _SIZES_ALPHA
    if differ or left_out > MOST_MIXED * sum(_sides(groups)):
        yield (
            f'Groups of members have {sizes[0].mean():.3g} examples on average and those of non-members '
            f'{sizes[1].mean():.3g}. That alone would look like a leak or hide one, so groups are compared with groups '
            f'of as many examples; {left_out:,} of {sum(_sides(groups)):,} were left out, because the other side has '
            'too few of their size.'
        )


def _num_mixed(groups: ScoredGroups) -> str:
    return f'{groups.num_mixed:,} groups have both members and non-members'


def _few_compared(groups: ScoredGroups) -> str:
    members, others = _compared(groups)
    return (
        f'only {members:,} of {groups.num_members:,} groups of members and {others:,} of {groups.num_non_members:,} of '
        'non-members can be compared with groups of as many examples on the other side.'
    )


def _compared_share(groups: ScoredGroups) -> float:
    return min(one / of for one, of in zip(_compared(groups), _sides(groups), strict=True))


def _compared(groups: ScoredGroups) -> tuple[int, int]:
    return _sides(groups.select(groups.comparable))


def _sides(groups: ScoredGroups) -> tuple[int, int]:
    return groups.num_members, groups.num_non_members
