"""Slices too small to be named: a report that tells who is in a group of three would be a leak itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from privacy_component.metrics.slice_result import SliceResult
from privacy_component.observations.slicing import LOSS_PERCENTILE_FEATURE, SliceKey, own_key


def suppress(results: Sequence[SliceResult], min_reported_examples: int) -> tuple[tuple[SliceResult, ...], int]:
    """The results that may be reported, in their order, and how many slices are left out.

    A slice is left out if any attack has fewer members or fewer non-members than `min_reported_examples` in it. The
    overall slice stays, and so do its tenths by loss, which are points of its ROC and no group that anyone could name.
    A slice of members enough stays by what its members are beside all non-members (`one_sided`), and is not counted:
    so many give nobody away, and how many non-members it has is not told.
    """
    sizes: dict[SliceKey, list[int]] = defaultdict(list)
    for result in results:
        sizes[result.slice_key].append(min(result.num_members, result.num_non_members))
    hidden = {key for key, sides in sizes.items() if min(sides) < min_reported_examples and not _is_exempt(key)}
    listed = tuple(result for result in results if result.slice_key not in hidden)
    named = {own_key(result.slice_key) for result in listed}
    return listed, len({own_key(key) for key in hidden} - named)


def suppressed_sentence(num_slices: int, min_reported_examples: int) -> str:
    """How many slices are not listed, and why."""
    slices = f'{num_slices:,} slice with' if num_slices == 1 else f'{num_slices:,} slices with'
    verb = 'is' if num_slices == 1 else 'are'
    return f'{slices} fewer than {min_reported_examples:,} members or non-members {verb} not listed.'


def _is_exempt(key: SliceKey) -> bool:
    return all(name == LOSS_PERCENTILE_FEATURE for name, _ in key)
