"""The decision and its record: one place decides for the component, for arrays and for a replay."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.config.thresholds import LEAK_SHOWN
from privacy_component.evaluation.record import Record
from privacy_component.evaluation.result import PrivacyResult
from privacy_component.evaluation.typed_json import to_json
from privacy_component.gate.history import (
    BLESSED,
    BLESSED_OVER_REFUSAL,
    NOT_BLESSED,
    REFUSAL_STANDS,
    REFUSED,
    with_history,
)
from privacy_component.gate.verdict import EXCEEDED, Comparison, Verdict, decide
from privacy_component.metrics.canary_audit import REFUTED

FILE_NAME = 'decision.json'
SCHEMA_VERSION = 1

_LONGEST_PROPERTY = 4000
_OLD_OVERRIDES = 'overturns'  # in files that name a config's fields flatly
_UPSTREAM = {True: 'blessed', False: 'not blessed', None: 'not asked'}


def decide_result(result: PrivacyResult, config: PrivacyConfig | None = None) -> Verdict:
    """The verdict on a result, from nothing but what its JSON holds.

    Args:
      result: measured figures, and the record of what they were measured on; its own verdict is not read.
      config: the limits; those of the record if not given.
    """
    record = result.record
    config = config or record.privacy_config
    verdict = decide(
        result.results,
        config,
        record.upstream_blessed,
        record.slicing_specs,
        num_suppressed=result.num_suppressed,
        checks=result.checks,
        names_model=record.model_uri != '',
        audits=result.audits,
    )
    overrides, fingerprint = config.decision.refusal_overrides, record.model_fingerprint or ''
    return with_history(verdict, record.earlier_evaluations or (), overrides, fingerprint)


def decided(result: PrivacyResult) -> PrivacyResult:
    """The result with its verdict."""
    return dataclasses.replace(result, verdict=decide_result(result))


def sha256(text: str) -> str:
    """64 hexadecimal digits."""
    return hashlib.sha256(text.encode('utf-8')).hexdigest()


def sha256_of_json(value: Any) -> str:
    """The hash of a JSON value, whatever the order of its keys and its white space."""
    return sha256(json.dumps(value, sort_keys=True, separators=(',', ':'), allow_nan=False))


def identity(record: Record) -> dict[str, str]:
    """Hashes of what was evaluated and how; only texts, so that ML Metadata and Kubeflow can hold them."""
    config = record.config_fields
    examples = [record.splits, record.num_examples, record.fingerprints]
    return {
        'model_fingerprint': record.model_fingerprint or '',
        'config_sha256': sha256_of_json(config),
        'thresholds_sha256': sha256_of_json(config['thresholds']),
        'attacks_sha256': sha256_of_json(config['attacks']),
        'settings_sha256': sha256_of_json(_other_settings(config)),
        'eval_config_sha256': sha256_of_json(record.eval_config),
        'examples_sha256': sha256_of_json(to_json(examples)),
        'other_inputs_sha256': sha256_of_json(_other_inputs(record)),
        'upstream': _UPSTREAM[record.upstream_blessed],
    }


def _other_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config without what has hashes of its own, and without overrides, which change no measurement."""
    others = {name: value for name, value in config.items() if name not in ('thresholds', 'attacks', _OLD_OVERRIDES)}
    if 'decision' in config:
        others['decision'] = {name: value for name, value in config['decision'].items() if name != 'refusal_overrides'}
    return others


def in_short(record: Record) -> dict[str, str]:
    """What decision.json says in full, as JSON texts that fit into the properties of a blessing.

    One of more than 4,000 letters, as of hundreds of thresholds, is told by its length and hash.
    """
    told = {
        'thresholds': record.config_fields['thresholds'],
        'seed': record.privacy_config.measurement.seed,
        'examples': _examples(record),
        'artifacts': to_json(record.artifacts),
        'package_versions': record.versions,
    }
    return {name: _bounded(json.dumps(value, sort_keys=True)) for name, value in told.items()}


