"""The examples of a world on disk through evaluate_privacy, to compare the job with."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from privacy_component import PrivacyConfig, PrivacyResult, evaluate_privacy
from privacy_component.beam.examples.record_hashes import example_hashes
from privacy_component.component.example_ids import secret_salt, with_printed_ids
from privacy_component.evaluation.result import result_to_json
from tests.component.world import World


def load(outputs: dict[str, Any]) -> PrivacyResult:
    return PrivacyResult.load(Path(outputs['privacy_metrics'].uri) / 'privacy_metrics.json')


def value_of(feature: tf.train.Feature) -> Any:
    if not feature.WhichOneof('kind'):
        return None
    value = getattr(feature, feature.WhichOneof('kind')).value[0]
    return value.decode() if isinstance(value, bytes) else value


def evaluated(world: World, config: PrivacyConfig, baseline=None) -> PrivacyResult:
    """`baseline` is what the baseline model makes of logits."""
    members, non_members = world.records('train'), world.records('eval')
    parsed = [tf.train.Example.FromString(record).features.feature for record in members + non_members]
    groups = [value_of(example[config.people.group_key]) for example in parsed] if config.people.group_key else None
    logits = np.array([example['logits'].float_list.value for example in parsed], np.float32)
    result = evaluate_privacy(
        is_member=np.arange(len(parsed)) < len(members),
        labels=[example['label'].int64_list.value[0] for example in parsed],
        logits=logits,
        baseline_logits=None if baseline is None else np.asarray(baseline(logits)),
        features={'color': [value_of(example['color']) for example in parsed]},
        example_ids=example_hashes(members + non_members)[0],
        group_ids=groups,
        config=config,
    )
    return dataclasses.replace(result, most_vulnerable=with_printed_ids(result.most_vulnerable, secret_salt()))


def assert_same_figures(found: PrivacyResult, expected: PrivacyResult, at_least: int) -> None:
    """Equal to the last bit wherever both have a result; slices by size and crosses are the job's only."""
    wanted = {(r.slice, r.attack): r for r in expected.results}
    both = [r for r in found.results if (r.slice, r.attack) in wanted]
    assert len(both) >= at_least
    for result in both:
        other = wanted[result.slice, result.attack]
        assert result.row() == other.row()
        assert result.metrics == other.metrics
        assert (result.baseline is None) == (other.baseline is None)
        if result.baseline:
            assert result_to_json(result)['baseline'] == result_to_json(other)['baseline']
