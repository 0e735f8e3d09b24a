"""What can be known to be wrong before anything expensive starts."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from google.protobuf.message import DecodeError

from privacy_component.beam.dry_run import first_batches, try_out
from privacy_component.beam.examples.decode import read_schema
from privacy_component.beam.examples.layout import laid_out
from privacy_component.beam.examples.read import RawBatch
from privacy_component.beam.models.eval_config import MESSAGES, eval_config_from_json
from privacy_component.beam.models.references import reference_name
from privacy_component.beam.models.served_model import errors_of
from privacy_component.beam.models.signature_inputs import in_words
from privacy_component.beam.models.snapshots import snapshot_title
from privacy_component.beam.plan import ModelPlan, Plan, ReferencePlan, SnapshotPlan, task_of
from privacy_component.beam.surfaced_errors import loading
from privacy_component.component import written_predictions
from privacy_component.component.baseline_model import baseline_config, check_called_directly
from privacy_component.component.example_files import ExampleFiles
from privacy_component.component.judged_answer import Answer, check_model
from privacy_component.component.model_specs import candidate_only, on_one_line
from privacy_component.component.named_inputs import casts_needed, fed_features
from privacy_component.component.payloads import check_plain_example
from privacy_component.component.reference_set import reads_references, reference_plan
from privacy_component.component.snapshot_set import (
    check_can_be_aligned,
    ranks_by_snapshots,
    snapshot_columns,
    snapshot_plan,
)
from privacy_component.component.unsupported import check_settings, columns_needed
from privacy_component.config.json_text import read_json
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.errors import PrivacyInputError, prefixed_errors
from privacy_component.evaluation.slices import slicing_specs_for
from privacy_component.gate.baseline import attacks_on_baseline
from privacy_component.observations.needs import BASELINE, CANDIDATE, REFERENCES, SNAPSHOT_ALIGNMENT, SNAPSHOTS
from privacy_component.observations.slicing import SlicingSpec

_RECORDS_LOOKED_AT = 100


def make_plan(
    *,
    files: ExampleFiles,
    model_path: str,
    eval_config: tfma.EvalConfig,
    config: PrivacyConfig,
    transform_path: str = '',
    schema_path: str = '',
    baseline_path: str = '',
    references_uri: str = '',
    snapshots_uri: str = '',
) -> Plan:
    """A plan for inputs that fit together.

    Raises:
      PrivacyInputError: they do not; the message names what and how to mend it.
    """
    config = config.for_task(task_of(config), bool(references_uri), bool(snapshots_uri))
    wired = {role for role, uri in ((REFERENCES, references_uri), (SNAPSHOTS, snapshots_uri)) if uri}
    all_specs, eval_config = eval_config, candidate_only(eval_config)
    spec = eval_config.model_specs[0]
    answer = None if written_predictions.are_read(model_path, spec) else check_model(model_path, spec)
    plan = Plan(
        config=config,
        models={CANDIDATE: (_candidate(model_path, eval_config, answer),)},
        compression=files.compression,
        splits=files.splits,
        slicing_specs=_slicing_specs(eval_config, config),
        schema_path=schema_path,
    )
    plan = laid_out(plan)
    samples = first_batches(plan)
    names = set[str]().union(*map(_first_features, samples))
    plan = _with_transform(plan, transform_path, names)
    if answer is None:
        others = {'baseline_model': baseline_path, 'reference_models': references_uri, 'snapshots': snapshots_uri}
        given = [name for name, where in others.items() if where]
        return try_out(_with_written_predictions(plan, spec, names, given), samples)
    plan = _with_way(plan, answer, samples, names, wired)
    if references_uri and reads_references(config):
        references = _references(references_uri, config, plan.candidate, eval_config.model_specs[0])
        plan = dataclasses.replace(plan, references=references)
    if snapshots_uri and snapshot_columns(config):
        columns = snapshot_columns(config)
        snapshots = _snapshots(snapshots_uri, config, plan.candidate, eval_config.model_specs[0], columns)
        plan = dataclasses.replace(plan, snapshots=snapshots)
    if ranks_by_snapshots(config):
        check_can_be_aligned(bool(snapshots_uri), plan.calls_model_directly)
        audited = _snapshots(snapshots_uri, config, plan.candidate, eval_config.model_specs[0], (SNAPSHOT_ALIGNMENT,))
        plan = dataclasses.replace(plan, audited_snapshots=audited)
    if baseline_path and attacks_on_baseline(config):
        baseline = _baseline_plan(plan, baseline_path, all_specs, names)
        plan = dataclasses.replace(plan, models={**plan.models, BASELINE: (baseline,)})
    return try_out(plan, samples) if plan.calls_model_directly else plan


def _candidate(model_path: str, eval_config: tfma.EvalConfig, answer: Answer | None) -> ModelPlan:
    text = json_format.MessageToJson(eval_config)
    if answer is None:
        return ModelPlan(model_path, text, output=eval_config.model_specs[0].prediction_key)
    return ModelPlan(model_path, text, signature=answer.signature, output=answer.output, takes=in_words(answer.inputs))


def _with_written_predictions(plan: Plan, spec: tfma.ModelSpec, names: set[str], given: Sequence[str]) -> Plan:
    """The plan where predictions are read from the examples."""
    made = _schema_names(f'{plan.transform_path}/transformed_metadata') if plan.transform_path else set()
    written_predictions.check_read(plan.candidate.path, spec, plan.config, names | made, given)
    check_settings(plan.config, spec, calls_model_directly=True)
    columns_needed(plan.config, False, (), instead='it takes a model that is called, and predictions are read here')
    return dataclasses.replace(plan, calls_model_directly=True, predictions_feature=spec.prediction_key)


def _references(uri: str, config: PrivacyConfig, candidate: ModelPlan, spec: tfma.ModelSpec) -> ReferencePlan:
    plan = reference_plan(uri, config, candidate)
    for number, model in enumerate(plan.models):
        with prefixed_errors(reference_name(number, len(plan.models))):
            check_model(model.path, spec)
    return plan


def _snapshots(
    uri: str, config: PrivacyConfig, candidate: ModelPlan, spec: tfma.ModelSpec, columns: Collection[str]
) -> SnapshotPlan:
    plan = snapshot_plan(uri, config, candidate, columns)
    for model, epoch in zip(plan.models, plan.epochs, strict=True):
        with prefixed_errors(snapshot_title(epoch)):
            check_model(model.path, spec)
    return plan


def _with_way(plan: Plan, answer: Answer, samples: Sequence[RawBatch], names: set[str], wired: Collection[str]) -> Plan:
    """The plan with the way that the candidate is called, and what is made of features before it is."""
    is_direct = answer.is_called_directly(names)
    (candidate,) = plan.models[CANDIDATE]
    eval_config = eval_config_from_json(candidate.eval_config)
    check_settings(plan.config, eval_config.model_specs[0], is_direct)
    columns = columns_needed(plan.config, is_direct, wired)
    if not is_direct:
        if answer.is_fed_by_name(names):
            fed = fed_features(samples, plan.schema_path, plan.transform_path)
            candidate = dataclasses.replace(candidate, casts=casts_needed(answer.signature, answer.inputs, fed))
        _check_loads(candidate.path, eval_config)  # the trial does so otherwise
    models = {CANDIDATE: (candidate,)}
    return dataclasses.replace(plan, models=models, calls_model_directly=is_direct, columns=columns)


def _baseline_plan(plan: Plan, model_path: str, eval_config: tfma.EvalConfig, names: set[str]) -> ModelPlan:
    with errors_of(BASELINE):
        eval_config = candidate_only(baseline_config(eval_config))
        answer = check_model(model_path, eval_config.model_specs[0])
    check_called_directly(plan.calls_model_directly, answer.is_called_directly(names))
    return ModelPlan(model_path, json_format.MessageToJson(eval_config))


def read_eval_config(text: str) -> tfma.EvalConfig:
    """The EvalConfig that JSON text describes.

    Raises:
      PrivacyInputError: the text is not JSON, has a key twice, or a field is unknown or of another type.
    """
    read_json(text, 'eval_config', _field_spellings())
    try:
        return eval_config_from_json(text)
    except (json_format.ParseError, TypeError, AttributeError) as error:
        raise PrivacyInputError(
            f'eval_config is not the JSON of a tfma.EvalConfig ({on_one_line(error)}): pass one.'
        ) from error


def _field_spellings() -> dict[str, str]:
    """Protobuf reads labelKey and label_key as one field, and takes the last."""
    return {field.json_name: field.name for message in MESSAGES for field in message.DESCRIPTOR.fields}


def _check_loads(model_path: str, eval_config: tfma.EvalConfig) -> None:
    with loading('the model', model_path):
        tfma.default_eval_shared_model(model_path, eval_config=eval_config).model_loader.load()


def _with_transform(plan: Plan, transform_path: str, names: set[str]) -> Plan:
    """The plan with the transform_graph applied to raw examples, or taken for the schema of transformed ones."""
    if is_transformed(names, transform_path):
        return dataclasses.replace(plan, schema_path=f'{transform_path}/transformed_metadata')
    return dataclasses.replace(plan, transform_path=transform_path)


def is_transformed(names: set[str], transform_path: str) -> bool:
    """True if examples with these features are what the transform_graph makes, False if they are what it takes.

    Raises:
      PrivacyInputError: they could be either.
    """
    if not transform_path:
        return False
    made = _schema_names(f'{transform_path}/transformed_metadata')
    taken = _schema_names(f'{transform_path}/metadata')
    if made <= names and taken <= names:
        raise PrivacyInputError(
            'the examples have all features that transform_graph takes and all that it makes, so they could be raw or '
            'transformed: leave transform_graph out.'
        )
    return made <= names


def _schema_names(path: str) -> set[str]:
    schema = read_schema(path)
    return {feature.name for feature in schema.feature} if schema else set()


def _first_features(sample: RawBatch) -> set[str]:
    """The names of the features in the sample's first examples; one alone may lack some."""
    for record in sample.records[:_RECORDS_LOOKED_AT]:
        check_plain_example(record, sample.path)
    try:
        examples = [tf.train.Example.FromString(record) for record in sample.records[:_RECORDS_LOOKED_AT]]
    except DecodeError as error:
        raise PrivacyInputError(
            f'a record in {sample.path} is not a tf.Example: run the component that wrote it again.'
        ) from error
    return {name for example in examples for name in example.features.feature}


def _slicing_specs(eval_config: tfma.EvalConfig, config: PrivacyConfig) -> tuple[SlicingSpec, ...]:
    return tuple(
        slicing_specs_for(config, [_slicing_spec(spec) for spec in eval_config.slicing_specs], task_of(config))
    )


def _slicing_spec(spec: tfma.SlicingSpec) -> SlicingSpec:
    if spec.slice_keys_sql:
        raise PrivacyInputError(
            'eval_config.slicing_specs uses slice_keys_sql; only feature_keys and feature_values work.'
        )
    return SlicingSpec(tuple(spec.feature_keys), dict(spec.feature_values))
