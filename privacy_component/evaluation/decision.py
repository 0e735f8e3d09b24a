"""The decision and its record: one place decides for the component, for arrays and for a replay."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.config.thresholds import LEAK_SHOWN
from privacy_component.evaluation.result import PrivacyResult
from privacy_component.gate.history import (
    BLESSED,
    BLESSED_OVER_REFUSAL,
    NOT_BLESSED,
    REFUSAL_STANDS,
    REFUSED,
    Earlier,
    with_history,
)
from privacy_component.gate.verdict import EXCEEDED, Comparison, Verdict, decide
from privacy_component.observations.slicing import SlicingSpec

FILE_NAME = 'decision.json'
SCHEMA_VERSION = 1

_UPSTREAM = {True: 'blessed', False: 'not blessed', None: 'not asked'}


def decide_result(result: PrivacyResult, config: PrivacyConfig | None = None) -> Verdict:
    """The verdict on a result, from nothing but what its JSON holds.

    Args:
      result: measured figures, and the context that they were measured in; its own verdict is not read.
      config: the limits; those in the context if not given.
    """
    context = result.context
    config = config or recorded_config(context)
    specs = [SlicingSpec(**fields) for fields in context.get('slicing_specs', ())]
    verdict = decide(
        result.results,
        config,
        context.get('upstream_blessed'),
        specs,
        num_suppressed=result.num_suppressed,
        checks=result.checks,
    )
    overrides, fingerprint = config.decision.refusal_overrides, context.get('model_fingerprint', '')
    return with_history(verdict, _earlier(context), overrides, fingerprint)


def decided(result: PrivacyResult) -> PrivacyResult:
    """The result with its verdict."""
    return dataclasses.replace(result, verdict=decide_result(result))


def recorded_config(context: Mapping[str, Any]) -> PrivacyConfig:
    """The config that a result was measured with."""
    return PrivacyConfig.from_fields(json.loads(json.dumps(context['config'])), 'privacy_config')


def sha256(text: str) -> str:
    """64 hexadecimal digits."""
    return hashlib.sha256(text.encode('utf-8')).hexdigest()


def sha256_of_json(value: Any) -> str:
    """The hash of a JSON value, whatever the order of its keys and its white space."""
    return sha256(json.dumps(value, sort_keys=True, separators=(',', ':'), allow_nan=False))


def identity(context: Mapping[str, Any]) -> dict[str, str]:
    """Hashes of what was evaluated and how; only texts, so that ML Metadata and Kubeflow can hold them."""
    config = context['config']
    others = {name: value for name, value in config.items() if name not in ('thresholds', 'attacks')}
    others['decision'] = {name: value for name, value in config['decision'].items() if name != 'refusal_overrides'}
    return {
        'model_fingerprint': context.get('model_fingerprint', ''),
        'config_sha256': sha256_of_json(config),
        'thresholds_sha256': sha256_of_json(config['thresholds']),
        'attacks_sha256': sha256_of_json(config['attacks']),
        'settings_sha256': sha256_of_json(others),
        'eval_config_sha256': sha256_of_json(context.get('eval_config')),
        'examples_sha256': sha256_of_json([context.get(name) for name in ('splits', 'num_examples', 'fingerprints')]),
        'other_inputs_sha256': sha256_of_json(_other_inputs(context)),
        'upstream': _UPSTREAM[context.get('upstream_blessed')],
    }


def in_short(context: Mapping[str, Any]) -> dict[str, str]:
    """What decision.json says in full, as JSON texts that fit into the properties of a blessing."""
    told = {
        'thresholds': context['config']['thresholds'],
        'seed': context['config']['measurement']['seed'],
        'examples': _examples(context),
        'artifacts': context.get('artifacts'),
        'package_versions': context.get('versions'),
    }
    return {name: json.dumps(value, sort_keys=True) for name, value in told.items()}


def outcome(result: PrivacyResult) -> str:
    """How the evaluation ended, in one word of `history`."""
    assert result.verdict is not None
    has_refusal = any(one.is_refusal for one in _earlier(result.context))
    if result.verdict.blessed:
        return BLESSED_OVER_REFUSAL if has_refusal else BLESSED
    if any(map(_is_evidence, result.verdict.comparisons)):
        return REFUSED
    return REFUSAL_STANDS if has_refusal else NOT_BLESSED


def record(result: PrivacyResult, metrics_text: str) -> str:
    """decision.json: the verdict reason by reason, and what it follows from.

    Args:
      result: with a verdict.
      metrics_text: of the privacy_metrics.json beside it, whose hash tells later whether it is still the same.
    """
    assert result.verdict is not None
    context = result.context
    fields = {
        'schema_version': SCHEMA_VERSION,
        'outcome': outcome(result),
        **dataclasses.asdict(result.verdict),
        'thresholds': context['config']['thresholds'],
        'confidence_level': context['config']['decision']['confidence_level'],
        'seed': context['config']['measurement']['seed'],
        'model': {'uri': context.get('model_uri'), 'fingerprint': context.get('model_fingerprint')},
        'examples': _examples(context),
        'artifacts': context.get('artifacts'),
        'upstream_blessed': context.get('upstream_blessed'),
        'earlier_evaluations': context.get('earlier_evaluations'),
        'versions': context.get('versions'),
        'started': context.get('started'),
        'config': context['config'],
        'eval_config': context.get('eval_config'),
        'sha256': {**_hashes(context), 'privacy_metrics': sha256(metrics_text)},
    }
    return json.dumps(fields, indent=1, allow_nan=False)


def _is_evidence(c: Comparison) -> bool:
    """Whether it speaks against the model, and not only for more examples, as its note says then."""
    return c.outcome == EXCEEDED and (c.block_if == LEAK_SHOWN or not c.note)


def _earlier(context: Mapping[str, Any]) -> list[Earlier]:
    return [Earlier.from_json(fields) for fields in context.get('earlier_evaluations', ())]


def _examples(context: Mapping[str, Any]) -> dict[str, Any]:
    """For each split its number of examples and their fingerprint."""
    splits, sizes, prints = (context.get(name) or {} for name in ('splits', 'num_examples', 'fingerprints'))
    return {
        split: {'side': side, 'num_examples': sizes.get(split), 'fingerprint': prints.get(split)}
        for side, names in splits.items()
        for split in names
    }


def _other_inputs(context: Mapping[str, Any]) -> dict[str, list[str]]:
    """Fingerprints of the inputs besides model and examples."""
    artifacts = context.get('artifacts', {})
    return {name: [one['fingerprint'] for one in ones if 'fingerprint' in one] for name, ones in artifacts.items()}


def _hashes(context: Mapping[str, Any]) -> dict[str, str]:
    suffix = '_sha256'
    return {name.removesuffix(suffix): value for name, value in identity(context).items() if name.endswith(suffix)}
