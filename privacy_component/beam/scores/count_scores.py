"""From batches to counts: every attack's scores, counted slice by slice, merged by adding integers."""

from __future__ import annotations

import collections
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from privacy_component.attacks import Attack, attack_named
from privacy_component.attacks.crossfit import fold_numbers
from privacy_component.beam.examples.read import NAMESPACE
from privacy_component.beam.models.batch import Batch, concatenate_batches
from privacy_component.beam.models.served_model import errors_of
from privacy_component.beam.models.totals import Totals, observations_of
from privacy_component.beam.plan import Plan
from privacy_component.beam.scores.job_keys import (
    AnswersKey,
    ColumnsKey,
    Key,
    ReferencesKey,
    ScoreKey,
    TotalsKey,
    WeightKey,
)
from privacy_component.beam.scores.merge import PARTS_KEPT, Merge
from privacy_component.beam.scores.two_models import Counter, FoldCounts, both
from privacy_component.beam.scores.weights import weigh
from privacy_component.checks.constant_signals import ColumnRanges
from privacy_component.checks.output_summary import Answers
from privacy_component.checks.reference_summary import ReferenceSummary
from privacy_component.evaluation.slices import slices_of
from privacy_component.gate.baseline import attacks_on_baseline, attacks_paired
from privacy_component.metrics.counts import roc
from privacy_component.metrics.counts.groups import NO_AGGREGATION, GroupTotals, totals_by_slice
from privacy_component.metrics.counts.joint import SortedPairs
from privacy_component.observations.needs import BASELINE
from privacy_component.observations.observations import Observations
from privacy_component.observations.slicing import SliceRows, too_many_slices

FittedAttacks = Mapping[str, Sequence[Attack]]

_BATCHES_AT_ONCE = 32
_COUNTING = 'score and count'


class Known(NamedTuple):
    """What side inputs tell; None for those that the plan needs not."""

    fitted: FittedAttacks | None = None
    totals: Totals | None = None
    loss_edges: np.ndarray | None = None
    fitted_to_baseline: FittedAttacks | None = None


