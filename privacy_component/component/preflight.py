"""What can be known to be wrong before anything expensive starts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow.python.saved_model import loader_impl

from privacy_component.beam.dry_run import first_batches, try_out
from privacy_component.beam.examples.decode import read_schema
from privacy_component.beam.examples.layout import laid_out
from privacy_component.beam.examples.read import RawBatch
from privacy_component.beam.models.references import reference_name
from privacy_component.beam.models.served_model import errors_of
from privacy_component.beam.models.signatures import called_signature
from privacy_component.beam.plan import ModelPlan, Plan, ReferencePlan, task_of
from privacy_component.beam.surfaced_errors import loading
from privacy_component.component.baseline_model import baseline_config, check_called_directly
from privacy_component.component.compat import types
from privacy_component.component.example_files import compression_of, splits_of
from privacy_component.component.reference_set import reads_references, reference_plan
from privacy_component.component.unsupported import check_settings, columns_needed
from privacy_component.config.json_text import read_json
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.errors import PrivacyInputError, prefixed_errors
from privacy_component.evaluation.slices import slicing_specs_for
from privacy_component.gate.baseline import attacks_on_baseline
from privacy_component.observations.needs import BASELINE, CANDIDATE
from privacy_component.observations.slicing import SlicingSpec

_RECORDS_LOOKED_AT = 100


def make_plan(
    *,
    examples: Sequence[types.Artifact],
    model_path: str,
    eval_config: tfma.EvalConfig,
    config: PrivacyConfig,
    transform_path: str = '',
    schema_path: str = '',
    baseline_path: str = '',
    references_uri: str = '',
) -> Plan:
    """A plan for inputs that fit together.

    Raises:
      PrivacyInputError: they do not; the message names what and how to mend it.
    """
    config = config.for_task(task_of(config), bool(references_uri))
    all_specs, eval_config = eval_config, candidate_only(eval_config)
    spec = eval_config.model_specs[0]
    calls_model_directly, signature, output = check_model(model_path, spec)
    if not calls_model_directly:
        _check_loads(model_path, eval_config)  # the trial does so otherwise
    check_settings(config, spec, calls_model_directly)
    candidate = ModelPlan(model_path, json_format.MessageToJson(eval_config), signature=signature, output=output)
    plan = Plan(
        config=config,
        models={CANDIDATE: (candidate,)},
        compression=compression_of(examples),
        splits=splits_of(examples, config.member_splits, config.non_member_splits),
        slicing_specs=_slicing_specs(eval_config, config),
        schema_path=schema_path,
        calls_model_directly=calls_model_directly,
        columns=columns_needed(config, calls_model_directly, bool(references_uri)),
    )
    if references_uri and reads_references(config):
        plan = dataclasses.replace(plan, references=_references(references_uri, config, candidate, spec))
    plan = laid_out(plan)
    samples = first_batches(plan)
    plan = _with_transform(plan, transform_path, samples)
    if baseline_path and attacks_on_baseline(config):
        baseline = _baseline_plan(plan, baseline_path, all_specs)
        plan = dataclasses.replace(plan, models={**plan.models, BASELINE: (baseline,)})
    return try_out(plan, samples) if plan.calls_model_directly else plan


def _references(uri: str, config: PrivacyConfig, candidate: ModelPlan, spec: tfma.ModelSpec) -> ReferencePlan:
    plan = reference_plan(uri, config, candidate)
    for number, model in enumerate(plan.models):
        with prefixed_errors(reference_name(number, len(plan.models))):
            check_model(model.path, spec)
    return plan


def _baseline_plan(plan: Plan, model_path: str, eval_config: tfma.EvalConfig) -> ModelPlan:
    with errors_of(BASELINE):
        eval_config = candidate_only(baseline_config(eval_config))
        is_direct, *_ = check_model(model_path, eval_config.model_specs[0])
    check_called_directly(plan.calls_model_directly, is_direct)
    return ModelPlan(model_path, json_format.MessageToJson(eval_config))


def read_eval_config(text: str) -> tfma.EvalConfig:
    """The EvalConfig that JSON text describes.

    Raises:
      PrivacyInputError: the text is not JSON, has a key twice, or a field is unknown or of another type.
    """
    read_json(text, 'eval_config', _field_spellings())
    try:
        return json_format.Parse(text, tfma.EvalConfig())
    except (json_format.ParseError, TypeError, AttributeError) as error:
        raise PrivacyInputError(
            f'eval_config is not the JSON of a tfma.EvalConfig ({_on_one_line(error)}): pass one.'
        ) from error


def _field_spellings() -> dict[str, str]:
    """Protobuf reads labelKey and label_key as one field, and takes the last."""
    messages = (tfma.EvalConfig, tfma.ModelSpec, tfma.SlicingSpec, tfma.Options)
    return {field.json_name: field.name for message in messages for field in message.DESCRIPTOR.fields}


def candidate_only(eval_config: tfma.EvalConfig) -> tfma.EvalConfig:
    """The EvalConfig with TFMA's defaults and the one model_spec that is not the baseline's."""
    specs = [spec for spec in eval_config.model_specs if not spec.is_baseline]
    if len(specs) != 1:
        raise PrivacyInputError(
            f'eval_config.model_specs has {len(specs)} candidate models; exactly one is needed, besides a baseline.'
        )
    if not specs[0].label_key:
        raise PrivacyInputError(
            'eval_config.model_specs[0].label_key is empty: name the feature that holds the label, one for the model.'
        )
    result = tfma.EvalConfig()
    result.CopyFrom(eval_config)
    del result.model_specs[:]
    result.model_specs.add().CopyFrom(specs[0])
    # Metrics are Evaluator's; a change threshold among them would ask for the baseline that was just taken out.
    del result.metrics_specs[:]
    try:
        result = tfma.utils.update_eval_config_with_defaults(result, has_baseline=False)
        tfma.utils.verify_eval_config(result)
    except ValueError as error:
        raise PrivacyInputError(f'eval_config is refused by TFMA: {_on_one_line(error)}.') from error
    return result


class Answer(NamedTuple):
    """Which of a model's answers is judged, and whether workers can ask for it directly.

    Attributes:
      is_direct: True if the signatures that will be called take serialized examples.
      signature: the one that is judged.
      output: of its outputs, the one that is; '' if that is not known.
    """

    is_direct: bool
    signature: str
    output: str


def check_model(model_path: str, spec: tfma.ModelSpec) -> Answer:
    """How the model will be called.

    Raises:
      PrivacyInputError: there is no SavedModel, or it lacks such a signature.
    """
    try:
        saved_model = loader_impl.parse_saved_model(model_path)
    except (OSError, tf.errors.OpError) as error:
        raise PrivacyInputError(
            f'model: there is no SavedModel in {model_path} ({error}). Export one; models of other kinds '
            '(scikit-learn, XGBoost, PyTorch) are judged by what they predict, with evaluate_privacy.'
        ) from error
    if spec.model_type and spec.model_type not in tfma.constants.VALID_TF_MODEL_TYPES:
        raise PrivacyInputError(
            f"eval_config.model_specs[0].model_type is '{spec.model_type}'; TFMA knows "
            f'{", ".join(tfma.constants.VALID_TF_MODEL_TYPES)}.'
        )
    signatures = {name: graph.signature_def[name] for graph in saved_model.meta_graphs for name in graph.signature_def}
    called = [_called_signature(spec, signatures, model_path), *spec.preprocessing_function_names]
    unknown = [name for name in called if '@' not in name and name not in signatures]
    if unknown:
        raise PrivacyInputError(
            f"preprocessing_function_names has '{unknown[0]}', which is none of the model's signatures "
            f'({_listed(signatures)}): export it as one; an attribute of the model is not called.'
        )
    is_saved_model = spec.model_type in ('', tfma.constants.TF_GENERIC, tfma.constants.TF_KERAS)
    is_direct = is_saved_model and all(_takes_serialized_examples(signatures.get(name)) for name in called)
    outputs = sorted(signatures[called[0]].outputs) if called[0] in signatures else []
    return Answer(is_direct, called[0], spec.prediction_key or (outputs[0] if len(outputs) == 1 else ''))


def _on_one_line(error: Exception) -> str:
    return ' '.join(str(error).split())[:200]


def _check_loads(model_path: str, eval_config: tfma.EvalConfig) -> None:
    with loading('the model', model_path):
        tfma.default_eval_shared_model(model_path, eval_config=eval_config).model_loader.load()


def _called_signature(spec: tfma.ModelSpec, signatures: Mapping[str, SignatureDef], model_path: str) -> str:
    name = called_signature(spec.signature_name, signatures)
    if name not in signatures:
        raise PrivacyInputError(
            f"the model in {model_path} has no signature '{name}'; it has {_listed(signatures)}: export one, or "
            'name another with eval_config.model_specs[0].signature_name.'
        )
    return name


def _listed(signatures: Iterable[str]) -> str:
    return ', '.join(sorted(name for name in signatures if not name.startswith('__'))) or 'none'


def _takes_serialized_examples(signature: SignatureDef | None) -> bool:
    inputs = list(signature.inputs.values()) if signature else []
    return len(inputs) == 1 and inputs[0].dtype == tf.string.as_datatype_enum and len(inputs[0].tensor_shape.dim) <= 1


def _with_transform(plan: Plan, transform_path: str, samples: Sequence[RawBatch]) -> Plan:
    """The plan with the transform_graph applied to raw examples, or taken for the schema of transformed ones."""
    if is_transformed(set().union(*map(_first_features, samples)), transform_path):
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
