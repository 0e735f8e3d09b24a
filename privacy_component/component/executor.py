"""The PrivacyEvaluator executor: check, run the job, decide, write."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

from absl import logging

from privacy_component.beam import job
from privacy_component.beam.models import first_answers
from privacy_component.beam.plan import Plan
from privacy_component.beam.surfaced_errors import surfacing
from privacy_component.beam.underway import underway
from privacy_component.checks import run_checks
from privacy_component.component import preflight, publish
from privacy_component.component.baseline_model import baseline_path
from privacy_component.component.canaries import audit
from privacy_component.component.class_names import class_names
from privacy_component.component.compat import (
    BaseBeamExecutor,
    EvaluatorExecutor,
    artifact_utils,
    path_utils,
    types,
)
from privacy_component.component.example_files import ExampleFiles
from privacy_component.component.example_ids import WITHOUT_SALT, secret_salt, with_printed_ids
from privacy_component.component.output_lock import OutputLock
from privacy_component.component.previous_evaluations import earlier_evaluations
from privacy_component.component.provenance import (
    Provenance,
    check_files_unchanged,
    check_unchanged,
    example_files_state,
    provenance,
)
from privacy_component.component.reference_set import REFERENCE_MODELS, reference_uri
from privacy_component.component.snapshot_set import snapshots_uri
from privacy_component.component.time_limit import within
from privacy_component.component.upstream_blessing import MODEL_BLESSING, upstream_blessed
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.errors import PrivacyInputError
from privacy_component.evaluation.decision import decided
from privacy_component.evaluation.record import Record
from privacy_component.evaluation.result import PrivacyResult, result_from_json
from privacy_component.observations.needs import SNAPSHOTS
from privacy_component.report.summary import summary

EXAMPLES_KEY = 'examples'
MODEL_KEY = 'model'
TRANSFORM_GRAPH_KEY = 'transform_graph'
SCHEMA_KEY = 'schema'
MODEL_BLESSING_KEY = MODEL_BLESSING
PREVIOUS_METRICS_KEY = 'previous_metrics'
BASELINE_MODEL_KEY = 'baseline_model'
REFERENCE_MODELS_KEY = REFERENCE_MODELS
SNAPSHOTS_KEY = SNAPSHOTS
EVAL_CONFIG_KEY = 'eval_config'
PRIVACY_CONFIG_KEY = 'privacy_config'
VERSION_KEY = 'version'
PRIVACY_METRICS_KEY = 'privacy_metrics'
BLESSING_KEY = 'blessing'

Artifacts = dict[str, list[types.Artifact]]


# Kubeflow's entrypoint turns the model's id in a blessing back into its name for subclasses of this class only. TFX
# executors are abstract base classes, so a registered class is a subclass that inherits nothing.
@EvaluatorExecutor.register
class Executor(BaseBeamExecutor):
    """Executor for PrivacyEvaluator."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Attacks the model and writes metrics, report and blessing.

        Args:
          input_dict: examples and, if wired, model, transform_graph, schema, model_blessing, previous_metrics,
            baseline_model, reference_models and snapshots.
          output_dict: privacy_metrics and blessing.
          exec_properties: eval_config and privacy_config, both JSON.

        Raises:
          PrivacyInputError: something cannot be measured; the message names it. Nothing is blessed then.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        with OutputLock.on(*(artifact_utils.get_single_uri(artifacts) for artifacts in output_dict.values())) as lock:
            metrics = artifact_utils.get_single_instance(output_dict[PRIVACY_METRICS_KEY])
            path = f'{metrics.uri}/.measurements-{lock.token}.json'
            config = PrivacyConfig.from_json(_required(exec_properties, PRIVACY_CONFIG_KEY))
            with first_answers.kept():
                result = within(
                    config.measurement.time_limit_seconds,
                    lambda: self._evaluate(input_dict, exec_properties, config, path),
                )
            _publish(result, input_dict, output_dict, exec_properties, lock)

    def _evaluate(
        self, input_dict: Artifacts, exec_properties: dict[str, Any], config: PrivacyConfig, path: str
    ) -> PrivacyResult:
        """The decided result; the job leaves what it measures in `path`, and nothing else is written."""
        started = time.time()
        salt = secret_salt()
        model = _optional(input_dict, MODEL_KEY)
        upstream = upstream_blessed(input_dict, model)
        model_path = self._model_path(model)
        # Before the plan, which loads the model: what is loaded once stays loaded, whatever becomes of its files.
        read = _provenance(input_dict, model_path)
        claims = audit.claims_of(config, model, model_path)
        examples = _some(input_dict, EXAMPLES_KEY)
        example_files = self._example_files(examples, config)
        files = example_files_state(example_files.splits)
        plan = _make_plan(input_dict, exec_properties, config, model_path, example_files)
        prepared = audit.prepare(config, claims, examples, plan, self._run, f'{path}.canaries')
        if prepared:
            plan = dataclasses.replace(plan, canaries=frozenset(prepared.canaries.is_in))
        measured = self._measure(plan, path)
        audits = audit.audit(prepared, plan, measured, self._run, f'{path}.canaries') if prepared else ()
        check_unchanged(read, _provenance(input_dict, model_path))
        check_files_unchanged(files, example_files_state(plan.splits))
        results, num_suppressed = tuple(map(result_from_json, measured['results'])), measured['num_suppressed']
        evidence = publish.evidence(plan, measured)
        record = publish.record_of(plan, measured, read, upstream, started)
        record = _with_history(_with_class_names(self._with_run(record), plan.config, input_dict), input_dict)
        vulnerable = with_printed_ids(measured['most_vulnerable'], salt)
        if vulnerable and salt is None:
            record = dataclasses.replace(record, warnings=(*record.warnings, WITHOUT_SALT))
        if prepared:
            said = audit.LEFT_OUT.format(f'{len(prepared.canaries.is_in):,}')
            unknown = [audit.UNKNOWN] if any(claim.num_examples is None for claim in prepared.claims) else []
            record = dataclasses.replace(record, warnings=(*record.warnings, said, *unknown))
        checks = run_checks(evidence, plan.config.checks)
        return decided(
            PrivacyResult(
                results, None, record, vulnerable, num_suppressed=num_suppressed, checks=checks, audits=audits
            )
        )

    def _run(self, build: Callable[[Any], None]) -> None:
        """Runs a job beside the main one."""
        with surfacing(), underway('a Beam job'), self._make_beam_pipeline() as pipeline:
            build(pipeline)

    def _model_path(self, model: types.Artifact | None) -> str:
        """Where the model's files are; '' without a model."""
        return path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model)) if model else ''

    def _example_files(self, examples: list[types.Artifact], config: PrivacyConfig) -> ExampleFiles:
        """What the job reads."""
        return ExampleFiles.of(examples, config.member_splits, config.non_member_splits)

    def _with_run(self, record: Record) -> Record:
        """The record with the pipeline's name and its run's id, where the orchestrator tells them."""
        context = self._context
        if context is None:
            return record
        pipeline = context.pipeline_info.id if context.pipeline_info else None
        return dataclasses.replace(record, pipeline=pipeline or None, run=context.pipeline_run_id or None)

    def _measure(self, plan: Plan, path: str) -> dict[str, Any]:
        """What the job measures; `path` is where it leaves that."""
        logging.info('Attacking %s with %s.', plan.candidate.path, ', '.join(plan.config.attacks))
        with (
            surfacing(plan.candidate.signature, plan.candidate.takes),
            underway('the Beam job'),
            self._make_beam_pipeline() as pipeline,
        ):
            job.build(pipeline, plan, path)
        return job.take_measurements(path)


