"""The whole job: what is read, what the model says, what is learnt, what is counted, what is measured."""

from __future__ import annotations

import collections
import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems

from privacy_component.attacks import attack_named
from privacy_component.beam.examples.bad_records import BAD_RECORDS
from privacy_component.beam.examples.read import read_batches
from privacy_component.beam.examples.sketch_examples import SketchExamples, looks_at_examples
from privacy_component.beam.models.predict import ObserveDirectly
from privacy_component.beam.models.tfma_extractors import observe_by_extractors
from privacy_component.beam.models.totals import Totals
from privacy_component.beam.plan import Plan
from privacy_component.beam.reportable import reportable
from privacy_component.beam.scores.count_scores import CountScores
from privacy_component.beam.scores.fit_attacks import draw_sample, fit_attacks
from privacy_component.beam.scores.job_keys import (
    EVIDENCE,
    RESULTS,
    TOTALS,
    WARNINGS,
    WEIGHTS,
    ExamplesKey,
    Key,
    Measured,
    ScoreKey,
    overall_counts,
)
from privacy_component.beam.scores.loss_percentiles import find_loss_edges
from privacy_component.beam.scores.merge import Merge
from privacy_component.beam.scores.most_vulnerable import Candidate, most_vulnerable
from privacy_component.beam.scores.two_models import FoldCounts
from privacy_component.beam.scores.weights import WeightSums
from privacy_component.checks.evidence_json import evidence_fields
from privacy_component.errors import PrivacyInputError
from privacy_component.gate.baseline import attacks_on_baseline
from privacy_component.metrics.slice_result import SliceResult
from privacy_component.observations.needs import BASELINE
from privacy_component.observations.slicing import SliceKey


def build(root: beam.Pipeline, plan: Plan, output_path: str) -> None:
    """Adds the job to a Beam pipeline; it leaves its measurements in the JSON file `output_path`."""
    records = read_batches(root, plan)
    batches, bad_records = observe(records, plan)
    totals = {} if plan.candidate.output_kind else {'totals': beam.pvalue.AsSingleton(_totals(batches))}
    loss_edges, warnings = find_loss_edges(batches, plan, **totals)
    fitted = [name for name in plan.config.attacks if attack_named(name).is_fitted_first]
    others = [name for name in plan.config.attacks if name not in fitted]
    counts = batches | 'CountScores' >> beam.ParDo(CountScores(plan, others, with_totals=True), **totals, **loss_edges)
    if looks_at_examples(plan):
        sketches = records | 'SketchExamples' >> beam.ParDo(SketchExamples(plan))
        sketches = sketches | 'OfExamples' >> beam.WithKeys(ExamplesKey())
        counts = (counts, sketches) | 'CountsAndSketches' >> beam.Flatten()
    vulnerable = {}
    if fitted or plan.config.people.num_most_vulnerable:
        sample = draw_sample(batches, plan, **totals)
        if fitted:
            more = _count_fitted_scores(root, batches, sample, plan, fitted, **totals, **loss_edges)
            counts = (counts, more) | 'AllCounts' >> beam.Flatten()
        if plan.config.people.num_most_vulnerable:
            vulnerable = {'vulnerable': beam.pvalue.AsSingleton(most_vulnerable(batches, sample, plan, **totals))}
    totals_by_key = counts | 'Merge' >> beam.CombinePerKey(Merge(plan.config.measurement.max_distinct_scores))
    overall = totals_by_key | 'OverallCounts' >> beam.FlatMap(overall_counts, plan)
    _ = (
        totals_by_key
        | 'Measure' >> beam.FlatMap(_measure, plan, beam.pvalue.AsDict(overall))
        | 'Gather' >> beam.combiners.ToList()
        | 'Write' >> beam.Map(_write, plan, output_path, **vulnerable, **bad_records, **warnings)
    )


def observe(records: beam.PCollection, plan: Plan) -> tuple[beam.PCollection, dict[str, beam.pvalue.AsDict]]:
    """Batches from raw batches, by the way that the plan has chosen; and bad records by split, if any are allowed."""
    if not plan.calls_model_directly:
        return observe_by_extractors(records, plan), {}
    way = beam.ParDo(ObserveDirectly(plan))
    if not plan.config.measurement.max_bad_record_share:
        return records | 'Observe' >> way, {}
    observed = records | 'Observe' >> way.with_outputs(BAD_RECORDS, main='batches')
    bad = observed[BAD_RECORDS] | 'SumBadRecords' >> beam.CombinePerKey(sum)
    return observed.batches, {BAD_RECORDS: beam.pvalue.AsDict(bad)}


