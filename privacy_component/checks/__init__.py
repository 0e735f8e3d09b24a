"""Is the measurement sound? The registry of checks: one line here and one file beside it add a check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from privacy_component.checks.accuracy_gap import ACCURACY_GAP
from privacy_component.checks.blind_baseline import BLIND_BASELINE
from privacy_component.checks.check import (
    ACTIONS,
    NOT_RUN,
    OFF,
    OK,
    REFUSE,
    REFUSED,
    WARNING,
    Check,
    CheckInfo,
    DoesNotApply,
    Incomplete,
)
from privacy_component.checks.constant_signals import CONSTANT_SIGNALS
from privacy_component.checks.degenerate_outputs import CONSTANT, ROUNDED, SATURATED
from privacy_component.checks.duplicates import ACROSS_SPLITS, IN_NON_MEMBERS, IN_TRAINING
from privacy_component.checks.evidence import Evidence
from privacy_component.checks.label_checks import CONSTANT_LABELS, LABELS_FIT_OUTPUTS
from privacy_component.checks.near_duplicates import NEAR_DUPLICATES
from privacy_component.checks.other_signatures import OTHER_SIGNATURES
from privacy_component.checks.reference_models import REFERENCE_HALVES, REFERENCE_RECIPE
from privacy_component.checks.slice_values import SPELLINGS, VALUES
from privacy_component.checks.stable_outputs import STABLE_OUTPUTS
from privacy_component.checks.tied_scores import TIED_SCORES
from privacy_component.errors import PrivacyInputError, did_you_mean

BLIND = 'blind_baseline'
STABLE, OTHERS = 'stable_outputs', 'other_signatures'
OF_EXAMPLES = ('duplicates_across_splits', 'duplicates_in_training', 'duplicates_in_non_members', BLIND)

CHECKS: dict[str, CheckInfo] = {
    'duplicates_across_splits': ACROSS_SPLITS,
    'near_duplicates': NEAR_DUPLICATES,
    'duplicates_in_training': IN_TRAINING,
    'duplicates_in_non_members': IN_NON_MEMBERS,
    BLIND: BLIND_BASELINE,
    'constant_outputs': CONSTANT,
    'tied_scores': TIED_SCORES,
    'saturated_outputs': SATURATED,
    'rounded_outputs': ROUNDED,
    STABLE: STABLE_OUTPUTS,
    OTHERS: OTHER_SIGNATURES,
    'constant_labels': CONSTANT_LABELS,
    'constant_signals': CONSTANT_SIGNALS,
    'labels_fit_outputs': LABELS_FIT_OUTPUTS,
    'accuracy_gap': ACCURACY_GAP,
    'reference_halves': REFERENCE_HALVES,
    'reference_recipe': REFERENCE_RECIPE,
    'slice_values': VALUES,
    'slice_spellings': SPELLINGS,
}


def run_checks(evidence: Evidence, configured: Mapping[str, str]) -> tuple[Check, ...]:
    """Every check of the registry, in its order.

    Args:
      evidence: what was gathered.
      configured: PrivacyConfig.checks, what becomes of a finding where that is not the check's default.
    """
    return tuple(_run(name, info, evidence, configured) for name, info in CHECKS.items())


def is_on(name: str, configured: Mapping[str, str]) -> bool:
    """Whether a check is to be run."""
    return configured.get(name, CHECKS[name].default) != OFF


def checked_actions(configured: Any) -> dict[str, str]:
    """PrivacyConfig.checks, if it can be understood.

    Raises:
      PrivacyInputError: it names no check, or asks for what checks cannot do.
    """
    if not isinstance(configured, Mapping):
        raise PrivacyInputError(
            f"PrivacyConfig.checks is {configured!r}; write it as names with 'warn', 'refuse' or 'off'."
        )
    for name, action in configured.items():
        if not isinstance(name, str) or name not in CHECKS:
            raise PrivacyInputError(
                f"PrivacyConfig.checks names '{name}', which is not one of {', '.join(CHECKS)}"
                f'{did_you_mean(name, CHECKS)}'
            )
        if not isinstance(action, str) or action not in ACTIONS:
            raise PrivacyInputError(
                f"PrivacyConfig.checks['{name}'] is {action!r}; choose one of {', '.join(ACTIONS)}"
                f'{did_you_mean(action, ACTIONS) or "."}'
            )
    return dict(configured)


def _run(name: str, info: CheckInfo, evidence: Evidence, configured: Mapping[str, str]) -> Check:
    action = configured.get(name, info.default)
    if action == OFF:
        return Check(name, NOT_RUN, 'Switched off by PrivacyConfig.checks.')
    found = info.look(evidence)
    if isinstance(found, Incomplete):
        return Check(name, REFUSED if action == REFUSE else WARNING, str(found))
    if isinstance(found, str):
        # Who asks for a refusal by name does not want a pass for want of evidence.
        if configured.get(name) == REFUSE and not isinstance(found, DoesNotApply):
            return Check(name, REFUSED, f"It could not be run, and PrivacyConfig.checks asks for 'refuse': {found}")
        return Check(name, NOT_RUN, str(found))
    status = OK if not found.is_unsound else REFUSED if action == REFUSE else WARNING
    return Check(name, status, found.message, found.figures)


__all__ = [
    'ACTIONS',
    'BLIND',
    'CHECKS',
    'NOT_RUN',
    'OFF',
    'OF_EXAMPLES',
    'OK',
    'OTHERS',
    'REFUSED',
    'STABLE',
    'WARNING',
    'Check',
    'CheckInfo',
    'Evidence',
    'checked_actions',
    'is_on',
    'run_checks',
]  # fmt: skip
