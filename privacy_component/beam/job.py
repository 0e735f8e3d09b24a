"""The whole job: what is read, what the model says, what is counted, what is measured."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems

from privacy_component.beam.decode import DecodeExamples
from privacy_component.beam.observe import Evidence, Observe
from privacy_component.beam.plan import Plan
from privacy_component.beam.predict import extract, read_eval_config
from privacy_component.beam.read import read_batches
from privacy_component.beam.score import CountKey, CountScores, MergeCounts, MergeEvidence
from privacy_component.metrics import roc
from privacy_component.metrics.registry import metrics_for
from privacy_component.results import SliceResult, measure, result_to_json


def build(root: beam.Pipeline, plan: Plan, output_path: str) -> None:
    """Adds the job to a Beam pipeline; it leaves its measurements in the JSON file `output_path`."""
    label_key = read_eval_config(plan.eval_config).model_specs[0].label_key
    records = read_batches(root, plan.splits, plan.compression)
    extracts = extract(records | 'Decode' >> beam.ParDo(DecodeExamples(plan.schema_path)), plan)
    batches = extracts | 'Observe' >> beam.ParDo(Observe(plan))
    evidence = (
        batches
        | 'LookAtOutputs' >> beam.Map(lambda batch: batch.evidence)
        | 'MergeEvidence' >> beam.CombineGlobally(MergeEvidence())
    )
    counts = (
        batches
        | 'CountScores' >> beam.ParDo(CountScores(plan, label_key), evidence=beam.pvalue.AsSingleton(evidence))
        | 'MergeCounts' >> beam.CombinePerKey(MergeCounts())
    )
    measured = counts | 'Measure' >> beam.Map(_measure, plan)
    _ = (
        root
        | 'Once' >> beam.Create([output_path])
        | 'Write' >> beam.Map(_write, beam.pvalue.AsList(measured), beam.pvalue.AsSingleton(evidence))
    )


def take_measurements(path: str) -> dict[str, Any]:
    """What `build`'s job left behind: 'results' and 'evidence'; the file is gone afterwards."""
    with FileSystems.open(path) as file:
        measurements = json.loads(file.read().decode('utf-8'))
    FileSystems.delete([path])
    return measurements


def _measure(counted: tuple[CountKey, roc.RocCounts], plan: Plan) -> SliceResult:
    (slice_key, attack), counts = counted
    metrics = metrics_for([threshold.metric for threshold in plan.config.thresholds])
    return measure(slice_key, attack, [counts], metrics, plan.config.confidence_level, plan.config.min_examples)


def _write(path: str, results: Iterable[SliceResult], evidence: Evidence | None) -> None:
    fields = {
        'results': [result_to_json(result) for result in results],
        'evidence': None if evidence is None else dataclasses.asdict(evidence),
    }
    with FileSystems.create(path) as file:
        file.write(json.dumps(fields, allow_nan=False).encode('utf-8'))
