"""Counts of one model's scores or of two models' together: how they add up, stay bounded and become figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.gate.baseline import attacks_paired
from privacy_component.metrics.change import Baseline
from privacy_component.metrics.counts import joint, roc
from privacy_component.metrics.counts.against import members_against
from privacy_component.metrics.counts.groups import GroupTotals
from privacy_component.metrics.counts.mergeable import Mergeable
from privacy_component.metrics.counts.scored_groups import GroupPairs, ScoredGroups
from privacy_component.metrics.registry import Metric

OneModel = roc.RocCounts | GroupTotals | ScoredGroups
Counter = Callable[[np.ndarray, np.ndarray, int], Sequence[Any]]


@dataclasses.dataclass(frozen=True, eq=False)
class PairedCounts(Mergeable):
    """The counts of an attack on two models, of one slice and fold.

    Attributes:
      candidate, baseline: of either model.
      together: of both; None where no threshold needs them, or where groups are counted, whose totals tell them.
    """

    candidate: OneModel
    baseline: OneModel
    together: joint.JointCounts | None

    def merge(self, *others: PairedCounts) -> PairedCounts:
        """The counts of all parts together."""
        parts = (self, *others)
        together = [part.together for part in parts if part.together is not None]
        return PairedCounts(
            _merged([part.candidate for part in parts]),
            _merged([part.baseline for part in parts]),
            _merged(together) if together else None,
        )

    def bounded_to(self, most: int) -> PairedCounts:
        """At most so many distinct scores of either model, and pairs of scores."""
        together = None if self.together is None else self.together.bounded_to(most)
        return PairedCounts(self.candidate.bounded_to(most), self.baseline.bounded_to(most), together)


@dataclasses.dataclass(frozen=True, eq=False)
class FoldCounts(Mergeable):
    """The counts of one attack in one slice, fold by fold; one fold for an attack that learns nothing."""

    folds: tuple[OneModel | PairedCounts, ...]

    def merge(self, *others: FoldCounts) -> FoldCounts:
        """The counts of all parts together."""
        return FoldCounts(tuple(map(_merged, zip(self.folds, *(part.folds for part in others), strict=True))))

    def bounded_to(self, most: int) -> FoldCounts:
        """At most so many distinct scores in each fold."""
        return FoldCounts(tuple(fold.bounded_to(most) for fold in self.folds))

    @property
    def of_candidate(self) -> list[OneModel]:
        """The candidate's counts of each fold."""
        return [fold.candidate if isinstance(fold, PairedCounts) else fold for fold in self.folds]


def scored(counts: FoldCounts) -> FoldCounts:
    """The same with one score for each group, where groups are counted."""
    return FoldCounts(tuple(map(_scored_fold, counts.folds)))


def beside_all(part: FoldCounts, whole: FoldCounts, most: int) -> FoldCounts:
    """A slice's members and the non-members of all examples, both from `scored`."""
    folds = tuple(_fold_beside(*folds) for folds in zip(part.folds, whole.folds, strict=True))
    return FoldCounts(folds).bounded_to(most)


def both(candidate: Counter, baseline: Counter, together: Counter | None) -> Counter:
    """What counts rows for two models at once, from what counts them for either and, if needed, together."""

    def count(rows: np.ndarray, codes: np.ndarray, num_slices: int) -> list[PairedCounts]:
        parts = [one(rows, codes, num_slices) for one in (candidate, baseline)]
        pairs = together(rows, codes, num_slices) if together else [None] * num_slices
        return [PairedCounts(*counts) for counts in zip(*parts, pairs, strict=True)]

    return count


def baseline_of(attack: str, counts: FoldCounts, metrics: Sequence[Metric], config: PrivacyConfig) -> Baseline | None:
    """What the attack finds in the baseline model; None if it was not attacked."""
    paired = [fold for fold in counts.folds if isinstance(fold, PairedCounts)]
    if not paired:
        return None
    together, most = None, config.measurement.max_distinct_scores
    if attack in attacks_paired(config):
        together = [_together(fold, most) for fold in paired]
    return Baseline.of([as_counts(fold.baseline, most) for fold in paired], together, metrics)


def as_counts(fold: OneModel, max_keys: int) -> roc.RocCounts:
    """The counts of one fold, of groups where these are the unit."""
    one = _scored(fold)
    return roc.bounded(one.counts(), max_keys) if isinstance(one, ScoredGroups) else one


def _together(fold: PairedCounts, max_pairs: int) -> joint.JointCounts:
    if fold.together is not None:
        return fold.together
    ours, theirs = _scored(fold.candidate), _scored(fold.baseline)
    assert isinstance(ours, ScoredGroups) and isinstance(theirs, ScoredGroups)  # the same groups, in the same order
    return joint.bounded(GroupPairs(ours, theirs).counts(), max_pairs)


def _scored_fold(fold: OneModel | PairedCounts) -> OneModel | PairedCounts:
    if isinstance(fold, PairedCounts):
        return PairedCounts(_scored(fold.candidate), _scored(fold.baseline), fold.together)
    return _scored(fold)


def _scored(fold: OneModel) -> roc.RocCounts | ScoredGroups:
    return fold.scored if isinstance(fold, GroupTotals) else fold


def _fold_beside(part: Any, whole: Any) -> Any:
    if not isinstance(part, PairedCounts):
        return members_against(part, whole)
    together = None if part.together is None else members_against(part.together, whole.together)
    return PairedCounts(
        members_against(part.candidate, whole.candidate), members_against(part.baseline, whole.baseline), together
    )


def _merged(parts: Sequence[Any]) -> Any:
    return parts[0].merge(*parts[1:])
