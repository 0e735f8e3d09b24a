"""From an attack's scores of all examples to the counts of every slice and fold."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privacy_component.arrays import all_rows
from privacy_component.attacks.crossfit import FoldScores
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.errors import PrivacyInputError
from privacy_component.gate.one_sided import is_one_sided
from privacy_component.metrics.counts import roc
from privacy_component.metrics.counts.against import members_against
from privacy_component.metrics.counts.groups import NO_AGGREGATION, aggregate
from privacy_component.metrics.counts.joint import JointCounts, SortedPairs
from privacy_component.metrics.counts.scored_groups import GroupPairs, ScoredGroups
from privacy_component.metrics.design_effect import change_design_effect, design_effect
from privacy_component.observations.observations import Observations
from privacy_component.observations.slicing import OVERALL, SliceKey, SliceRows, against_all


def _independent(rows: NDArray, codes: NDArray, num_counts: int) -> NDArray[np.float64]:
    """The design effects where groups are what is counted."""
    return np.ones(num_counts)


def counts_by_slice(
    scored: FoldScores, observations: Observations, slices: Sequence[SliceRows], config: PrivacyConfig
) -> Iterator[tuple[SliceKey, list[roc.RocCounts], float]]:
    """Every slice's counts, fold by fold, and the design effect of groups in it; the overall slice comes first.

    A slice that is one-sided is followed by its members beside all non-members.
    """
    how = config.people.group_aggregation
    by_group = how != NO_AGGREGATION
    if by_group:
        if observations.group_id is None:
            raise PrivacyInputError(f"PrivacyConfig.people.group_aggregation is '{how}': give group_ids.")
    else:
        sorted_scores = roc.SortedScores.of(roc.score_keys(scored.scores), observations.is_member)
    effects_of = _independent if by_group else functools.partial(_design_effects, scored, observations)
    whole: list[Any] = []
    for sliced in slices:
        rows, codes = _slice_and_fold(scored, sliced)
        num_counts = len(sliced.keys) * scored.num_folds
        if by_group:
            counts: Iterator[Any] = iter(_groups(scored, observations, rows, codes, num_counts, how))
        else:
            counts = sorted_scores.each(rows, codes, num_counts)
        effect = functools.partial(_effect_beside, effects_of, scored, observations, rows, codes)
        yield from _each(sliced, counts, effects_of(rows, codes, num_counts), scored.num_folds, whole, config, effect)


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
    effects_of = _independent if by_group else functools.partial(_change_effects, scored, other, observations)
    whole: list[Any] = []
    for sliced in slices:
        rows, codes = _slice_and_fold(scored, sliced)
        num_counts = len(sliced.keys) * scored.num_folds
        if by_group:
            both = (_groups(one, observations, rows, codes, num_counts, how) for one in (scored, other))
            counts: Iterator[Any] = itertools.starmap(GroupPairs, zip(*both, strict=True))
        else:
            counts = pairs.each(rows, codes, num_counts)
        effect = functools.partial(_effect_beside, effects_of, scored, observations, rows, codes)
        effects = effects_of(rows, codes, num_counts)
        for _, folds, largest in _each(sliced, counts, effects, scored.num_folds, whole, config, effect):
            yield folds, largest


def _each(
    sliced: SliceRows,
    counts: Iterator[Any],
    effects: NDArray[np.float64],
    num_folds: int,
    whole: list[Any],
    config: PrivacyConfig,
    effect_beside: Callable[[slice], float],
) -> Iterator[tuple[SliceKey, list[Any], float]]:
    """Every slice's counts of each fold, and after a one-sided one those of its members beside all non-members.

    `whole` keeps the counts of all examples, which come first.
    """
    for i, key in enumerate(sliced.keys):
        part = slice(i * num_folds, (i + 1) * num_folds)
        folds = list(itertools.islice(counts, num_folds))
        yield key, list(map(_finished, folds)), float(effects[part].max())
        if key == OVERALL:
            whole[:] = folds
        if is_one_sided(key, folds, whole, config):
            beside = list(map(_finished, map(members_against, folds, whole)))
            yield against_all(key), beside, effect_beside(part)


def _slice_and_fold(scored: FoldScores, sliced: SliceRows) -> tuple[NDArray, NDArray]:
    """Rows that have a score, and for each the number of its slice and fold together."""
    rows, codes = sliced.rows, sliced.codes
    if scored.num_folds == 1:
        return rows, codes
    kept = scored.fold[rows] >= 0
    rows = rows[kept]
    return rows, codes[kept].astype(np.int64) * scored.num_folds + scored.fold[rows]


def _effect_beside(
    effects_of: Callable[[NDArray, NDArray, int], NDArray[np.float64]],
    scored: FoldScores,
    observations: Observations,
    rows: NDArray,
    codes: NDArray,
    part: slice,
) -> float:
    """The design effect among the members of one slice and all non-members."""
    if observations.group_id is None:
        return 1.0
    return float(effects_of(*_beside_all(scored, observations, rows, codes, part)).max())


def _beside_all(
    scored: FoldScores, observations: Observations, rows: NDArray, codes: NDArray, part: slice
) -> tuple[NDArray, NDArray, int]:
    """The members among the rows of one slice, and all non-members; the fold of each; and the number of folds."""
    inside = (codes >= part.start) & (codes < part.stop) & observations.is_member[rows]
    everyone = SliceRows(all_rows(len(observations)), np.zeros(len(observations), np.uint8), (OVERALL,))
    all_of, folds = _slice_and_fold(scored, everyone)
    others = ~observations.is_member[all_of]
    chosen = np.concatenate([rows[inside], all_of[others]])
    return chosen, np.concatenate([codes[inside].astype(np.int64) - part.start, folds[others]]), scored.num_folds


def _groups(
    scored: FoldScores, observations: Observations, rows: NDArray, codes: NDArray, num_counts: int, how: str
) -> list[ScoredGroups]:
    groups = observations.group_id
    assert groups is not None
    return aggregate(scored.scores[rows], observations.is_member[rows], codes, groups[rows], num_counts, how)


def _finished(one: Any) -> Any:
    """Counts, of groups too, once there is nothing more to put beside them."""
    return one.counts() if isinstance(one, ScoredGroups | GroupPairs) else one


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
