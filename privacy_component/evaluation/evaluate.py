"""evaluate_privacy: the whole evaluation on arrays, without TFX."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from privacy_component.attacks import attack_named, check_needs
from privacy_component.attacks.crossfit import FoldScores, fold_numbers, fold_scores
from privacy_component.attacks.stacked import fallback_warnings
from privacy_component.checks import run_checks
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.errors import PrivacyInputError, prefixed_errors
from privacy_component.evaluation.arguments import Inputs, classes_in, memberships, read_inputs
from privacy_component.evaluation.audits import audits_of_arrays
from privacy_component.evaluation.check_evidence import evidence_of
from privacy_component.evaluation.counting import counts_by_slice, joint_by_slice
from privacy_component.evaluation.decision import decided
from privacy_component.evaluation.group_counts import look_at_groups
from privacy_component.evaluation.other_models import are_given, read_baseline, read_columns
from privacy_component.evaluation.record import Record
from privacy_component.evaluation.result import PrivacyResult, report_module
from privacy_component.evaluation.slices import slices_of, slicing_specs_for
from privacy_component.evaluation.token_arguments import check_alone, read_sequences
from privacy_component.evaluation.versions import OF_ARRAYS, versions_of
from privacy_component.gate.baseline import attacks_on_baseline, attacks_paired, unused_baseline
from privacy_component.gate.suppression import suppress
from privacy_component.metrics.change import Baseline
from privacy_component.metrics.counts.joint import JointCounts
from privacy_component.metrics.registry import metrics_for
from privacy_component.metrics.risk import most_vulnerable, privacy_risk_scores
from privacy_component.metrics.slice_result import SliceResult, in_order, measure
from privacy_component.observations.columns import (
    Column,
)
from privacy_component.observations.needs import REFERENCE_SIGNALS, REFERENCES, SNAPSHOT_SIGNALS, need_of
from privacy_component.observations.observations import Observations
from privacy_component.observations.signals import compute
from privacy_component.observations.slicing import (
    SliceRows,
    SlicingSpec,
    too_many_slices,
)


def evaluate_privacy(
    *,
    is_member: ArrayLike,
    labels: ArrayLike | None = None,
    logits: ArrayLike | None = None,
    probabilities: ArrayLike | None = None,
    predictions: ArrayLike | None = None,
    baseline_logits: ArrayLike | None = None,
    baseline_probabilities: ArrayLike | None = None,
    baseline_predictions: ArrayLike | None = None,
    reference_logits: ArrayLike | None = None,
    reference_probabilities: ArrayLike | None = None,
    reference_predictions: ArrayLike | None = None,
    reference_is_member: ArrayLike | None = None,
    snapshot_logits: ArrayLike | None = None,
    snapshot_probabilities: ArrayLike | None = None,
    snapshot_predictions: ArrayLike | None = None,
    token_log_probs: ArrayLike | None = None,
    token_mask: ArrayLike | None = None,
    earlier_token_log_probs: ArrayLike | None = None,
    signals: Mapping[str, ArrayLike] | None = None,
    features: Mapping[str, ArrayLike] | None = None,
    group_ids: ArrayLike | None = None,
    example_ids: ArrayLike | None = None,
    canary_scores: ArrayLike | None = None,
    canary_is_in: ArrayLike | None = None,
    classes: Any = None,
    config: PrivacyConfig | None = None,
    progress: bool | Callable[[Sequence[str]], Iterable[str]] = False,
) -> PrivacyResult:
    """Attacks a model's outputs on members and non-members, slice by slice, and decides.

    Args:
      is_member: (n,) bool, True where the model was trained on the example.
      labels: (n,) class numbers, or what `classes` or the config's outputs.classes lists; (n, classes) of 0 and 1 for a
        multi-label model; (n,) numbers for regression.
      logits: (n, classes), or (n,) or (n, 1) for one sigmoid output. Give these where the model has them.
      probabilities: the same shapes, in [0, 1].
      predictions: of regression, (n,) or (n, 1), or (n, 2) for mean and variance. Give one of these three.
      baseline_logits, baseline_probabilities, baseline_predictions: the same of a baseline model on the same examples,
        for thresholds on a change; one of them or none.
      reference_logits, reference_probabilities, reference_predictions: of K models trained as this one was, on other
        examples of the same kind, (K, n, classes) or (K, n); for attacks that compare with reference models.
      reference_is_member: (K, n) True where the reference model was trained on the example.
      snapshot_logits, snapshot_probabilities, snapshot_predictions: the same shapes, of K earlier states of this model,
        in the order of training.
      token_log_probs: (n, length) of a model of sequences, the log probability that it gave the token at each place; in
        the place of labels and outputs.
      token_mask: (n, length) False for padding.
      earlier_token_log_probs: the same by an earlier state of the model, or by another one.
      signals: columns that attacks may ask for by name, name -> (n,) numbers; 'gradient_norm', say. Of S snapshots,
        'snapshot_signals' is (n, S) and 'snapshot_alignment' (n, S - 1).
      features: columns to slice by, name -> (n,); None and NaN are no value.
      group_ids: (n,) whole numbers or texts, whose example it is: folds and intervals respect groups.
      example_ids: (n,) whole numbers or texts; the row numbers if not given. Folds come from them, and equal ids count
        as duplicates of one example. With `people.num_most_vulnerable` members are named by them, as they are, in
        privacy_metrics.json and the report: give pseudonyms where an id must not stand there.
      canary_scores: (m,) of the canaries that config.audits ask for, higher = more likely trained on: the negative
        loss, say. Canaries are none of the n examples.
      canary_is_in: (m,) bool, True where the coin put the canary into the training data.
      classes: what labels call the classes, in the order of the outputs: texts or numbers; or an encoder or classifier
        of scikit-learn that was fitted to the labels, and has them as classes_.
      config: attacks, thresholds, slices. Without thresholds nothing is judged, and nothing blessed.
      progress: True shows on stderr which attack runs, in a terminal or a notebook, and needs the extra `report`. Or a
        function that is given the names of the attacks and gives them one by one, such as tqdm.

    Returns:
      One row per slice and attack, the verdict, and the members at the highest risk.

    Raises:
      PrivacyInputError: an argument cannot be used; the message names it.
    """
    config, numbers = classes_in(_checked(config), classes)
    audits = audits_of_arrays(config, canary_scores, canary_is_in)
    sequences = None
    if token_log_probs is not None:
        check_alone({'labels': labels} | _by_kind(logits, probabilities, predictions))
        sequences = read_sequences(token_log_probs, token_mask, earlier_token_log_probs, len(memberships(is_member)))
        labels, predictions = np.zeros(len(sequences.losses)), sequences.losses
        config = config if config.attacks else replace(config, attacks=sequences.attacks)
    outputs = _by_kind(logits, probabilities, predictions)
    inputs = read_inputs(is_member, labels, outputs, features, group_ids, example_ids, config, numbers)
    snapshots = _by_kind(snapshot_logits, snapshot_probabilities, snapshot_predictions)
    has_snapshots = are_given(snapshots) or SNAPSHOT_SIGNALS in (signals or {})
    config = config.for_task(inputs.observations.task, reference_is_member is not None, has_snapshots)
    if not config.thresholds:
        config = replace(config, report_only=True)
    baseline_outputs = _by_kind(baseline_logits, baseline_probabilities, baseline_predictions)
    baseline = read_baseline(baseline_outputs, inputs.observations, config)
    references = _by_kind(reference_logits, reference_probabilities, reference_predictions)
    columns = read_columns(signals, references, reference_is_member, snapshots, inputs.observations, config)
    columns |= sequences.columns if sequences else {}
    observations = inputs.observations.with_columns(columns)
    if baseline is not None:  # which the same reference models are compared with
        shared = {name: column for name, column in columns.items() if need_of(name).role == REFERENCES}
        baseline = baseline.with_columns(shared)
    for attack in config.attacks:
        check_needs(attack, attack_named(attack), observations.task, observations.available)
    slices = _slices(inputs.columns, observations, config)
    said_of_groups = sorted(look_at_groups(observations, slices, config))
    attacks = _followed(config.attacks, progress)
    measured = in_order(_evaluate(observations, baseline, slices, config, attacks), config.attacks)
    results, num_suppressed = suppress(measured, config.people.min_reported_examples)
    vulnerable = _most_vulnerable(inputs, observations, config)
    class_names = None if numbers is None else tuple(map(str, numbers.tolist()))
    record = _record(inputs, observations, baseline, said_of_groups, config, class_names)
    checks = run_checks(evidence_of(inputs, observations, measured, config, sequences is not None), config.checks)
    return decided(
        PrivacyResult(results, None, record, vulnerable, num_suppressed=num_suppressed, checks=checks, audits=audits)
    )


def _checked(config: Any) -> PrivacyConfig:
    if config is None:
        return PrivacyConfig()
    if not isinstance(config, PrivacyConfig):
        hint = f'; for a policy write policy({config!r:.40})' if isinstance(config, str) else ''
        raise PrivacyInputError(f'config is a {type(config).__name__}; give a PrivacyConfig{hint}.')
    return config


def _by_kind(logits: Any, probabilities: Any, predictions: Any) -> dict[str, Any]:
    return {'logits': logits, 'probabilities': probabilities, 'predictions': predictions}


def _slices(columns: Mapping[str, Column], observations: Observations, config: PrivacyConfig) -> list[SliceRows]:
    specs = slicing_specs_for(config, [SlicingSpec((name,)) for name in columns], observations.task)
    slices = slices_of(specs, columns, observations, config.slices.missing)
    if sum(len(sliced.keys) for sliced in slices) > config.slices.max_slices:
        raise too_many_slices(config.slices.max_slices)
    return slices


def _evaluate(
    observations: Observations,
    baseline: Observations | None,
    slices: Sequence[SliceRows],
    config: PrivacyConfig,
    attacks: Iterable[str],
) -> Iterator[SliceResult]:
    metrics = metrics_for([threshold.metric for threshold in config.thresholds])
    level, least = config.decision.confidence_level, config.decision.min_examples
    for attack in attacks:
        scored = fold_scores(attack_named(attack), observations, config.measurement.folds, config.measurement.seed)
        baselines: Iterable[Baseline | None] = itertools.repeat(None)
        if baseline is not None and attack in attacks_on_baseline(config):
            baselines = _baselines(attack, scored, baseline, slices, config)
        counted = counts_by_slice(scored, observations, slices, config)
        for (key, folds, effect), other in zip(counted, baselines, strict=False):
            yield measure(key, attack, folds, metrics, level, least, effect, other)


def _followed(attacks: Sequence[str], progress: Any) -> Iterable[str]:
    """The attacks, each given when it is about to run.

    Raises:
      PrivacyInputError: `progress` is neither a truth value nor a function.
    """
    if isinstance(progress, bool):
        show: Iterable[str] = report_module('terminal').each_attack(attacks) if progress else attacks
        return show
    if not callable(progress):
        raise PrivacyInputError(f'progress is a {type(progress).__name__}; give True, or a function such as tqdm.')
    return _each_once(attacks, progress(attacks))


def _each_once(attacks: Sequence[str], followed: Iterable[str]) -> Iterator[str]:
    """What a function of others gives, if it is every attack in turn: none that is left out may pass unseen."""
    given = 0
    for attack in followed:
        if tuple(attacks[given : given + 1]) != (attack,):
            break
        given += 1
        yield attack
    if given < len(attacks):
        raise PrivacyInputError(f"progress has not given the attack '{attacks[given]}' in its turn: give each once.")


def _baselines(
    attack: str, scored: FoldScores, baseline: Observations, slices: Sequence[SliceRows], config: PrivacyConfig
) -> Iterator[Baseline | None]:
    """What the attack finds in the baseline model, slice by slice."""
    with prefixed_errors('the baseline model'):
        check_needs(attack, attack_named(attack), baseline.task, baseline.available)
        other = fold_scores(attack_named(attack), baseline, config.measurement.folds, config.measurement.seed)
    joint: Iterable[tuple[list[JointCounts] | None, float]] = itertools.repeat((None, 1.0))
    if attack in attacks_paired(config):
        joint = joint_by_slice(scored, other, baseline, slices, config)
    metrics = metrics_for([threshold.metric for threshold in config.thresholds])
    counted = counts_by_slice(other, baseline, slices, config)
    for (_, folds, effect), (together, change_effect) in zip(counted, joint, strict=False):
        yield Baseline.of(folds, together, metrics, effect, change_effect)


def _most_vulnerable(inputs: Inputs, observations: Observations, config: PrivacyConfig) -> tuple[dict[str, Any], ...]:
    if not config.people.num_most_vulnerable:
        return ()
    loss = compute('loss', observations)
    members, folds = (
        observations.is_member,
        fold_numbers(observations, config.measurement.folds, config.measurement.seed),
    )
    risks = privacy_risk_scores(loss, members, folds, asked=members)
    rows = most_vulnerable(risks, -loss, members, config.people.num_most_vulnerable)
    ids = inputs.example_ids[rows].tolist()
    return tuple({'example_id': i, 'risk': float(risk)} for i, risk in zip(ids, risks[rows], strict=True))


def _record(
    inputs: Inputs,
    observations: Observations,
    baseline: Observations | None,
    said_of_groups: Iterable[str],
    config: PrivacyConfig,
    class_names: tuple[str, ...] | None,
) -> Record:
    warnings = [*inputs.warnings, *said_of_groups, *unused_baseline(baseline is not None, config)]
    signals = observations.columns.get(REFERENCE_SIGNALS)
    snapshots = observations.columns.get(SNAPSHOT_SIGNALS)
    if signals is not None:
        warnings += fallback_warnings(config.attacks, signals.shape[1], len(observations))
    return Record(
        task=observations.task,
        output_kind=inputs.kind,
        output_kind_evidence=f'handed in as {inputs.kind}: {inputs.evidence.rounded().in_words()}',
        output_evidence=inputs.evidence.rounded(),
        num_examples=len(observations),
        config=json.loads(config.to_json()),
        slicing_specs=config.slicing_specs,
        warnings=tuple(warnings),
        versions=versions_of(OF_ARRAYS),
        num_reference_models=None if signals is None else signals.shape[1],
        num_snapshots=None if snapshots is None else snapshots.shape[1],
        class_names=config.outputs.classes or class_names or None,
    )
