"""The members of one part of the data beside the non-members of another."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

import numpy as np

from privacy_component.metrics.counts.joint import JointCounts
from privacy_component.metrics.counts.roc import RocCounts
from privacy_component.metrics.counts.scored_groups import GroupPairs, ScoredGroups

_Counts = TypeVar('_Counts', RocCounts, JointCounts, ScoredGroups, GroupPairs)


def members_against(part: _Counts, whole: _Counts) -> _Counts:
    """The members of one and the non-members of the other; exact, as both are integers, or groups."""
    if isinstance(part, ScoredGroups | GroupPairs):
        return part.against(whole)
    return _one_side(part, 'members').merge(_one_side(whole, 'non_members'))


def _one_side(counts: _Counts, side: str) -> _Counts:
    kept = getattr(counts, side) > 0
    names = [f.name for f in dataclasses.fields(counts) if isinstance(getattr(counts, f.name), np.ndarray)]
    other = 'non_members' if side == 'members' else 'members'
    columns = {name: getattr(counts, name)[kept] for name in names}
    return dataclasses.replace(counts, **columns | {other: np.zeros_like(columns[other])})
