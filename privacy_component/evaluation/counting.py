"""From an attack's scores of all examples to the counts of every slice and fold."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from privacy_component.arrays import all_rows
from privacy_component.attacks.crossfit import FoldScores
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.counts import roc
from privacy_component.metrics.counts.groups import NO_AGGREGATION, GroupScores, aggregate
from privacy_component.metrics.counts.joint import JointCounts, SortedPairs
from privacy_component.metrics.design_effect import change_design_effect, design_effect
from privacy_component.observations.observations import Observations
from privacy_component.observations.slicing import SliceKey, SliceRows


def counts_by_slice(
    scored: FoldScores, observations: Observations, slices: Sequence[SliceRows], config: PrivacyConfig
) -> Iterator[tuple[SliceKey, list[roc.RocCounts], float]]:
    """Every slice's counts, fold by fold, and the design effect of groups in it."""
    how = config.people.group_aggregation
    by_group = how != NO_AGGREGATION
    if by_group:
        if observations.group_id is None:
            raise PrivacyInputError(f"PrivacyConfig.people.group_aggregation is '{how}': give group_ids.")
    else:
        sorted_scores = roc.SortedScores.of(roc.score_keys(scored.scores), observations.is_member)
    for sliced in slices:
        rows, codes = _slice_and_fold(scored, sliced)
        num_counts = len(sliced.keys) * scored.num_folds
        if by_group:
            counts = iter(_group_counts(scored, observations, rows, codes, num_counts, how))
        else:
            counts = sorted_scores.each(rows, codes, num_counts)
        effects = np.ones(num_counts) if by_group else _design_effects(scored, observations, rows, codes, num_counts)
        for i, key in enumerate(sliced.keys):
            part = slice(i * scored.num_folds, (i + 1) * scored.num_folds)
            yield key, list(itertools.islice(counts, scored.num_folds)), float(effects[part].max())


def joint_by_slice(
    scored: FoldScores,
    other: FoldScores,
    observations: Observations,
    slices: Sequence[SliceRows],
    config: PrivacyConfig,
) -> Iterator[tuple[list[JointCounts], float]]:
    """Every slice's counts of both models' scores together, fold by fold, and the design effect of groups on a change.

    Args:
      scored: by the candidate model's outputs.
      other: by the baseline model's, of the same rows in the same folds.
      observations, slices, config: as for `counts_by_slice`.
    """
    how = config.people.group_aggregation
    by_group = how != NO_AGGREGATION
    if not by_group:
        pairs = SortedPairs.of(scored.scores, other.scores, observations.is_member)
    for sliced in slices:
        rows, codes = _slice_and_fold(scored, sliced)
        num_counts = len(sliced.keys) * scored.num_folds
        if by_group:
            units, theirs = (_units(one, observations, rows, codes, how) for one in (scored, other))
            unit_pairs = SortedPairs.of(units.scores, theirs.scores, units.is_member)
            counts = unit_pairs.each(all_rows(len(units.codes)), units.codes, num_counts)
            effects = np.ones(num_counts)
        else:
            counts = pairs.each(rows, codes, num_counts)
            effects = _change_effects(scored, other, observations, rows, codes, num_counts)
        for part in effects.reshape(-1, scored.num_folds):
            yield list(itertools.islice(counts, scored.num_folds)), float(part.max())


def _slice_and_fold(scored: FoldScores, sliced: SliceRows) -> tuple[NDArray, NDArray]:
    """Rows that have a score, and for each the number of its slice and fold together."""
    rows, codes = sliced.rows, sliced.codes
    if scored.num_folds == 1:
        return rows, codes
    kept = scored.fold[rows] >= 0
    rows = rows[kept]
    return rows, codes[kept].astype(np.int64) * scored.num_folds + scored.fold[rows]


def _group_counts(
    scored: FoldScores, observations: Observations, rows: NDArray, codes: NDArray, num_counts: int, how: str
) -> list[roc.RocCounts]:
    units = _units(scored, observations, rows, codes, how)
    return roc.count_by_slice(units.codes, num_counts, roc.score_keys(units.scores), units.is_member)


def _units(scored: FoldScores, observations: Observations, rows: NDArray, codes: NDArray, how: str) -> GroupScores:
    assert observations.group_id is not None
    return aggregate(scored.scores[rows], observations.is_member[rows], codes, observations.group_id[rows], how)


def _design_effects(
    scored: FoldScores, observations: Observations, rows: NDArray, codes: NDArray, num_counts: int
) -> NDArray[np.float64]:
    """By how much dependence within groups inflates variances, for each slice and fold; 1 without groups."""
    scores, members, groups = scored.scores, observations.is_member, observations.group_id
    if groups is None:
        return np.ones(num_counts)
    parts = _parts(rows, codes, num_counts)
    return np.array([design_effect(scores[part], members[part], groups[part]) for part in parts])


def _change_effects(
    scored: FoldScores, other: FoldScores, observations: Observations, rows: NDArray, codes: NDArray, num_counts: int
) -> NDArray[np.float64]:
    """The same for the change of the AUC."""
    ours, theirs, members, groups = scored.scores, other.scores, observations.is_member, observations.group_id
    if groups is None:
        return np.ones(num_counts)
    parts = _parts(rows, codes, num_counts)
    return np.array([change_design_effect(ours[p], theirs[p], members[p], groups[p]) for p in parts])


def _parts(rows: NDArray, codes: NDArray, num_counts: int) -> list[NDArray]:
    """The rows of each slice and fold."""
    ends = np.cumsum(np.bincount(codes, minlength=num_counts))[:-1]
    return np.split(rows[np.argsort(codes, kind='stable')], ends)
