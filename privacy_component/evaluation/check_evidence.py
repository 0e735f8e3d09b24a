"""The evidence for checks from what evaluate_privacy was given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privacy_component.attacks import attack_named
from privacy_component.checks import BLIND, OF_EXAMPLES, Evidence, is_on
from privacy_component.checks.blind_baseline import measure_blind
from privacy_component.checks.check import DoesNotApply
from privacy_component.checks.constant_signals import NO_COLUMNS, ColumnRanges
from privacy_component.checks.duplicates import measure_duplicates
from privacy_component.checks.evidence import BlindFigures, ColumnFigures, ReferenceFigures
from privacy_component.checks.example_sketch import MOST_COUNTED
from privacy_component.checks.feature_sample import (
    CATEGORY,
    MOST_PER_SIDE,
    VALUE,
    FeatureSample,
    Input,
    bounded_sample,
    wanted_positions,
)
from privacy_component.checks.output_summary import Answers
from privacy_component.checks.reference_models import NO_REFERENCES
from privacy_component.checks.reference_summary import ReferenceSummary
from privacy_component.checks.sketches import DistinctCounts, below, early_limit
from privacy_component.checks.slice_values import measure_slice_values
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.evaluation.arguments import Inputs
from privacy_component.hashing import hash_ids, mix
from privacy_component.metrics.slice_result import SliceResult
from privacy_component.observations.columns import Column
from privacy_component.observations.needs import REFERENCE_IS_MEMBER, REFERENCE_SIGNALS
from privacy_component.observations.observations import Observations

_ROWS_PER_BLOCK = 1 << 18
LABEL = '@label'  # no feature can have this name


def evidence_of(
    inputs: Inputs,
    observations: Observations,
    results: Sequence[SliceResult],
    config: PrivacyConfig,
    are_sequences: bool = False,
) -> Evidence:
    """What the checks look at.

    Args:
      inputs: as they were read.
      observations: made of them, with the columns that attacks ask for.
      results: those of all slices, however small.
      config: which checks are on.
      are_sequences: whether they are of sequences of tokens.
    """
    return Evidence(
        task=inputs.observations.task,
        kind=inputs.kind,
        outputs=inputs.evidence,
        answers=_answers(inputs).figures(),
        values=measure_slice_values(results, config.people.min_reported_examples),
        stability=DoesNotApply('Arrays are answers already: there is no model to ask again.'),
        other_answers=DoesNotApply('Arrays are one answer: there is no model with others.'),
        references=_of_references(observations),
        columns=_of_columns(observations, config),
        are_sequences=are_sequences,
        **_of_examples(inputs, config),
    )


def _of_references(observations: Observations) -> ReferenceFigures | str:
    if not {REFERENCE_SIGNALS, REFERENCE_IS_MEMBER} <= observations.available:
        return NO_REFERENCES
    return ReferenceSummary.of(observations).figures()


def _of_columns(observations: Observations, config: PrivacyConfig) -> ColumnFigures | str:
    """Of what the configured attacks need; who hands in more is not held to it."""
    needed = {column for attack in config.attacks for column in attack_named(attack).needs}
    ranges = ColumnRanges.of(observations, needed)
    return ranges.figures() if ranges.ends else NO_COLUMNS


def _answers(inputs: Inputs) -> Answers:
    """Those of all examples, a block at a time: they merge to the same bits, in memory for a block."""
    outputs, observations = np.asarray(inputs.outputs), inputs.observations
    starts = range(0, max(len(observations), 1), _ROWS_PER_BLOCK)
    blocks = (slice(start, start + _ROWS_PER_BLOCK) for start in starts)
    first, *others = (Answers.of(outputs[block], observations.select(block)) for block in blocks)
    return first.merge(*others) if others else first


def _of_examples(inputs: Inputs, config: PrivacyConfig) -> dict[str, Any]:
    """Duplicates and the blind baseline; what is switched off is not gathered."""
    found: dict[str, Any] = {
        'duplicates': 'Give example_ids, equal ones to equal examples.',
        'blind': 'Nothing was looked at.',
    }
    if not any(is_on(name, config.checks) for name in OF_EXAMPLES):
        return found
    hashes = mix(inputs.observations.example_id, 5)
    counts = DistinctCounts.of(hashes, inputs.observations.is_member, MOST_COUNTED) if inputs.has_ids else None
    if counts is not None:
        found['duplicates'] = measure_duplicates(counts)
    if is_on(BLIND, config.checks):
        found['blind'] = _blind(inputs, hashes, counts, config.measurement.seed)
    return found


def _blind(inputs: Inputs, hashes: NDArray[np.uint64], counts: DistinctCounts | None, seed: int) -> BlindFigures | str:
    members, groups = inputs.observations.is_member, inputs.observations.group_id
    low, high = (early_limit(hashes[members == side], MOST_PER_SIDE) for side in (False, True))
    rows = np.flatnonzero(np.where(members, below(hashes, high), below(hashes, low)))
    features = {k: v[rows] for name, one in inputs.columns.items() for k, v in _inputs(name, one, len(hashes)).items()}
    features |= _label_inputs(inputs.observations.labels[rows])
    units = hashes if groups is None else groups
    sample = bounded_sample(FeatureSample.of(hashes[rows], members[rows], units[rows], features, (low, high)))
    if counts is None:  # no two rows are one example
        counts = DistinctCounts.of(sample.hashes, sample.is_member, len(sample))
    return measure_blind(sample, counts, is_grouped=groups is not None, seed=seed)


def _label_inputs(labels: NDArray) -> dict[Input, NDArray[np.float64]]:
    """The label, or for a multi-label model each of them."""
    columns = labels.reshape(len(labels), -1)
    positions = wanted_positions(LABEL, VALUE, columns.shape[1]).tolist()
    return {Input(LABEL, VALUE, position): columns[:, position].astype(np.float64) for position in positions}


def _inputs(name: str, column: Column, num_rows: int) -> dict[Input, NDArray[np.float64]]:
    """A feature's values as numbers, or as categories where some are text."""
    is_number = all(isinstance(value, int | float) for value in column.vocabulary)
    numbers = np.array(column.vocabulary, np.float64) if is_number else _as_categories(column.vocabulary)
    values = np.full(num_rows, np.nan)
    values[column.rows] = numbers[column.codes]
    return {Input(name, VALUE if is_number else CATEGORY): values}


def _as_categories(vocabulary: tuple) -> NDArray[np.float64]:
    """(v,) hashes of texts as numbers that floating point holds exactly."""
    return (mix(hash_ids(np.array([str(value) for value in vocabulary], np.str_))) >> np.uint64(11)).astype(np.float64)
