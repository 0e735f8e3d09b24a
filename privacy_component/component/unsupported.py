"""Settings that a Beam job cannot honour; said before it starts."""

from __future__ import annotations

from collections.abc import Collection

import tensorflow_model_analysis as tfma

from privacy_component.attacks import attack_named, check_needs
from privacy_component.beam.models.sources import SOURCES
from privacy_component.beam.plan import task_of
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.counts.groups import MERGEABLE, NO_AGGREGATION
from privacy_component.observations.needs import (
    LABELS,
    OUTPUTS,
    REFERENCE_IS_MEMBER,
    REFERENCE_SIGNALS,
    REFERENCES,
    SNAPSHOT_ALIGNMENT,
    SNAPSHOT_SIGNALS,
    SNAPSHOTS,
    need_of,
)

_WIRED = {
    REFERENCES: 'run ReferenceModels and wire PrivacyEvaluator(reference_models=...)',
    SNAPSHOTS: 'let SnapshotCallback write some while the model is trained, and wire PrivacyEvaluator(snapshots='
    "trainer.outputs['model_run'])",
}
_OF_OTHERS = {REFERENCE_SIGNALS, REFERENCE_IS_MEMBER, SNAPSHOT_SIGNALS, SNAPSHOT_ALIGNMENT}


def check_settings(config: PrivacyConfig, spec: tfma.ModelSpec, calls_model_directly: bool) -> None:
    """Refuses what only evaluate_privacy can do, and what does not fit together.

    Raises:
      PrivacyInputError: a field of PrivacyConfig or of the model_spec cannot be honoured; the message names it.
    """
    if spec.example_weight_keys:
        raise PrivacyInputError(
            f'eval_config.model_specs[0].example_weight_keys names {sorted(spec.example_weight_keys)}: one weight for '
            'each output is not supported. Name one feature with example_weight_key, or one of these outputs with '
            'prediction_key.'
        )
    share = config.measurement.max_bad_record_share
    if share and not calls_model_directly:
        raise PrivacyInputError(
            f'PrivacyConfig.measurement.max_bad_record_share is {share:g}, but this model is called by '
            "TFMA's extractors, which fail at the first bad record: set it to 0, or give the model a signature that "
            'takes serialized examples.'
        )
    _check_groups(config)


def columns_needed(
    config: PrivacyConfig, calls_model_directly: bool, wired: Collection[str], instead: str = ''
) -> tuple[str, ...]:
    """What the configured attacks need of the candidate and the baseline besides their outputs, if a job can supply it.

    Args:
      config: names the attacks.
      calls_model_directly: whether workers do.
      wired: the roles of other models that there are, of `observations.needs.ROLES`.
      instead: why no model is called at all, in words.

    Raises:
      PrivacyInputError: it cannot; the message names the attack, the column and the way out.
    """
    available = {LABELS, OUTPUTS, *(SOURCES if calls_model_directly else ())}
    if calls_model_directly:
        available |= {column for column in _OF_OTHERS if need_of(column).role in wired}
    needs: set[str] = set()
    for name in config.attacks:
        info = attack_named(name)
        reasons = {column: instead or _why_not(column, calls_model_directly) for column in info.needs}
        check_needs(name, info, task_of(config), available, reasons)
        needs.update(info.needs)
    return tuple(sorted(needs - {LABELS, OUTPUTS} - _OF_OTHERS))


def _why_not(column: str, calls_model_directly: bool) -> str:
    """Why a job cannot supply a column, and what to do."""
    need = need_of(column)
    if column in SOURCES or (column in _OF_OTHERS and not calls_model_directly):
        return (
            "it takes a model that workers call themselves, and this one can only be called through TFMA's extractors: "
            'export a signature that takes serialized tf.Examples and name it in eval_config'
        )
    if column in _OF_OTHERS:
        return _WIRED[need.role]
    return f'PrivacyEvaluator cannot compute it; evaluate_privacy takes it as {need.argument}'


def _check_groups(config: PrivacyConfig) -> None:
    how, key = config.people.group_aggregation, config.people.group_key
    allowed = ' or '.join(f"'{name}'" for name in MERGEABLE)
    if how != NO_AGGREGATION and not key:
        raise PrivacyInputError(
            f"PrivacyConfig.people.group_aggregation is '{how}' but group_key is '': name the feature that says "
            'whose example it is.'
        )
    if key and how == NO_AGGREGATION:
        raise PrivacyInputError(
            f"PrivacyConfig.people.group_key is {key!r} but group_aggregation is '{how}': intervals for rows that "
            'belong together need all rows at once, which a Beam job never has. Set group_aggregation to '
            f'{allowed}, so that groups are counted, or use evaluate_privacy.'
        )
    if how not in (NO_AGGREGATION, *MERGEABLE):
        raise PrivacyInputError(
            f"PrivacyConfig.people.group_aggregation is '{how}', which does not merge exactly in a Beam job: set it to "
            f'{allowed}, or use evaluate_privacy.'
        )
