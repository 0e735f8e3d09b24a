"""The evidence for checks from what evaluate_privacy was given."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from privacy_component.checks import BLIND, OF_EXAMPLES, Evidence, is_on
from privacy_component.checks.answers import Answers
from privacy_component.checks.blind import measure_blind
from privacy_component.checks.distinct import DistinctCounts
from privacy_component.checks.duplicates import measure_duplicates
from privacy_component.checks.evidence import BlindFigures, DuplicateFigures
from privacy_component.checks.examples import MOST_COUNTED
from privacy_component.checks.features import (
    CATEGORY,
    VALUE,
    FeatureSample,
    Input,
    bounded_sample,
    most_wanted,
)
from privacy_component.config import PrivacyConfig
from privacy_component.hashing import hash_ids, mix
from privacy_component.inputs import Inputs
from privacy_component.observations import Observations
from privacy_component.slicing import Column

_SWITCHED_OFF = 'Switched off by PrivacyConfig.checks.'


def evidence_of(inputs: Inputs, config: PrivacyConfig) -> Evidence:
    """What the checks look at."""
    observations = inputs.observations
    hashes = mix(observations.example_id, 5)
    wanted = any(is_on(name, config.checks) for name in OF_EXAMPLES)
    counts = DistinctCounts.of(hashes, observations.is_member, MOST_COUNTED) if wanted else None
    return Evidence(
        task=observations.task,
        kind=inputs.kind,
        outputs=inputs.evidence,
        answers=Answers.of(inputs.outputs, observations).figures(),
        duplicates=_duplicates(counts, inputs.has_ids),
        blind=_blind(
            observations, hashes, counts if is_on(BLIND, config.checks) else None, inputs.columns, config.seed
        ),
    )


def _duplicates(counts: DistinctCounts | None, has_ids: bool) -> DuplicateFigures | str:
    if counts is None:
        return _SWITCHED_OFF
    if not has_ids:
        return 'Give example_ids, equal ones to equal examples.'
    return measure_duplicates(counts)


def _blind(
    observations: Observations,
    hashes: NDArray[np.uint64],
    counts: DistinctCounts | None,
    columns: Mapping[str, Column],
    seed: int,
) -> BlindFigures | str:
    if counts is None:
        return _SWITCHED_OFF
    if not columns:
        return 'Give features.'
    groups = observations.group_id
    units = hashes if groups is None else groups
    rows = bounded_sample(FeatureSample(hashes, observations.is_member, units, {Input('row', VALUE): _rows(hashes)}))
    chosen = rows.inputs[Input('row', VALUE)].astype(np.int64)
    inputs = {k: v[chosen] for name, column in columns.items() for k, v in _inputs(name, column, len(hashes)).items()}
    names = most_wanted(list(inputs))
    sample = FeatureSample(rows.hashes, rows.is_member, rows.units, {k: inputs[k] for k in names}, rows.limits)
    return measure_blind(sample, counts, is_grouped=groups is not None, seed=seed)


def _rows(hashes: NDArray[np.uint64]) -> NDArray[np.float64]:
    return np.arange(len(hashes), dtype=np.float64)


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