def _bounded(text: str) -> str:
    """The text, or its hash where it is too long for a property that every metadata store must hold."""
    if len(text) <= _LONGEST_PROPERTY:
        return text
    return json.dumps({'length': len(text), 'see': FILE_NAME, 'sha256': sha256(text)})


def outcome(result: PrivacyResult) -> str:
    """How the evaluation ended, in one word of `history`."""
    assert result.verdict is not None
    has_refusal = any(one.is_refusal for one in result.record.earlier_evaluations or ())
    if result.verdict.blessed:
        return BLESSED_OVER_REFUSAL if has_refusal else BLESSED
    is_refuted = any(audit.outcome == REFUTED for audit in result.audits)
    if is_refuted or any(map(_is_evidence, result.verdict.comparisons)):
        return REFUSED
    return REFUSAL_STANDS if has_refusal else NOT_BLESSED


def decision_json(result: PrivacyResult, metrics_text: str) -> str:
    """decision.json: the verdict reason by reason, and what it follows from.

    Args:
      result: with a verdict.
      metrics_text: of the privacy_metrics.json beside it, whose hash tells later whether it is still the same.
    """
    assert result.verdict is not None
    record = result.record
    fields = {
        'schema_version': SCHEMA_VERSION,
        'outcome': outcome(result),
        **dataclasses.asdict(result.verdict),
        'thresholds': record.config_fields['thresholds'],
        'confidence_level': record.privacy_config.decision.confidence_level,
        'seed': record.privacy_config.measurement.seed,
        'model': {'uri': record.model_uri, 'fingerprint': record.model_fingerprint},
        'examples': _examples(record),
        'artifacts': to_json(record.artifacts),
        'upstream_blessed': record.upstream_blessed,
        'earlier_evaluations': to_json(record.earlier_evaluations),
        **({'audits': [audit.to_json_fields() for audit in result.audits]} if result.audits else {}),
        'versions': record.versions,
        'started': record.started,
        'config': record.config,
        'eval_config': record.eval_config,
        'sha256': {**_hashes(record), 'privacy_metrics': sha256(metrics_text)},
    }
    return json.dumps(fields, indent=1, allow_nan=False)


def hashes_of(result: PrivacyResult, own: str = '') -> dict[str, str]:
    """The hashes that decision.json holds and its own, as 'decision'; empty where there is no config to decide by.

    Args:
      result: an evaluation.
      own: the hash of decision.json where it is known; else the files' texts are made for it, which takes seconds.
    """
    if result.verdict is None or result.record.config is None or 'thresholds' not in result.record.config:
        return {}
    return {**_hashes(result.record), 'decision': own or sha256(decision_json(result, result.to_json()))}


def _is_evidence(c: Comparison) -> bool:
    """Whether it speaks against the model, and not only for more examples, as its note says then."""
    return c.outcome == EXCEEDED and (c.block_if == LEAK_SHOWN or not c.note)


def _examples(record: Record) -> dict[str, Any]:
    """For each split its number of examples and their fingerprint."""
    sizes = record.num_examples if isinstance(record.num_examples, Mapping) else {}
    prints = record.fingerprints or {}
    return {
        split: {'side': side, 'num_examples': sizes.get(split), 'fingerprint': prints.get(split)}
        for side, names in (to_json(record.splits) or {}).items()
        for split in names
    }


def _other_inputs(record: Record) -> dict[str, list[str]]:
    """Fingerprints of the inputs besides model and examples."""
    artifacts = record.artifacts or {}
    return {name: [one.fingerprint for one in ones if one.fingerprint is not None] for name, ones in artifacts.items()}


def _hashes(record: Record) -> dict[str, str]:
    suffix = '_sha256'
    return {name.removesuffix(suffix): value for name, value in identity(record).items() if name.endswith(suffix)}
