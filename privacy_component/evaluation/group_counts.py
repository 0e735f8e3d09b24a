"""What is to be said of groups before anything is measured of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from privacy_component.arrays import all_rows
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.gate.people import few_groups_warning, group_warnings, mixed_rows_warning
from privacy_component.metrics.counts.groups import NO_AGGREGATION, aggregate
from privacy_component.metrics.counts.scored_groups import ScoredGroups
from privacy_component.observations.observations import Observations
from privacy_component.observations.slicing import SliceRows


def look_at_groups(observations: Observations, slices: Sequence[SliceRows], config: PrivacyConfig) -> Iterator[str]:
    """Warnings of groups on both sides and of sizes that differ; none without groups.

    Raises:
      PrivacyInputError: groups are counted, and too many of them cannot be compared.
    """
    if observations.group_id is None:
        return
    if config.people.group_aggregation == NO_AGGREGATION:
        (groups,) = _without_scores(observations, all_rows(len(observations)), np.zeros(len(observations), int), 1)
        if groups.num_mixed:
            yield mixed_rows_warning(groups)
        yield from few_groups_warning(groups)
        return
    for sliced in slices:
        parts = _without_scores(observations, sliced.rows, sliced.codes, len(sliced.keys))
        for key, groups in zip(sliced.keys, parts, strict=True):
            yield from group_warnings(key, groups, config.people)


def _without_scores(observations: Observations, rows: NDArray, codes: NDArray, num_slices: int) -> list[ScoredGroups]:
    """The groups of each slice; who is compared depends on their rows alone."""
    members, groups = observations.is_member[rows], observations.group_id
    assert groups is not None
    return aggregate(np.zeros(len(rows)), members, codes, groups[rows], num_slices, 'max')
