"""The members at the highest risk, found in a second pass by a mergeable top-k."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import apache_beam as beam
import numpy as np
from numpy.typing import NDArray

from privacy_component.attacks.crossfit import fold_numbers
from privacy_component.beam.models.batch import Batch
from privacy_component.beam.models.totals import Totals, observations_of
from privacy_component.beam.plan import Plan
from privacy_component.metrics.risk import posterior
from privacy_component.observations.observations import Observations
from privacy_component.observations.signals import compute

Posterior = tuple[NDArray[np.float64], NDArray[np.float64]]
Candidate = tuple[float, float, int]  # risk, minus the loss, example id: in the order of vulnerability


def most_vulnerable(
    batches: beam.PCollection, sample: beam.pvalue.AsSingleton, plan: Plan, **totals: beam.pvalue.AsSingleton
) -> beam.PCollection:
    """One list of the plan's number of members, the most vulnerable first."""
    return (
        batches
        | 'RankMembers' >> beam.FlatMap(candidates, sample, plan, **totals)
        | 'MostVulnerable' >> beam.combiners.Top.Of(plan.config.people.num_most_vulnerable)
    )


def candidates(batch: Batch, sample: Observations, plan: Plan, totals: Totals | None = None) -> Iterable[Candidate]:
    """A batch's members at the highest risk; at most as many as are wanted of all."""
    observations = observations_of(batch, plan, totals)
    observations = observations.select(observations.is_member)
    loss = compute('loss', observations)
    fold = fold_numbers(observations, plan.config.measurement.folds, plan.config.measurement.seed)
    risks = np.full(len(loss), 0.5)
    for number, (centres, risk) in enumerate(_posteriors(sample, plan)):
        inside = fold == number
        risks[inside] = np.interp(loss[inside], centres, risk)
    order = np.lexsort((~observations.example_id, loss, -risks))[: plan.config.people.num_most_vulnerable]
    return zip(risks[order].tolist(), (-loss[order]).tolist(), observations.example_id[order].tolist(), strict=True)


def _posteriors(sample: Observations, plan: Plan) -> Sequence[Posterior]:
    """What each fold's members are judged by: the sample of all other folds."""
    loss = compute('loss', sample)
    how = plan.config.measurement
    fold = fold_numbers(sample, how.folds, how.seed)
    return [posterior(loss[fold != number], sample.is_member[fold != number]) for number in range(how.folds)]
