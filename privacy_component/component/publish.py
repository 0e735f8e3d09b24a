"""What an evaluation leaves behind: metrics, report, blessing, and where it all came from."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from privacy_component._version import __version__
from privacy_component.attacks.stacked import fallback_warnings
from privacy_component.beam.dry_run import check_totals
from privacy_component.beam.examples.bad_records import check_share
from privacy_component.beam.models.totals import Totals, totals_from_json
from privacy_component.beam.plan import BASELINE_MODEL, Plan
from privacy_component.checks.degenerate_outputs import saturation
from privacy_component.checks.evidence import Evidence, StableFigures, ValueFigures
from privacy_component.checks.evidence_json import evidence_from
from privacy_component.checks.stable_outputs import MOST_CHANGED, larger_changes
from privacy_component.component import written_predictions
from privacy_component.component.compat import blessing_constants, fileio, io_utils, types
from privacy_component.component.output_lock import OutputLock, writing
from privacy_component.component.provenance import Provenance
from privacy_component.component.reference_set import (
    REFERENCE_MODELS,
    UNUSED_REFERENCES,
    check_same_examples,
)
from privacy_component.component.snapshot_set import UNUSED_SNAPSHOTS, pushed_along
from privacy_component.component.tfma_views import FOLDER_NAME, write_views
from privacy_component.evaluation import decision
from privacy_component.evaluation.record import Record, Splits
from privacy_component.evaluation.result import FILE_NAME, PrivacyResult
from privacy_component.evaluation.versions import OF_ARRAYS, versions_of
from privacy_component.gate.baseline import unused_baseline
from privacy_component.gate.verdict import Comparison, Verdict
from privacy_component.gate.worst import worst_of
from privacy_component.metrics.counts.fixed_point import from_units
from privacy_component.metrics.slice_result import SliceResult
from privacy_component.observations.needs import BASELINE, SNAPSHOTS
from privacy_component.observations.observations import REGRESSION
from privacy_component.report import html

REPORT_FILE_NAME = 'report.html'
_PACKAGES = ('tfx', 'tensorflow', 'tensorflow-model-analysis', 'apache-beam', *OF_ARRAYS)
_LONGEST_MESSAGE = 4000
_ON_BLESSING = (
    'outcome', 'model_fingerprint', 'judged_signature', 'judged_output', 'examples_sha256', 'config_sha256',
    'decision_sha256', 'report_sha256', 'version', 'warnings',
)  # fmt: skip
_UNSTABLE = (
    "The model's outputs depend in their last bits on an example's place in its batch, so another sharding of the data "
    'can change figures in their last digits.'
)

_OWN_BASELINE = (
    'baseline_model is the very model that is evaluated, so nothing has changed whatever it leaks: limits on a change '
    '(absolute) say nothing of it. Wire the model that it is to replace, or give limits of its own.'
)
_NOT_CALLED = 'The predictions are read from the examples, so there is no model to ask again.'
_BY_EXTRACTORS = "The model is called through TFMA's extractors, which ask for one answer to each example, once."


def record_of(
    plan: Plan, measured: Mapping[str, Any], read: Provenance, upstream: bool | None, started: float
) -> Record:
    """What was evaluated and how.

    Args:
      plan: of the job.
      measured: what the job left behind.
      read: where the inputs come from.
      upstream: whether the upstream validator blessed the model; None where none was asked.
      started: seconds since the epoch.

    Raises:
      PrivacyInputError: the examples together cannot be judged; see `check_totals` and `check_share`.
    """
    totals: Totals = totals_from_json(measured['totals'])
    check_share(plan.config.measurement.max_bad_record_share, totals.num_examples, measured['bad_records'])
    eval_config = json.loads(plan.candidate.eval_config)
    fingerprints = {split: f'{total:016x}' for split, total in totals.fingerprints.items()}
    if plan.references:
        check_same_examples(plan.references, fingerprints)
    return Record(
        model_fingerprint=read.model_fingerprint,
        artifacts=read.artifacts,
        inputs=read.uris,
        model_uri=plan.candidate.path,
        splits=_split_names(plan),
        num_examples=totals.num_examples,
        fingerprints=fingerprints,
        label_key=eval_config['modelSpecs'][0]['labelKey'],
        output_kind=check_totals(plan, totals),
        output_evidence=totals.of_candidate.rounded(),
        warnings=(*_warnings(plan, totals, read.uris), *measured['warnings']),
        upstream_blessed=upstream,
        slicing_specs=plan.slicing_specs,
        config=json.loads(plan.config.to_json()),
        eval_config=eval_config,
        judged_signature=plan.candidate.signature,
        judged_output=plan.candidate.output,
        model_called=_who_calls(plan),
        versions=versions_of(_PACKAGES),
        started=time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(started)),
        seconds=round(time.time() - started, 1),
        cpu_seconds={stage: round(spent / 1e9, 3) for stage, spent in totals.nanoseconds.items()},
        sums_of_weights={side: from_units(units) for side, units in totals.weights.items()} or None,
        num_bad_records=_num_bad_records(plan, measured['bad_records']),
        baseline_model_uri=plan.baseline.path if plan.baseline else None,
        baseline_output_kind=plan.baseline.output_kind if plan.baseline else None,
        num_reference_models=len(plan.references.models) if plan.references else None,
        num_snapshots=len(snapshots.models) if (snapshots := plan.snapshots or plan.audited_snapshots) else None,
    )


def evidence(plan: Plan, measured: Mapping[str, Any]) -> Evidence:
    """What checks look at, of what the job measured."""
    totals: Totals = totals_from_json(measured['totals'])
    found = evidence_from(measured['evidence'], plan.task, check_totals(plan, totals), totals.of_candidate)
    values = tuple(ValueFigures(**fields) for fields in measured['values'])
    return dataclasses.replace(found, values=values, **_of_trial(plan, totals))


def _of_trial(plan: Plan, totals: Totals) -> dict[str, Any]:
    """What the trial found out, and the job after it; where TFMA calls the model there is none."""
    if plan.predictions_feature:
        return {'stability': _NOT_CALLED, 'other_answers': _NOT_CALLED}
    if plan.trial is None:
        return {'stability': _BY_EXTRACTORS, 'other_answers': _BY_EXTRACTORS}
    num_asked = plan.trial.num_asked_again + totals.num_asked_again
    stability = StableFigures(larger_changes(plan.trial.changes, totals.changes), num_asked)
    return {'stability': stability, 'other_answers': plan.trial.other_answers}


def _unstable(plan: Plan) -> list[str]:
    """A word on differences in the last bits; of larger ones the check `stable_outputs` tells."""
    trial = plan.trial
    is_told = trial is None or trial.has_stable_outputs or max(trial.changes.values()) > MOST_CHANGED
    return [] if is_told else [_UNSTABLE]


def _who_calls(plan: Plan) -> str:
    if plan.predictions_feature:
        return written_predictions.NOT_CALLED
    return 'directly' if plan.calls_model_directly else "by TFMA's extractors"


def _num_bad_records(plan: Plan, bad_records: Mapping[str, int]) -> dict[str, int] | None:
    """Of every split, where some are tolerated."""
    if not plan.config.measurement.max_bad_record_share:
        return None
    return {split.split: bad_records.get(split.split, 0) for split in plan.splits}


def _warnings(plan: Plan, totals: Totals, inputs: Collection[str]) -> list[str]:
    """What is to be said of the models."""
    rounded = totals.of_candidate.rounding_warning(check_totals(plan, totals), plan.task)
    warnings = [*plan.warnings, *_unstable(plan), *rounded, *unused_baseline(BASELINE_MODEL in inputs, plan.config)]
    warnings += pushed_along(plan.candidate.path)
    if plan.predictions_feature:
        warnings.append(written_predictions.warning(plan.predictions_feature, plan.candidate.path))
    if plan.references:
        num_examples = sum(totals.num_examples.values())
        warnings += fallback_warnings(plan.config.attacks, len(plan.references.models), num_examples)
    elif REFERENCE_MODELS in inputs:
        warnings.append(UNUSED_REFERENCES)
    snapshots = plan.snapshots or plan.audited_snapshots
    if SNAPSHOTS in inputs and not snapshots:
        warnings.append(UNUSED_SNAPSHOTS)
    if plan.baseline is not None and plan.baseline.path == plan.candidate.path:
        warnings.append(_OWN_BASELINE)
    if plan.baseline is None or plan.task == REGRESSION:
        return warnings
    found = saturation(totals.outputs[BASELINE][0])
    return [*warnings, f'{BASELINE_MODEL}: {found.message}'] if found.is_unsound else warnings


def write_metrics(metrics: types.Artifact, result: PrivacyResult, lock: OutputLock) -> dict[str, str]:
    """Writes report.html, privacy_metrics.json, decision.json, TFMA's views, and headline figures as custom properties.

    Returns:
      Properties for the blessing, which tell where the verdict comes from.
    """
    text = result.to_json()
    decided = decision.decision_json(result, text)
    decision_sha256 = decision.sha256(decided)
    report = html.render(result, decision_sha256)
    lock.check()
    write_whole(f'{metrics.uri}/{REPORT_FILE_NAME}', report)
    write_views(f'{metrics.uri}/{FOLDER_NAME}', result)
    write_whole(f'{metrics.uri}/{FILE_NAME}', text)
    write_whole(f'{metrics.uri}/{decision.FILE_NAME}', decided)
    provenance = properties_of(result.record) | {
        'judged_signature': result.record.judged_signature or '',
        'judged_output': result.record.judged_output or '',
        'outcome': decision.outcome(result),
        'message': _message(result.verdict),
        'warnings': _on_one_line(result.verdict.warnings if result.verdict else ()),
        'decision_sha256': decision_sha256,
        'report_sha256': decision.sha256(report),
    }
    _set_properties(metrics, headline(result) | provenance)
    return {name: provenance[name] for name in _ON_BLESSING} | decision.in_short(result.record)


def properties_of(record: Record) -> dict[str, str]:
    """What tells one evaluation from another."""
    return decision.identity(record) | {'version': __version__}


def _set_properties(artifact: types.Artifact, properties: Mapping[str, str | int | float]) -> None:
    for name, value in properties.items():
        if isinstance(value, str):
            artifact.set_string_custom_property(name, value)
        elif isinstance(value, int):
            artifact.set_int_custom_property(name, value)
        else:
            artifact.set_float_custom_property(name, value)


def headline(result: PrivacyResult) -> dict[str, str | int | float]:
    """The figures that a query over past runs asks for; no NaN, which ML Metadata cannot hold in JSON."""
    figures: dict[str, str | int | float] = {
        'blessed': int(result.verdict is not None and result.verdict.blessed),
        'num_slices': len({r.slice_key for r in result.results}),
        'num_suppressed_slices': result.num_suppressed,
        'version': __version__,
    }
    overall = [r for r in result.results if not r.slice_key]
    if overall:
        figures |= {'num_members': overall[0].num_members, 'num_non_members': overall[0].num_non_members}
    comparisons = result.verdict.comparisons if result.verdict else ()
    of_overall = [c for c in comparisons if not c.slice_key]
    worst = _worst('overall', of_overall, overall) | _worst('worst', comparisons, result.results)
    return figures | _accuracy(result) | worst


def _accuracy(result: PrivacyResult) -> dict[str, str | int | float]:
    """On either side, as the check of their gap found it; nothing where it was not looked at."""
    found = {check.name: check.figures for check in result.checks}.get('accuracy_gap', {})
    return {f'accuracy_{side}': found[side] for side in ('members', 'non_members') if side in found}


def write_blessing(
    blessing: types.Artifact,
    verdict: Verdict,
    model: types.Artifact | None,
    component_id: str | None,
    provenance: Mapping[str, str] | None = None,
) -> None:
    """Marks the artifact as blessed or not, as Evaluator marks its own; the last thing that is written.

    `blessed` is what Pusher reads, `current_model_id` what LatestBlessedModelStrategy reads; it is left out where
    models have no ids.
    """
    constants = blessing_constants
    if model is not None:
        blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri)
    if model is not None and model.id:
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
    if component_id:
        blessing.set_string_custom_property('component_id', component_id)
    blessing.set_string_custom_property('blessing_message', _message(verdict))
    _set_properties(blessing, {**(provenance or {}), 'num_comparisons': len(verdict.comparisons)})
    if verdict.blessed:
        name, value = constants.BLESSED_FILE_NAME, constants.BLESSED_VALUE
    else:
        name, value = constants.NOT_BLESSED_FILE_NAME, constants.NOT_BLESSED_VALUE
    with writing(f'{blessing.uri}/{name}'):
        io_utils.write_string_file(f'{blessing.uri}/{name}', '')
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, value)


def _message(verdict: Verdict | None) -> str:
    return _on_one_line(verdict.reasons) if verdict else ''


def _on_one_line(sentences: Sequence[str]) -> str:
    return ' '.join(sentences)[:_LONGEST_MESSAGE]


def write_whole(path: str, text: str) -> None:
    """Writes a file under another name first, so that no half of it is ever taken for the whole."""
    with writing(path):
        io_utils.write_string_file(f'{path}.part', text)
        fileio.rename(f'{path}.part', path, overwrite=True)


def _worst(
    prefix: str, comparisons: Sequence[Comparison], results: Sequence[SliceResult]
) -> dict[str, str | int | float]:
    """What `gate.worst` names: where, by which limit and bound, and all figures there."""
    comparison, worst = worst_of(comparisons, results)
    if worst is None:
        return {}
    figures = {name: float(e.value) for name, e in worst.metrics.items() if e.value is not None}
    named = {'slice': worst.slice, 'attack': worst.attack, **figures, **(_compared(comparison) if comparison else {})}
    return {f'{prefix}_{name}': value for name, value in named.items()}


def _compared(comparison: Comparison) -> dict[str, str | float]:
    metric = f'{comparison.metric} over the baseline' if comparison.change else comparison.metric
    bound = {} if comparison.corrected_bound is None else {'bound': float(comparison.corrected_bound)}
    return {'metric': metric, 'limit': float(comparison.limit), **bound}


def _split_names(plan: Plan) -> Splits:
    members, non_members = (
        tuple(split.split for split in plan.splits if split.is_member == side) for side in (True, False)
    )
    return Splits(members, non_members)
