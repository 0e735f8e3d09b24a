"""evaluate_privacy: the whole evaluation on arrays, without TFX."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from privacy_component.attacks import attack_named, check_needs
from privacy_component.attacks.crossfit import FoldScores, fold_numbers, fold_scores
from privacy_component.attacks.groups import NO_AGGREGATION, aggregate, mixed_groups_warning, num_mixed_groups
from privacy_component.checks import run_checks
from privacy_component.config import PrivacyConfig
from privacy_component.errors import PrivacyInputError
from privacy_component.gate import decide
from privacy_component.inputs import Inputs, read_inputs
from privacy_component.metrics import roc
from privacy_component.metrics.clusters import design_effect
from privacy_component.metrics.registry import metrics_for
from privacy_component.metrics.risk import most_vulnerable, privacy_risk_scores
from privacy_component.observations import MULTICLASS, MULTILABEL, REGRESSION, Observations
from privacy_component.results import PrivacyResult, SliceResult, in_order, measure
from privacy_component.signals import compute
from privacy_component.slicing import (
    CLASS_FEATURE,
    CORRECT_FEATURE,
    LOSS_PERCENTILE_FEATURE,
    Column,
    SliceKey,
    SliceRows,
    SlicingSpec,
    correct_column,
    loss_percentile_column,
    multilabel_column,
    slice_rows,
    too_many_slices,
)
from privacy_component.soundness import evidence_of


def evaluate_privacy(
    *,
    is_member: ArrayLike,
    labels: ArrayLike,
    logits: ArrayLike | None = None,
    probabilities: ArrayLike | None = None,
    predictions: ArrayLike | None = None,
    features: Mapping[str, ArrayLike] | None = None,
    group_ids: ArrayLike | None = None,
    example_ids: ArrayLike | None = None,
    config: PrivacyConfig | None = None,
) -> PrivacyResult:
    """Attacks a model's outputs on members and non-members, slice by slice, and decides.

    Args:
      is_member: (n,) bool, True where the model was trained on the example.
      labels: (n,) class numbers; (n, classes) of 0 and 1 for a multi-label model; (n,) numbers for regression.
      logits: (n, classes), or (n,) or (n, 1) for one sigmoid output. Give these where the model has them.
      probabilities: the same shapes, in [0, 1].
      predictions: of regression, (n,) or (n, 1), or (n, 2) for mean and variance. Give one of these three.
      features: columns to slice by, name -> (n,); None and NaN are no value.
      group_ids: (n,) whole numbers or texts, whose example it is: folds and intervals respect groups.
      example_ids: (n,) whole numbers or texts; the row numbers if not given. Folds come from them.
      config: attacks, thresholds, slices.

    Returns:
      One row per slice and attack, the verdict, and the members at the highest risk.

    Raises:
      PrivacyInputError: an argument cannot be used; the message names it.
    """
    config = config or PrivacyConfig()
    outputs = {'logits': logits, 'probabilities': probabilities, 'predictions': predictions}
    inputs = read_inputs(is_member, labels, outputs, features, group_ids, example_ids, config)
    observations = _with_signals(inputs.observations, config)
    slices = _slices(inputs.columns, observations, config)
    results = in_order(_evaluate(observations, slices, config), config.attacks)
    vulnerable = _most_vulnerable(inputs, observations, config)
    checks = run_checks(evidence_of(inputs, config), config.checks)
    verdict = decide(results, config, slicing_specs=config.slicing_specs, checks=checks)
    return PrivacyResult(results, verdict, _context(inputs, config), vulnerable, checks)


def slicing_specs_for(config: PrivacyConfig, specs: Sequence[SlicingSpec], task: str = MULTICLASS) -> list[SlicingSpec]:
    """The overall slice, those given, those of the config and those that it switches on, each once."""
    derived = {
        CLASS_FEATURE: config.slice_by_class and task != REGRESSION,
        CORRECT_FEATURE: config.slice_by_correctness and task != REGRESSION,
        LOSS_PERCENTILE_FEATURE: config.slice_by_loss_percentile,
    }
    switched_on = [SlicingSpec((name,)) for name, is_on in derived.items() if is_on]
    wanted = [SlicingSpec(), *specs, *config.slicing_specs, *switched_on]
    return [spec for i, spec in enumerate(wanted) if spec not in wanted[:i]]


def with_derived_columns(
    columns: Mapping[str, Column],
    observations: Observations,
    wanted: Collection[str] = (CLASS_FEATURE, CORRECT_FEATURE),
) -> dict[str, Column]:
    """The columns, and those that follow from the observations.

    Loss percentiles are made only if `wanted` names them, because they are right only for the whole data set.
    """
    derived: dict[str, Column] = {}
    if CLASS_FEATURE in wanted and observations.task != REGRESSION:
        is_multilabel = observations.task == MULTILABEL
        labels = observations.labels
        derived[CLASS_FEATURE] = multilabel_column(labels) if is_multilabel else Column.from_values(labels)
    if CORRECT_FEATURE in wanted and observations.task != REGRESSION:
        derived[CORRECT_FEATURE] = correct_column(compute('correctness', observations) == 1)
    if LOSS_PERCENTILE_FEATURE in wanted:
        derived[LOSS_PERCENTILE_FEATURE] = loss_percentile_column(compute('loss', observations))
    return {**columns, **derived}


def slices_of(
    specs: Sequence[SlicingSpec], columns: Mapping[str, Column], observations: Observations
) -> list[SliceRows]:
    """The slices of every spec, from the columns and those that follow from the observations."""
    wanted = {name for spec in specs for name in spec.features}
    columns = with_derived_columns(columns, observations, wanted)
    return [slice_rows(spec, columns, len(observations)) for spec in specs]


def _slices(columns: Mapping[str, Column], observations: Observations, config: PrivacyConfig) -> list[SliceRows]:
    specs = slicing_specs_for(config, [SlicingSpec((name,)) for name in columns], observations.task)
    slices = slices_of(specs, columns, observations)
    if sum(len(members_of.keys) for members_of in slices) > config.max_slices:
        raise too_many_slices(config.max_slices)
    return slices


def _evaluate(observations: Observations, slices: Sequence[SliceRows], config: PrivacyConfig) -> Iterator[SliceResult]:
    metrics = metrics_for([threshold.metric for threshold in config.thresholds])
    for attack in config.attacks:
        check_needs(attack, attack_named(attack), observations)
        scored = fold_scores(attack_named(attack), observations, config.folds, config.seed)
        for key, folds, effect in _count(scored, observations, slices, config):
            yield measure(key, attack, folds, metrics, config.confidence_level, config.min_examples, effect)


def _count(
    scored: FoldScores, observations: Observations, slices: Sequence[SliceRows], config: PrivacyConfig
) -> Iterator[tuple[SliceKey, list[roc.RocCounts], float]]:
    """Every slice's counts, fold by fold, and the design effect of groups in it."""
    by_group = config.group_aggregation != NO_AGGREGATION
    if by_group:
        if observations.group_id is None:
            raise PrivacyInputError(f"PrivacyConfig.group_aggregation is '{config.group_aggregation}': give group_ids.")
    else:
        sorted_scores = roc.SortedScores.of(roc.score_keys(scored.scores), observations.is_member)
    for members_of in slices:
        rows, codes = _slice_and_fold(scored, members_of)
        num_counts = len(members_of.keys) * scored.num_folds
        if by_group:
            counts = iter(_group_counts(scored, observations, rows, codes, num_counts, config.group_aggregation))
        else:
            counts = sorted_scores.each(rows, codes, num_counts)
        effects = np.ones(num_counts) if by_group else _design_effects(scored, observations, rows, codes, num_counts)
        for i, key in enumerate(members_of.keys):
            part = slice(i * scored.num_folds, (i + 1) * scored.num_folds)
            yield key, list(itertools.islice(counts, scored.num_folds)), float(effects[part].max())


