"""What must be known of all examples together, and a batch as observations."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from privacy_component.beam.models.batch import Batch
from privacy_component.beam.plan import BASELINE, Plan
from privacy_component.errors import prefixed_errors
from privacy_component.hashing import fingerprint
from privacy_component.metrics.counts.fixed_point import exact_sum
from privacy_component.observations.observations import Observations
from privacy_component.observations.outputs import (
    OutputEvidence,
    as_observations,
    output_kind,
)


@dataclasses.dataclass(frozen=True)
class Totals:
    """What is known of all examples together; merges in any order.

    Attributes:
      outputs: whether they are logits or probabilities.
      smallest_label, largest_label: over all examples.
      num_examples: by split.
      nanoseconds: CPU time, by stage.
      weights: the sums of the weights of 'members' and 'non_members', exact, in `fixed_point`'s units; {} without any.
      fingerprints: of the examples, by split.
      baseline: as `outputs`, of the baseline model; None without one.
    """

    outputs: OutputEvidence
    smallest_label: float
    largest_label: float
    num_examples: Mapping[str, int]
    nanoseconds: dict[str, int]
    weights: Mapping[str, int] = dataclasses.field(default_factory=dict)
    fingerprints: Mapping[str, int] = dataclasses.field(default_factory=dict)
    baseline: OutputEvidence | None = None

    @classmethod
    def of(cls, batch: Batch, nanoseconds: Mapping[str, int]) -> Totals:
        """One batch's totals."""
        evidence = OutputEvidence.of(batch.outputs)
        low, high = float(batch.labels.min()), float(batch.labels.max())
        sizes, prints = {batch.split: len(batch.labels)}, {batch.split: fingerprint(batch.example_id)}
        with prefixed_errors(BASELINE):
            baseline = None if batch.baseline_outputs is None else OutputEvidence.of(batch.baseline_outputs)
        return cls(evidence, low, high, sizes, dict(nanoseconds), _weights(batch), prints, baseline)

    def merge(self, other: Totals) -> Totals:
        """The totals of both parts together."""
        return Totals(
            self.outputs.merge(other.outputs),
            min(self.smallest_label, other.smallest_label),
            max(self.largest_label, other.largest_label),
            _add(self.num_examples, other.num_examples),
            _add(self.nanoseconds, other.nanoseconds),
            _add(self.weights, other.weights),
            {name: total % 2**64 for name, total in _add(self.fingerprints, other.fingerprints).items()},
            self.baseline and other.baseline and self.baseline.merge(other.baseline),
        )


def totals_from_json(fields: Mapping[str, Any]) -> Totals:
    """The totals that `dataclasses.asdict` made the fields of."""
    evidence = {name: fields[name] and OutputEvidence(**fields[name]) for name in ('outputs', 'baseline')}
    return Totals(**{**fields, **evidence})


def _weights(batch: Batch) -> dict[str, int]:
    if batch.weights is None:
        return {}
    sides = {'members': batch.is_member, 'non_members': ~batch.is_member}
    return {name: exact_sum(batch.weights[rows]) for name, rows in sides.items()}


def _add(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    return {name: left.get(name, 0) + right.get(name, 0) for name in sorted({*left, *right})}


def observations_of(batch: Batch, plan: Plan, totals: Totals | None = None) -> Observations:
    """A batch as observations; `totals` tells the outputs' kind where the plan does not."""
    kind = output_kind(totals.outputs, plan.config.output_kind, plan.task) if totals else plan.output_kind
    return as_observations(
        is_member=batch.is_member,
        example_id=batch.example_id,
        labels=batch.labels,
        outputs=batch.outputs,
        kind=kind,
        task=plan.task,
        group_id=batch.group_id,
    )
