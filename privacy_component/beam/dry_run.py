"""A trial on the first examples of every split: what is wrong shows before the job, and what it needs is settled."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from privacy_component.beam.examples.bad_records import only_examples, usual_types
from privacy_component.beam.examples.decode import KNOWN_TYPES, decode_batch, read_schema
from privacy_component.beam.examples.read import RawBatch, read_files
from privacy_component.beam.models.batch import Batch, Observer
from privacy_component.beam.models.noisy_copies import input_noise
from privacy_component.beam.models.other_answers import find_other_answers
from privacy_component.beam.models.predict import AskedAgain, ObserveDirectly
from privacy_component.beam.models.served_model import errors_of
from privacy_component.beam.models.totals import Totals, observations_of
from privacy_component.beam.plan import ModelPlan, Plan, SplitFiles, Trial
from privacy_component.checks import OTHERS, is_on
from privacy_component.checks.evidence import OtherAnswers
from privacy_component.checks.stable_outputs import larger_changes, rows_asked_again
from privacy_component.errors import PrivacyInputError
from privacy_component.observations.needs import CANDIDATE, LABEL_STABILITY
from privacy_component.observations.outputs import check_same_number, output_kind

_ROWS_OF_COLUMNS = 8  # a look at the columns that are slow to compute
_TYPES = ((pa.types.is_integer, schema_pb2.INT), (pa.types.is_floating, schema_pb2.FLOAT))


def first_batches(plan: Plan) -> list[RawBatch]:
    """The first batch of every split.

    Raises:
      PrivacyInputError: a split is empty, or its first file cannot be read.
    """
    return [_first_batch(split, plan) for split in plan.splits]


def try_out(plan: Plan, samples: list[RawBatch]) -> Plan:
    """The plan, with what a run on the samples settles; calls the model in this process.

    Raises:
      PrivacyInputError: labels, outputs or features of the samples cannot be used.
    """
    fast = dataclasses.replace(plan, columns=(), references=None, snapshots=None, audited_snapshots=None)
    worker = ObserveDirectly(fast, is_trial=True)
    worker.setup()
    plan = dataclasses.replace(plan, feature_types=_feature_types(plan, samples, worker.transformed_names(samples[0])))
    worker.follow(dataclasses.replace(plan, columns=()))
    batches = [_try(worker, sample) for sample in samples]
    totals = functools.reduce(Totals.merge, (Totals.of(batch, {}) for batch in batches))
    plan = _with_kinds(plan, totals)
    if not plan.predictions_feature:
        plan = dataclasses.replace(plan, trial=_trial(worker, plan, samples, batches))
    for batch in batches:
        _check_observations(plan, batch)
    if LABEL_STABILITY in plan.columns:
        plan = _with_noise(plan, [worker.readable(sample) for sample in samples])
    if plan.columns or plan.references or plan.snapshots:
        plan = dataclasses.replace(plan, warnings=_try_slow_columns(plan, samples[0]))
    if plan.audited_snapshots:
        audited = dataclasses.replace(plan, columns=(), references=None, snapshots=plan.audited_snapshots)
        words = (*plan.warnings, *_try_slow_columns(audited, samples[0]))
        plan = dataclasses.replace(plan, warnings=tuple(dict.fromkeys(words)))
    return plan


def _try_slow_columns(plan: Plan, sample: RawBatch) -> tuple[str, ...]:
    """Warnings of what is beside the candidate."""
    worker = ObserveDirectly(plan)
    worker.setup()
    observed = _try(worker, sample.select(range(min(_ROWS_OF_COLUMNS, len(sample.records)))))
    return () if plan.predictions_feature else worker.compare_snapshots(observed)


def _with_noise(plan: Plan, samples: list[RawBatch]) -> Plan:
    """The plan with how the inputs of every model are perturbed."""
    spec = Observer(plan).model_spec
    left_alone = (spec.label_key, spec.example_weight_key, plan.config.people.group_key)
    measurement = plan.config.measurement
    records = [sample.records for sample in samples]
    noise = input_noise(records, left_alone, measurement.num_queries, measurement.seed)
    models = {role: tuple(dataclasses.replace(m, noise=noise) for m in models) for role, models in plan.models.items()}
    return dataclasses.replace(plan, models=models)


def check_totals(plan: Plan, totals: Totals) -> str:
    """The kind of all outputs.

    Raises:
      PrivacyInputError: all examples together contradict what the first of them said.
    """
    kinds = {role: _kinds_of(plan, role, totals) for role in plan.models}
    return kinds[CANDIDATE][0]


def _with_kinds(plan: Plan, totals: Totals) -> Plan:
    """The plan with the kinds of all outputs; those of reference models and snapshots are the candidate's."""
    kinds = {role: _kinds_of(plan, role, totals) for role in plan.models}
    models = {role: tuple(map(_of_kind, models, kinds[role])) for role, models in plan.models.items()}
    alike = {
        name: dataclasses.replace(others, models=tuple(_of_kind(one, kinds[CANDIDATE][0]) for one in others.models))
        for name in ('references', 'snapshots', 'audited_snapshots')
        if (others := getattr(plan, name)) is not None
    }
    return dataclasses.replace(plan, models=models, **alike)


