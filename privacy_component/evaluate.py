"""evaluate_privacy: the whole evaluation on arrays, without TFX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from privacy_component.attacks import attack_named
from privacy_component.config import PrivacyConfig
from privacy_component.gate import decide
from privacy_component.metrics import roc
from privacy_component.metrics.registry import metrics_for
from privacy_component.observations import Observations
from privacy_component.outputs import OutputEvidence, as_observations, output_kind
from privacy_component.results import PrivacyResult, SliceResult, measure
from privacy_component.slicing import CLASS_FEATURE, Column, SliceKey, SliceRows, SlicingSpec, slice_rows


def evaluate_privacy(
    *,
    is_member: ArrayLike,
    labels: ArrayLike,
    logits: ArrayLike | None = None,
    probabilities: ArrayLike | None = None,
    features: Mapping[str, ArrayLike] | None = None,
    example_ids: ArrayLike | None = None,
    config: PrivacyConfig | None = None,
) -> PrivacyResult:
    """Attacks a model's outputs on members and non-members, slice by slice, and decides.

    Args:
      is_member: (n,) bool, True where the model was trained on the example.
      labels: (n,) class numbers.
      logits: (n, classes), or (n,) or (n, 1) for one sigmoid output. Give these where the model has them.
      probabilities: the same shapes, in [0, 1]; give either these or logits.
      features: columns to slice by, name -> (n,).
      example_ids: (n,) integers; the row numbers if not given.
      config: attacks, thresholds, slices.

    Returns:
      One row per slice and attack, and the verdict.

    Raises:
      PrivacyInputError: an argument cannot be used; the message names it.
    """
    config = config or PrivacyConfig()
    outputs, kind = (logits, 'logits') if logits is not None else (probabilities, 'probabilities')
    is_member = np.asarray(is_member, bool)
    ids = np.arange(len(is_member)) if example_ids is None else np.asarray(example_ids)
    outputs = np.asarray(outputs, np.float64)
    output_kind(OutputEvidence.of(outputs), kind)
    observations = as_observations(
        is_member=is_member,
        example_id=ids.astype(np.uint64),
        labels=np.asarray(labels),
        outputs=outputs,
        kind=kind,
    )
    columns = {name: Column.from_values(values) for name, values in (features or {}).items()}
    specs = [*(SlicingSpec((name,)) for name in columns), *config.slicing_specs]
    results = _evaluate(observations, columns, specs, config)
    return PrivacyResult(tuple(results), decide(results, config))


def slicing_specs_for(config: PrivacyConfig, specs: Sequence[SlicingSpec]) -> list[SlicingSpec]:
    """The overall slice, those given, those of the config and the classes, each once."""
    by_class = [SlicingSpec((CLASS_FEATURE,))] if config.slice_by_class else []
    wanted = [SlicingSpec(), *specs, *config.slicing_specs, *by_class]
    return [spec for i, spec in enumerate(wanted) if spec not in wanted[:i]]


def with_derived_columns(columns: Mapping[str, Column], observations: Observations) -> dict[str, Column]:
    """The columns, and those that follow from the observations."""
    return {**columns, CLASS_FEATURE: Column.from_values(observations.labels)}


def slice_counts(keys: np.ndarray, is_member: np.ndarray, members_of: SliceRows) -> dict[SliceKey, roc.RocCounts]:
    """RocCounts of every slice of one spec, from score keys (n,) and memberships (n,)."""
    rows = members_of.rows
    counts = roc.count_by_slice(members_of.codes, len(members_of.keys), keys[rows], is_member[rows])
    return dict(zip(members_of.keys, counts, strict=True))


def _evaluate(
    observations: Observations, columns: Mapping[str, Column], specs: Sequence[SlicingSpec], config: PrivacyConfig
) -> list[SliceResult]:
    columns = with_derived_columns(columns, observations)
    slices = [slice_rows(spec, columns, len(observations)) for spec in slicing_specs_for(config, specs)]
    metrics = metrics_for([threshold.metric for threshold in config.thresholds])
    results: dict[tuple[SliceKey, str], SliceResult] = {}
    for attack in config.attacks:
        scores = attack_named(attack).make().fit(observations).score(observations)
        keys = roc.score_keys(scores)
        for rows in slices:
            for key, counts in slice_counts(keys, observations.is_member, rows).items():
                results[key, attack] = measure(
                    key, attack, [counts], metrics, config.confidence_level, config.min_examples
                )
    return list(results.values())
