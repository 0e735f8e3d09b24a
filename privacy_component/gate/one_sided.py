"""Slices with many members and hardly a non-member: what cannot be decided on them by themselves, and is told.

Their members are compared with the non-members of all data. That finds a leak, but does not prove one: a slice that is
easier than the rest looks the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.metrics.counts.sides import Sides
from privacy_component.metrics.slice_result import SliceResult
from privacy_component.observations.derived import is_made_of_outputs
from privacy_component.observations.slicing import (
    OVERALL,
    SliceKey,
    is_against_all,
    own_key,
    slice_name,
)

# A slice of few non-members is one-sided, and not only small, if it has less than a third of those that its number of
# members would lead to expect.
_FEWER = 3
CAUTION = (
    'Its members were compared with all non-members, because it has too few of its own: that the slice is easier than '
    'the rest can look like a leak here. Give non-members of that value, or mend how it is written in either split.'
)


def is_one_sided(key: SliceKey, counts: Sequence[Sides], whole: Sequence[Sides], config: PrivacyConfig) -> bool:
    """Whether a slice has members enough to be named, and too few non-members to be decided by itself.

    Args:
      key: the slice's.
      counts: of its examples, fold by fold.
      whole: of all examples.
      config: the smallest samples to name and to decide.
    """
    if key == OVERALL or is_made_of_outputs(key):
        return False
    members, others = _sizes(counts)
    if members < max(config.people.min_reported_examples, 1):
        return False
    if others < config.people.min_reported_examples:
        return True
    all_members, all_others = _sizes(whole)
    return others < config.decision.min_examples <= members and _FEWER * others * all_members < members * all_others


def one_sided_slices(results: Sequence[SliceResult], config: PrivacyConfig) -> Iterator[tuple[SliceKey, str]]:
    """The slices that are named only by what their members are beside all non-members, each with a sentence."""
    listed = {result.slice_key for result in results}
    members = {own_key(r.slice_key): r.num_members for r in results if is_against_all(r.slice_key)}
    for key, num_members in members.items():
        if key not in listed:
            yield (
                key,
                (
                    f'{slice_name(key)}: undecided, with {num_members:,} members and fewer than '
                    f'{config.people.min_reported_examples:,} non-members. {CAUTION}'
                ),
            )


def _sizes(counts: Sequence[Sides]) -> tuple[int, int]:
    return sum(one.num_members for one in counts), sum(one.num_non_members for one in counts)