def _of_kind(model: ModelPlan, kind: str) -> ModelPlan:
    return dataclasses.replace(model, output_kind=kind)


def _kinds_of(plan: Plan, role: str, totals: Totals) -> tuple[str, ...]:
    """The kinds of the outputs of the models of a role; those that are settled must be found again."""
    with errors_of(role):
        kinds = tuple(output_kind(seen, plan.config.outputs.kind, plan.task) for seen in totals.outputs[role])
        for model, kind in zip(plan.models[role], kinds, strict=True):
            if model.output_kind not in ('', kind):
                raise PrivacyInputError(
                    f"the model's first outputs look like {model.output_kind}, all of them together like {kind}: say "
                    'which they are with PrivacyConfig.outputs.kind.'
                )
    return kinds


def _check_observations(plan: Plan, batch: Batch) -> None:
    """The labels must fit the outputs of every model."""
    for role in plan.models:
        with errors_of(role):
            observations_of(batch, plan, role=role)


def _first_batch(split: SplitFiles, plan: Plan) -> RawBatch:
    is_empty = True
    for batch in read_files(split.paths, split.split, split.is_member, plan.compression, plan.batch_size):
        sample = only_examples(batch) if plan.config.measurement.max_bad_record_share else batch
        if sample.records:
            return sample
        is_empty = False
    files = f'its {len(split.paths)} files'
    if is_empty:
        raise PrivacyInputError(f"the split '{split.split}' is empty: {files} hold no example.")
    raise PrivacyInputError(
        f"the split '{split.split}' has no record that can be parsed as a tf.Example in {files}: run the component "
        'that wrote them again.'
    )


def _try(worker: ObserveDirectly, sample: RawBatch) -> Batch:
    observed = [one for one in worker.process(sample) if isinstance(one, Batch)]
    return observed[0] if observed else worker.observe(sample)  # which says why there is none


def _feature_types(plan: Plan, samples: list[RawBatch], transformed: set[str]) -> tuple[tuple[str, int], ...]:
    """The raw features that are needed and their types; empty, for all features, where a type is not known."""
    needed = sorted({*Observer(plan).features} - transformed)
    types_in = usual_types if plan.config.measurement.max_bad_record_share else _types_in
    known = _schema_types(plan)
    if not known.keys() >= set(needed):
        known = types_in(samples) | known
    return tuple((name, known[name]) for name in needed) if all(name in known for name in needed) else ()


def _schema_types(plan: Plan) -> dict[str, int]:
    schema = read_schema(plan.schema_path)
    return {f.name: f.type for f in schema.feature if f.type in KNOWN_TYPES} if schema else {}


def _types_in(samples: list[RawBatch]) -> dict[str, int]:
    decoder = example_coder.ExamplesToRecordBatchDecoder()
    types: dict[str, int] = {}
    for sample in samples:
        types |= _arrow_types(decode_batch(decoder, sample).schema)
    return types


def _arrow_types(schema: pa.Schema) -> Mapping[str, int]:
    return {field.name: _type_of(field.type.value_type) for field in schema if not pa.types.is_null(field.type)}


def _type_of(value_type: pa.DataType) -> int:
    return next((kind for is_kind, kind in _TYPES if is_kind(value_type)), schema_pb2.BYTES)


def _trial(worker: ObserveDirectly, plan: Plan, samples: list[RawBatch], batches: list[Batch]) -> Trial:
    readable = [worker.readable(sample) for sample in samples]
    asked = list(_ask_again(worker, [sample.records for sample in readable], batches))
    others: OtherAnswers | str = 'Switched off.'
    if is_on(OTHERS, plan.config.checks):
        others = find_other_answers(worker.candidate(), plan, readable, worker.transformed_names(samples[0]))
    return Trial(
        has_stable_outputs=all(again.are_equal for again, _ in asked),
        changes=functools.reduce(larger_changes, (again.changes for again, _ in asked)),
        num_asked_again=sum(num_rows for _, num_rows in asked),
        other_answers=others,
    )


def _ask_again(
    worker: ObserveDirectly, records: list[list[bytes]], batches: list[Batch]
) -> Iterator[tuple[AskedAgain, int]]:
    """Asks about every second example of every split, of two splits together: that is one batch. And how many."""
    for start in range(0, len(records), 2):
        both = records[start] if start + 1 == len(records) else records[start] + records[start + 1]
        views = [batch.views for batch in batches[start : start + 2]]
        outputs = {
            role: [_stacked([one[role][number].outputs for one in views]) for number in range(len(models))]
            for role, models in views[0].items()
        }
        yield worker.ask_again(both, outputs), len(rows_asked_again(len(both)))


def _stacked(outputs: list[NDArray]) -> NDArray:
    for one in outputs[1:]:
        check_same_number(outputs[0].shape[1], one.shape[1])
    return np.concatenate(outputs)