def _publish(
    result: PrivacyResult,
    input_dict: Artifacts,
    output_dict: Artifacts,
    exec_properties: dict[str, Any],
    lock: OutputLock,
) -> None:
    """Writes metrics, report and blessing."""
    assert result.verdict is not None
    metrics, blessing = (
        artifact_utils.get_single_instance(output_dict[key]) for key in (PRIVACY_METRICS_KEY, BLESSING_KEY)
    )
    properties = publish.write_metrics(metrics, result, lock)
    logging.info('%s', summary(result))
    lock.check()
    model = _optional(input_dict, MODEL_KEY)
    publish.write_blessing(blessing, result.verdict, model, exec_properties.get('current_component_id'), properties)


def _provenance(input_dict: Artifacts, model_path: str) -> Provenance:
    with underway(f'reading the files of the inputs, among them those of the model in {model_path},'):
        return provenance(input_dict, model_path)


def _make_plan(
    input_dict: Artifacts,
    exec_properties: dict[str, Any],
    config: PrivacyConfig,
    model_path: str,
    examples: ExampleFiles,
) -> Plan:
    eval_config = preflight.read_eval_config(_required(exec_properties, EVAL_CONFIG_KEY))
    return preflight.make_plan(
        files=examples,
        model_path=model_path,
        eval_config=eval_config,
        config=config,
        transform_path=_optional_uri(input_dict, TRANSFORM_GRAPH_KEY),
        schema_path=_optional_uri(input_dict, SCHEMA_KEY),
        baseline_path=baseline_path(input_dict),
        references_uri=reference_uri(input_dict),
        snapshots_uri=snapshots_uri(input_dict),
    )


def _required(exec_properties: dict[str, Any], name: str) -> str:
    if not exec_properties.get(name):
        raise PrivacyInputError(
            f"the execution property '{name}' is missing or empty: pass {name} to PrivacyEvaluator."
        )
    return exec_properties[name]


def _optional(input_dict: Artifacts, name: str) -> types.Artifact | None:
    return _single(input_dict, name) if name in input_dict else None


def _optional_uri(input_dict: Artifacts, name: str) -> str:
    return _single(input_dict, name).uri if input_dict.get(name) else ''


def _some(input_dict: Artifacts, name: str) -> list[types.Artifact]:
    if not input_dict.get(name):
        raise PrivacyInputError(f"the input '{name}' has no artifact: run the component that makes it.")
    return input_dict[name]


def _single(input_dict: Artifacts, name: str) -> types.Artifact:
    artifacts = _some(input_dict, name)
    if len(artifacts) != 1:
        raise PrivacyInputError(
            f"the input '{name}' has {len(artifacts)} artifacts ({', '.join(a.uri for a in artifacts)}): pass one."
        )
    return artifacts[0]


def _with_class_names(record: Record, config: PrivacyConfig, input_dict: Artifacts) -> Record:
    """The record with what the classes are called, if that is known."""
    assert record.output_evidence is not None
    num_classes = max(record.output_evidence.num_outputs, 2)
    path = _optional_uri(input_dict, TRANSFORM_GRAPH_KEY)
    names = class_names(config.outputs.classes, path, record.label_key or '', num_classes)
    return dataclasses.replace(record, class_names=names)


def _with_history(record: Record, input_dict: Artifacts) -> Record:
    """The record with what earlier evaluations said of the model; nothing if the past is not wired."""
    if PREVIOUS_METRICS_KEY not in input_dict:
        return record
    earlier = earlier_evaluations(input_dict[PREVIOUS_METRICS_KEY], publish.properties_of(record))
    return dataclasses.replace(record, earlier_evaluations=earlier)