def take_measurements(path: str) -> dict[str, Any]:
    """What `build`'s job left behind; the file is gone afterwards.

    Returns:
      'results' of slices that may be named and 'num_suppressed' of others, 'totals', 'most_vulnerable', 'bad_records'
      by split, 'warnings', and 'evidence' and 'values' for the checks.

    Raises:
      PrivacyInputError: the file is not there.
    """
    try:
        with FileSystems.open(path) as file:
            measurements = json.loads(file.read().decode('utf-8'))
        FileSystems.delete([path])
    except OSError as error:
        raise PrivacyInputError(
            f'{path}, which the job left, cannot be read ({error}): something else uses that directory. Run the '
            'evaluation again.'
        ) from error
    return measurements


def _count_fitted_scores(
    root: beam.Pipeline,
    batches: beam.PCollection,
    sample: beam.pvalue.AsSingleton,
    plan: Plan,
    attacks: Sequence[str],
    **known: beam.pvalue.AsSideInput,
) -> beam.PCollection:
    """The second pass: attackers are fitted on the sample, and every example is scored by one that never saw it."""
    fitted = {'fitted': fit_attacks(root, sample, plan, attacks)} | _fit_to_baseline(root, batches, plan, attacks)
    count = CountScores(plan, attacks, with_totals=False)
    return batches | 'CountLearntScores' >> beam.ParDo(count, **fitted, **known)


def _fit_to_baseline(
    root: beam.Pipeline, batches: beam.PCollection, plan: Plan, attacks: Sequence[str]
) -> dict[str, beam.pvalue.AsSingleton]:
    """The same attackers, fitted on the same examples as the baseline model sees them."""
    needed = [name for name in attacks if name in attacks_on_baseline(plan.config)]
    if plan.baseline is None or not needed:
        return {}
    sample = draw_sample(batches, plan, BASELINE)
    return {'fitted_to_baseline': fit_attacks(root, sample, plan, needed, BASELINE)}


def _totals(batches: beam.PCollection) -> beam.PCollection:
    totals = batches | 'LookAtOutputs' >> beam.Map(lambda batch: Totals.of(batch, {}))
    return totals | 'MergeTotals' >> beam.CombineGlobally(Merge(0)).without_defaults()


def _measure(counted: tuple[Key, Any], plan: Plan, overall: Mapping[str, FoldCounts]) -> Iterator[Measured]:
    key, total = counted
    yield from key.measured(total, plan)
    if isinstance(key, ScoreKey):
        yield from key.measured_beside_all(total, overall[key.attack], plan)


def _write(
    measured: Iterable[Measured],
    plan: Plan,
    path: str,
    vulnerable: Sequence[Candidate] = (),
    bad_records: Mapping[str, int] | None = None,
    warnings: Sequence[str] = (),
) -> None:
    found: dict[str, list[Any]] = collections.defaultdict(list)
    for name, value in measured:
        found[name].append(value)
    (totals,) = found[TOTALS]
    weights = dict(found[WEIGHTS])
    fields = {
        **reportable(plan, [_weighted(one, weights) for one in found[RESULTS]]),
        'totals': dataclasses.asdict(totals),
        'most_vulnerable': [{'example_id': example_id, 'risk': risk} for risk, _, example_id in vulnerable],
        'bad_records': dict(sorted((bad_records or {}).items())),
        'warnings': [*sorted(found[WARNINGS]), *warnings],
        'evidence': evidence_fields(found[EVIDENCE]),
    }
    try:
        with FileSystems.create(path) as file:
            file.write(json.dumps(fields, allow_nan=False).encode('utf-8'))
    except OSError as error:
        raise PrivacyInputError(f'the output {path} cannot be written ({error}): make room, or correct it.') from error


def _weighted(result: SliceResult, weights: Mapping[SliceKey, WeightSums]) -> SliceResult:
    if result.slice_key not in weights:
        return result
    return dataclasses.replace(result, sums_of_weights=weights[result.slice_key].as_floats())
