"""The edges of slices by loss percentile: a first pass counts all losses, and eleven numbers go to every worker."""

from __future__ import annotations

import apache_beam as beam

from privacy_component.beam.models.batch import Batch
from privacy_component.beam.models.totals import Totals, observations_of
from privacy_component.beam.plan import Plan
from privacy_component.beam.scores.merge import Merge
from privacy_component.metrics.counts import roc
from privacy_component.metrics.counts.percentiles import percentiles
from privacy_component.observations.columns import LOSS_PERCENTILES
from privacy_component.observations.signals import compute

SideInputs = dict[str, beam.pvalue.AsSideInput]


def find_loss_edges(
    batches: beam.PCollection, plan: Plan, **totals: beam.pvalue.AsSingleton
) -> tuple[SideInputs, SideInputs]:
    """'loss_edges', (11,) the percentiles of all losses, and 'warnings' if they are not exact.

    Both {} if no slice is made of them. A worker holds at most eight times max_distinct_scores losses of 24 bytes each,
    however many examples there are.
    """
    if not plan.slices_by_loss:
        return {}, {}
    counts = (
        batches
        | 'CountLosses' >> beam.Map(count_losses, plan, **totals)
        | 'MergeLosses' >> beam.CombineGlobally(Merge(plan.config.measurement.max_distinct_scores)).without_defaults()
    )
    edges = counts | 'LossEdges' >> beam.Map(lambda counts: percentiles(counts, LOSS_PERCENTILES))
    warnings = counts | 'TellRounding' >> beam.FlatMap(lambda counts: rounding_warnings(counts, plan))
    return {'loss_edges': beam.pvalue.AsSingleton(edges)}, {'warnings': beam.pvalue.AsList(warnings)}


def count_losses(batch: Batch, plan: Plan, totals: Totals | None = None) -> roc.RocCounts:
    """How often a batch has each loss."""
    loss = compute('loss', observations_of(batch, plan, totals))
    return roc.count_scores(roc.score_keys(loss), batch.is_member)


def rounding_warnings(counts: roc.RocCounts, plan: Plan) -> list[str]:
    """What must be known of edges that are not exact."""
    if counts.bits == 64:
        return []
    # Of a float64, 12 bits are sign and exponent.
    share = 2.0 ** (12 - counts.bits)
    return [
        f'The losses take more than {plan.config.measurement.max_distinct_scores:,} values, so the edges of the loss '
        f'percentiles are rounded down, by at most {share:.1g} of each: raise '
        'PrivacyConfig.measurement.max_distinct_scores for exact ones.'
    ]
