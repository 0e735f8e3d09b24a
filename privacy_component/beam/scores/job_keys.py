"""What is added up in the job, by keys of their own types, and what becomes of each total."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from apache_beam.metrics import Metrics

from privacy_component.beam.examples.read import NAMESPACE
from privacy_component.beam.models.totals import Totals
from privacy_component.beam.plan import Plan
from privacy_component.beam.scores.two_models import FoldCounts, as_counts, baseline_of, beside_all, scored
from privacy_component.beam.scores.weights import WeightSums
from privacy_component.checks.constant_signals import ColumnRanges
from privacy_component.checks.example_sketch import ExampleSketch
from privacy_component.checks.output_summary import Answers
from privacy_component.checks.reference_summary import ReferenceSummary
from privacy_component.gate.one_sided import is_one_sided
from privacy_component.gate.people import group_warnings
from privacy_component.metrics.counts.scored_groups import ScoredGroups
from privacy_component.metrics.counts.sides import Sides
from privacy_component.metrics.registry import metrics_for
from privacy_component.metrics.slice_result import SliceResult, measure
from privacy_component.observations.slicing import OVERALL, SliceKey, against_all

RESULTS = 'results'
TOTALS = 'totals'
WEIGHTS = 'weights'
EVIDENCE = 'evidence'
WARNINGS = 'warnings'

Measured = tuple[str, Any]  # one of the names above, and what belongs there


@dataclasses.dataclass(frozen=True)
class ScoreKey:
    """The counts of one attack's scores in one slice."""

    slice_key: SliceKey
    attack: str

    def measured(self, folds: FoldCounts, plan: Plan) -> Iterator[Measured]:
        """The result, and what is to be said of groups."""
        is_first = self.attack == plan.config.attacks[0]
        if is_first:
            Metrics.counter(NAMESPACE, 'slices').inc()
        if self.slice_key == OVERALL:
            Metrics.counter(NAMESPACE, 'attacks').inc()
        folds = scored(folds)
        groups = [fold for fold in folds.of_candidate if isinstance(fold, ScoredGroups)]
        if is_first and groups:
            for warning in group_warnings(self.slice_key, groups[0].merge(*groups[1:]), plan.config.people):
                yield WARNINGS, warning
        yield RESULTS, _result(self.slice_key, self.attack, folds, plan)

    def measured_beside_all(self, folds: FoldCounts, whole: FoldCounts, plan: Plan) -> Iterator[Measured]:
        """The result of a one-sided slice's members beside all non-members; `whole` is of all examples, by `scored`."""
        config = plan.config
        part = scored(folds)
        if is_one_sided(self.slice_key, _sides(part), _sides(whole), config):
            beside = beside_all(part, whole, config.measurement.max_distinct_scores)
            yield RESULTS, _result(against_all(self.slice_key), self.attack, beside, plan)


def overall_counts(counted: tuple[Key, Any], plan: Plan) -> Iterator[tuple[str, FoldCounts]]:
    """An attack's counts of all examples, which the members of one-sided slices are measured beside."""
    key, counts = counted
    if isinstance(key, ScoreKey) and key.slice_key == OVERALL:
        yield key.attack, scored(counts)


def _sides(counts: FoldCounts) -> list[Sides]:
    return [fold for fold in counts.of_candidate if isinstance(fold, Sides)]


def _result(key: SliceKey, attack: str, folds: FoldCounts, plan: Plan) -> SliceResult:
    config = plan.config
    metrics = metrics_for([threshold.metric for threshold in config.thresholds])
    counts = [as_counts(fold, config.measurement.max_distinct_scores) for fold in folds.of_candidate]
    baseline = baseline_of(attack, folds, metrics, config)
    return measure(
        key, attack, counts, metrics, config.decision.confidence_level, config.decision.min_examples, baseline=baseline
    )


@dataclasses.dataclass(frozen=True)
class WeightKey:
    """The sums of the example weights of one slice."""

    slice_key: SliceKey

    def measured(self, sums: WeightSums, plan: Plan) -> Iterator[Measured]:
        """The sums as they are."""
        yield WEIGHTS, (self.slice_key, sums)


@dataclasses.dataclass(frozen=True)
class TotalsKey:
    """What must be known of all examples together."""

    def measured(self, totals: Totals, plan: Plan) -> Iterator[Measured]:
        """The totals as they are."""
        yield TOTALS, totals


@dataclasses.dataclass(frozen=True)
class AnswersKey:
    """What the model answered, for the checks."""

    def measured(self, answers: Answers, plan: Plan) -> Iterator[Measured]:
        """The figures that checks look at."""
        yield EVIDENCE, {'answers': answers.figures()}


@dataclasses.dataclass(frozen=True)
class ReferencesKey:
    """How the reference models do on their halves, for the checks."""

    def measured(self, summary: ReferenceSummary, plan: Plan) -> Iterator[Measured]:
        """The figures that checks look at."""
        yield EVIDENCE, {'references': summary.figures()}


@dataclasses.dataclass(frozen=True)
class ColumnsKey:
    """The ends of what attacks compare besides labels and outputs, for the checks."""

    def measured(self, ranges: ColumnRanges, plan: Plan) -> Iterator[Measured]:
        """The figures that checks look at."""
        yield EVIDENCE, {'columns': ranges.figures()}


@dataclasses.dataclass(frozen=True)
class ExamplesKey:
    """The sketch of the examples as they were read, for the checks."""

    def measured(self, sketch: ExampleSketch, plan: Plan) -> Iterator[Measured]:
        """The figures that checks look at."""
        yield EVIDENCE, sketch.figures(is_grouped=bool(plan.config.people.group_key), seed=plan.config.measurement.seed)


Key = ScoreKey | WeightKey | TotalsKey | AnswersKey | ReferencesKey | ColumnsKey | ExamplesKey
