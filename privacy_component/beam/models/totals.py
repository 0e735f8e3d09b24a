"""What must be known of all examples together, and a batch as observations."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from privacy_component.beam.models.batch import Batch
from privacy_component.beam.models.served_model import errors_of
from privacy_component.beam.plan import Plan
from privacy_component.checks.stable_outputs import larger_changes, rows_asked_again
from privacy_component.hashing import fingerprint
from privacy_component.metrics.counts.fixed_point import exact_sum
from privacy_component.metrics.counts.mergeable import Mergeable
from privacy_component.observations.needs import CANDIDATE
from privacy_component.observations.observations import Observations
from privacy_component.observations.outputs import OutputEvidence, as_observations, output_kind


@dataclasses.dataclass(frozen=True)
class Totals(Mergeable):
    """What is known of all examples together; merges in any order.

    Attributes:
      outputs: of the models of each role: whether their outputs are logits or probabilities.
      num_examples: by split.
      nanoseconds: CPU time, by stage.
      weights: the sums of the weights of 'members' and 'non_members', exact, in `fixed_point`'s units; {} without any.
      fingerprints: of the examples, by split.
      changes: by role, the largest change of an answer when a model was asked again.
      num_asked_again: how many examples it was asked about again.
    """

    outputs: Mapping[str, tuple[OutputEvidence, ...]]
    num_examples: Mapping[str, int]
    nanoseconds: dict[str, int]
    weights: Mapping[str, int] = dataclasses.field(default_factory=dict)
    fingerprints: Mapping[str, int] = dataclasses.field(default_factory=dict)
    changes: Mapping[str, float] = dataclasses.field(default_factory=dict)
    num_asked_again: int = 0

    @classmethod
    def of(cls, batch: Batch, nanoseconds: Mapping[str, int]) -> Totals:
        """One batch's totals."""
        evidence = {}
        for role, views in batch.views.items():
            with errors_of(role):
                evidence[role] = tuple(OutputEvidence.of(view.outputs) for view in views)
        sizes, prints = {batch.split: len(batch.labels)}, {batch.split: fingerprint(batch.example_id)}
        asked_again = len(rows_asked_again(len(batch.labels))) if batch.changes else 0
        return cls(evidence, sizes, dict(nanoseconds), _weights(batch), prints, batch.changes, asked_again)

    @property
    def of_candidate(self) -> OutputEvidence:
        """What the candidate's outputs look like."""
        return self.outputs[CANDIDATE][0]

    def merge(self, *others: Totals) -> Totals:
        """The totals of all parts together."""
        return functools.reduce(_both, others, self)


def totals_from_json(fields: Mapping[str, Any]) -> Totals:
    """The totals that `dataclasses.asdict` made the fields of."""
    outputs = {role: tuple(OutputEvidence(**one) for one in models) for role, models in fields['outputs'].items()}
    return Totals(**{**fields, 'outputs': outputs})


def observations_of(batch: Batch, plan: Plan, totals: Totals | None = None, role: str = CANDIDATE) -> Observations:
    """A batch as the model of a role sees it; `totals` tells the outputs' kind where the plan does not."""
    (view,), (model,) = batch.views[role], plan.models[role]
    kind = model.output_kind
    if totals:
        kind = output_kind(totals.outputs[role][0], plan.config.outputs.kind, plan.task)
    seen = as_observations(
        is_member=batch.is_member,
        example_id=batch.example_id,
        labels=batch.labels,
        outputs=view.outputs,
        kind=kind,
        task=plan.task,
        group_id=batch.group_id,
    )
    columns = {**view.columns, **batch.columns}
    return dataclasses.replace(seen, columns=columns) if columns else seen


def _both(one: Totals, other: Totals) -> Totals:
    outputs = {
        role: tuple(a.merge(b) for a, b in zip(models, other.outputs[role], strict=True))
        for role, models in one.outputs.items()
    }
    return Totals(
        outputs,
        _add(one.num_examples, other.num_examples),
        _add(one.nanoseconds, other.nanoseconds),
        _add(one.weights, other.weights),
        {name: total % 2**64 for name, total in _add(one.fingerprints, other.fingerprints).items()},
        larger_changes(one.changes, other.changes),
        one.num_asked_again + other.num_asked_again,
    )


def _weights(batch: Batch) -> dict[str, int]:
    if batch.weights is None:
        return {}
    sides = {'members': batch.is_member, 'non_members': ~batch.is_member}
    return {name: exact_sum(batch.weights[rows]) for name, rows in sides.items()}


def _add(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    return {name: left.get(name, 0) + right.get(name, 0) for name in sorted({*left, *right})}