class CountScores(beam.DoFn):
    """Batch -> ((slice key, attack), counts of each fold), one of each per bundle; and, where asked for, the totals."""

    def __init__(self, plan: Plan, attacks: Sequence[str], with_totals: bool):
        self._plan = plan
        self._attacks = tuple(attacks)
        self._with_totals = with_totals
        self._on_baseline = attacks_on_baseline(plan.config) if plan.baseline else ()
        self._merge = Merge(plan.config.measurement.max_distinct_scores)
        self._num_examples = Metrics.counter(NAMESPACE, 'examples_scored')
        self._num_slices = Metrics.distribution(NAMESPACE, 'slices_per_bundle')

    def start_bundle(self) -> None:
        """Starts counting anew, so that a retried bundle counts nothing twice."""
        self._parts: dict[Key, list[Any]] = collections.defaultdict(list)
        self._waiting: list[Batch] = []
        self._known = Known()

    def process(
        self,
        batch: Batch,
        fitted: FittedAttacks | None = None,
        totals: Totals | None = None,
        loss_edges: np.ndarray | None = None,
        fitted_to_baseline: FittedAttacks | None = None,
    ) -> None:
        """Takes a batch; counts when there are enough rows for the cost of a slice not to matter."""
        self._known = Known(fitted, totals, loss_edges, fitted_to_baseline)
        self._waiting.append(batch)
        self._num_examples.inc(len(batch.is_member))
        if self._with_totals:
            self._parts[TotalsKey()].append(Totals.of(batch, batch.nanoseconds))
        if len(self._waiting) >= _BATCHES_AT_ONCE:
            self._count_waiting()

    def _count_waiting(self) -> None:
        started = time.process_time_ns()
        known = self._known
        batch = concatenate_batches(self._waiting)
        self._waiting = []
        observations = observations_of(batch, self._plan, known.totals)
        slices = slices_of(
            self._plan.slicing_specs, batch.features, observations, self._plan.config.slices.missing, known.loss_edges
        )
        for attack in self._attacks:
            scores, fold, num_folds = score(attack, observations, known.fitted, self._plan)
            count = counter(scores, observations, self._plan.config.people.group_aggregation)
            if attack in self._on_baseline:
                count = self._with_baseline(attack, count, scores, batch)
            for sliced in slices:
                self._count(attack, count, sliced, fold, num_folds)
        self._check_number_of_slices()
        if self._with_totals:
            self._weigh(batch, slices)
            self._parts[AnswersKey()].append(Answers.of(batch.outputs, observations))
            if observations.columns:
                self._parts[ColumnsKey()].append(ColumnRanges.of(observations, observations.columns))
            if self._plan.references:
                self._parts[ReferencesKey()].append(ReferenceSummary.of(observations))
            self._parts[TotalsKey()][-1].nanoseconds[_COUNTING] = time.process_time_ns() - started

    def _with_baseline(self, attack: str, count: Counter, scores: np.ndarray, batch: Batch) -> Counter:
        """What counts for the baseline model too, with the same rows in the same folds."""
        how = self._plan.config.people.group_aggregation
        with errors_of(BASELINE):
            observations = observations_of(batch, self._plan, role=BASELINE)
            theirs, _, _ = score(attack, observations, self._known.fitted_to_baseline, self._plan)
        together = None
        if how == NO_AGGREGATION and attack in attacks_paired(self._plan.config):
            together = SortedPairs.of(scores, theirs, batch.is_member).count
        return both(count, counter(theirs, observations, how), together)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Emits the bundle's counts."""
        if self._waiting:
            self._count_waiting()
        self._num_slices.update(len(self._parts))
        window = GlobalWindow()
        for key in list(self._parts):  # each is dropped once it is on its way, so that not all are held twice
            counts = self._merge.extract_output(self._parts.pop(key))
            yield WindowedValue((key, counts), window.max_timestamp(), (window,))

    def _count(self, attack: str, count: Counter, sliced: SliceRows, fold: np.ndarray | None, num_folds: int) -> None:
        rows, codes = sliced.rows, sliced.codes
        if fold is not None:
            codes = codes.astype(np.int64) * num_folds + fold[rows]
        counts = count(rows, codes, len(sliced.keys) * num_folds)
        for i, key in enumerate(sliced.keys):
            parts = self._parts[ScoreKey(key, attack)]
            parts.append(FoldCounts(tuple(counts[i * num_folds : (i + 1) * num_folds])))
            if len(parts) >= PARTS_KEPT:
                parts[:] = self._merge.compact(parts)

    def _weigh(self, batch: Batch, slices: Sequence[SliceRows]) -> None:
        for key, sums in weigh(batch, slices):
            known = self._parts[WeightKey(key)]
            known[:] = [sums.merge(known[0]) if known else sums]

    def _check_number_of_slices(self) -> None:
        if (
            len({key.slice_key for key in self._parts if isinstance(key, ScoreKey)})
            > self._plan.config.slices.max_slices
        ):
            raise too_many_slices(self._plan.config.slices.max_slices)


def score(
    attack: str, observations: Observations, fitted: FittedAttacks | None, plan: Plan
) -> tuple[np.ndarray, np.ndarray | None, int]:
    """Scores (n,), the fold that each was made in (None for an attack that learns nothing), and the number of folds."""
    info = attack_named(attack)
    observations = observations.only(info.needs)
    if not info.learns:
        (one,) = (fitted or {})[attack] if info.calibrates else (info.fit(observations),)
        return one.score(observations), None, 1
    num_folds = plan.config.measurement.folds
    fold = fold_numbers(observations, num_folds, plan.config.measurement.seed)
    scores = np.zeros(len(observations))
    for number, one in enumerate((fitted or {})[attack]):
        rows = np.flatnonzero(fold == number)
        if len(rows):
            scores[rows] = one.score(observations.select(rows))
    return scores, fold, num_folds


def counter(scores: np.ndarray, observations: Observations, how: str) -> Counter:
    """What counts rows (v,) of the observations, given their slices (v,) and the number of these, slice by slice.

    Args:
      scores: (n,).
      observations: n examples.
      how: PrivacyConfig.people.group_aggregation; 'none' gives RocCounts of rows, all else GroupTotals.
    """
    if how == NO_AGGREGATION:
        return roc.SortedScores.of(roc.score_keys(scores), observations.is_member).count

    def count(rows: np.ndarray, codes: np.ndarray, num_slices: int) -> Sequence[GroupTotals]:
        groups = observations.group_id
        assert groups is not None
        return totals_by_slice(scores[rows], observations.is_member[rows], codes, groups[rows], num_slices, how)

    return count
