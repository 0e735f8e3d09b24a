"""What is added up in the job, by keys of their own types, and what becomes of each total."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from apache_beam.metrics import Metrics

from privacy_component.beam.examples.read import NAMESPACE
from privacy_component.beam.models.totals import Totals
from privacy_component.beam.plan import Plan
from privacy_component.beam.scores.two_models import FoldCounts, as_counts, baseline_of
from privacy_component.beam.scores.weights import WeightSums
from privacy_component.checks.example_sketch import ExampleSketch
from privacy_component.checks.output_summary import Answers
from privacy_component.metrics.counts.groups import mixed_groups_warning
from privacy_component.metrics.registry import metrics_for
from privacy_component.metrics.slice_result import measure
from privacy_component.observations.slicing import OVERALL, SliceKey

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
        """The result, and for the overall slice a warning about mixed groups."""
        is_first = self.attack == plan.config.attacks[0]
        if is_first:
            Metrics.counter(NAMESPACE, 'slices').inc()
        if self.slice_key == OVERALL:
            Metrics.counter(NAMESPACE, 'attacks').inc()
        num_mixed = folds.num_mixed if is_first and self.slice_key == OVERALL else 0
        if num_mixed:
            yield WARNINGS, mixed_groups_warning(num_mixed)
        config = plan.config
        metrics = metrics_for([threshold.metric for threshold in config.thresholds])
        counts = [as_counts(fold, config.measurement.max_distinct_scores) for fold in folds.of_candidate]
        baseline = baseline_of(self.attack, folds, metrics, config)
        level, least = config.decision.confidence_level, config.decision.min_examples
        yield RESULTS, measure(self.slice_key, self.attack, counts, metrics, level, least, baseline=baseline)


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
class ExamplesKey:
    """The sketch of the examples as they were read, for the checks."""

    def measured(self, sketch: ExampleSketch, plan: Plan) -> Iterator[Measured]:
        """The figures that checks look at."""
        yield EVIDENCE, sketch.figures(is_grouped=bool(plan.config.people.group_key), seed=plan.config.measurement.seed)


Key = ScoreKey | WeightKey | TotalsKey | AnswersKey | ExamplesKey