def _slice_and_fold(scored: FoldScores, members_of: SliceRows) -> tuple[NDArray, NDArray]:
    """Rows that have a score, and for each the number of its slice and fold together."""
    rows, codes = members_of.rows, members_of.codes
    if scored.num_folds == 1:
        return rows, codes
    kept = scored.fold[rows] >= 0
    rows = rows[kept]
    return rows, codes[kept].astype(np.int64) * scored.num_folds + scored.fold[rows]


def _group_counts(
    scored: FoldScores, observations: Observations, rows: NDArray, codes: NDArray, num_counts: int, how: str
) -> list[roc.RocCounts]:
    assert observations.group_id is not None
    units = aggregate(scored.scores[rows], observations.is_member[rows], codes, observations.group_id[rows], how)
    return roc.count_by_slice(units.codes, num_counts, roc.score_keys(units.scores), units.is_member)


def _design_effects(
    scored: FoldScores, observations: Observations, rows: NDArray, codes: NDArray, num_counts: int
) -> NDArray[np.float64]:
    """By how much dependence within groups inflates variances, for each slice and fold; 1 without groups."""
    effects = np.ones(num_counts)
    if observations.group_id is None:
        return effects
    order = np.argsort(codes, kind='stable')
    ends = np.cumsum(np.bincount(codes, minlength=num_counts))[:-1]
    for i, part in enumerate(np.split(rows[order], ends)):
        effects[i] = design_effect(scored.scores[part], observations.is_member[part], observations.group_id[part])
    return effects


def _with_signals(observations: Observations, config: PrivacyConfig) -> Observations:
    """The observations with the loss worked out, if it will be read more than once."""
    if not (config.num_most_vulnerable or config.slice_by_loss_percentile):
        return observations
    return dataclasses.replace(observations, signals={'loss': compute('loss', observations)})


def _most_vulnerable(inputs: Inputs, observations: Observations, config: PrivacyConfig) -> tuple[dict[str, Any], ...]:
    if not config.num_most_vulnerable:
        return ()
    loss = compute('loss', observations)
    members, folds = observations.is_member, fold_numbers(observations, config.folds, config.seed)
    risks = privacy_risk_scores(loss, members, folds, asked=members)
    rows = most_vulnerable(risks, -loss, members, config.num_most_vulnerable)
    ids = inputs.example_ids[rows].tolist()
    return tuple({'example_id': i, 'risk': float(risk)} for i, risk in zip(ids, risks[rows], strict=True))


def _context(inputs: Inputs, config: PrivacyConfig) -> dict[str, Any]:
    """What was evaluated and how; JSON values only."""
    observations, warnings = inputs.observations, list(inputs.warnings)
    if observations.group_id is not None:
        mixed = num_mixed_groups(observations.is_member, observations.group_id)
        if mixed:
            warnings.append(mixed_groups_warning(mixed))
    return {
        'task': observations.task,
        'output_kind': inputs.kind,
        'output_kind_evidence': f'handed in as {inputs.kind}: {inputs.evidence.in_words()}',
        'output_evidence': dataclasses.asdict(inputs.evidence),
        'num_examples': len(observations),
        'config': json.loads(config.to_json()),
        'warnings': warnings,
    }
