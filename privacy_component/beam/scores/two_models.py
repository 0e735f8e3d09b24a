"""Counts of one model's scores or of two models' together: how they add up, stay bounded and become figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from privacy_component.arrays import all_rows
from privacy_component.beam.models.batch import Batch
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.gate.baseline import attacks_paired
from privacy_component.metrics.change import Baseline
from privacy_component.metrics.counts import joint, roc
from privacy_component.metrics.counts.groups import GroupTotals, merge_totals
from privacy_component.metrics.registry import Metric

Counter = Callable[[np.ndarray, np.ndarray, int], Sequence[Any]]


@dataclasses.dataclass(frozen=True, eq=False)
class PairedCounts:
    """The counts of an attack on two models, of one slice and fold.

    Attributes:
      candidate, baseline: of either model.
      together: of both; None where no threshold needs them, or where groups are counted, whose totals tell them.
    """

    candidate: roc.RocCounts | GroupTotals
    baseline: roc.RocCounts | GroupTotals
    together: joint.JointCounts | None


Counts = roc.RocCounts | GroupTotals | PairedCounts


def as_baseline(batch: Batch) -> Batch:
    """The batch as the baseline model sees it."""
    assert batch.baseline_outputs is not None
    return dataclasses.replace(batch, outputs=batch.baseline_outputs, baseline_outputs=None)


def both(candidate: Counter, baseline: Counter, together: Counter | None) -> Counter:
    """What counts rows for two models at once, from what counts them for either and, if needed, together."""

    def count(rows: np.ndarray, codes: np.ndarray, num_slices: int) -> list[PairedCounts]:
        parts = [one(rows, codes, num_slices) for one in (candidate, baseline)]
        pairs = together(rows, codes, num_slices) if together else [None] * num_slices
        return [PairedCounts(*counts) for counts in zip(*parts, pairs, strict=True)]

    return count


def add(parts: Sequence[Any]) -> Any:
    """The sum of counts of one kind."""
    first = parts[0]
    if isinstance(first, GroupTotals):
        return merge_totals(parts)
    if isinstance(first, roc.RocCounts):
        return roc.merge(parts)
    if isinstance(first, joint.JointCounts):
        return joint.merge(parts)
    fields = ([getattr(part, field.name) for part in parts] for field in dataclasses.fields(PairedCounts))
    sums: Any = (None if values[0] is None else add(values) for values in fields)
    return PairedCounts(*sums)


def bounded(counts: Any, max_keys: int) -> Any:
    """The counts with at most so many distinct scores, or pairs of scores; totals of groups as they are."""
    if isinstance(counts, roc.RocCounts):
        return roc.narrowed(roc.bounded(counts, max_keys))
    if isinstance(counts, joint.JointCounts):
        return joint.bounded(counts, max_keys)
    if not isinstance(counts, PairedCounts):
        return counts
    parts: Any = (bounded(part, max_keys) for part in (counts.candidate, counts.baseline, counts.together))
    return PairedCounts(*parts)


def candidate_of(folds: Sequence[Counts]) -> list[roc.RocCounts | GroupTotals]:
    """The candidate's counts of each fold."""
    return [fold.candidate if isinstance(fold, PairedCounts) else fold for fold in folds]


def baseline_of(
    attack: str, folds: Sequence[Counts], metrics: Sequence[Metric], config: PrivacyConfig
) -> Baseline | None:
    """What the attack finds in the baseline model; None if it was not attacked."""
    paired = [fold for fold in folds if isinstance(fold, PairedCounts)]
    if not paired:
        return None
    together = None
    if attack in attacks_paired(config):
        together = [_together(fold, config.max_distinct_scores) for fold in paired]
    return Baseline.of([as_counts(fold.baseline, config.max_distinct_scores) for fold in paired], together, metrics)


def as_counts(fold: roc.RocCounts | GroupTotals, max_keys: int) -> roc.RocCounts:
    """The counts of one fold, of groups where these are the unit."""
    if isinstance(fold, GroupTotals):
        return roc.bounded(roc.count_scores(roc.score_keys(fold.scores), fold.is_member), max_keys)
    return fold


def _together(fold: PairedCounts, max_pairs: int) -> joint.JointCounts:
    ours, theirs = fold.candidate, fold.baseline
    if fold.together is not None:
        return fold.together
    assert isinstance(ours, GroupTotals) and isinstance(theirs, GroupTotals)  # of the same groups, in the same order
    num_groups = len(ours.group_id)
    pairs = joint.SortedPairs.of(ours.scores, theirs.scores, ours.is_member)
    (counts,) = pairs.count(all_rows(num_groups), np.zeros(num_groups, np.int64), 1)
    return joint.bounded(counts, max_pairs)
