"""What audits of canaries found, for the report."""

from __future__ import annotations

from typing import Any

from privacy_component.evaluation.result import PrivacyResult
from privacy_component.metrics.canary_audit import ALIGNMENT, LOSS, NOT_REFUTED, REFUTED, UNTESTABLE, CanaryAudit
from privacy_component.report import plots, wording

_WORDS = {REFUTED: 'refuted', NOT_REFUTED: 'not refuted', UNTESTABLE: 'cannot be tested'}
_SCORES = {
    LOSS: 'what the model says of them',
    ALIGNMENT: 'where training went from each snapshot, along their own gradients',
}
_TONES = {REFUTED: 'check-refused', NOT_REFUTED: 'check-ok', UNTESTABLE: 'check-warning'}

LOOK_FOR = (
    'Repair the trainer before anything else: canaries show that it is not as private as it claims. The gradient of '
    'every single example must be clipped to the norm that the noise is made for, noise must be added in every step, '
    'and the steps and the sampling rate must be those of the accountant.'
)
TOO_FEW = 'Audit again with another number of canaries, a smaller delta or claim: this one could not be refuted.'


def audit_rows(result: PrivacyResult) -> list[dict[str, Any]]:
    """One dict of texts and a picture for each audit."""
    return [_row(audit) for audit in result.audits]


def audit_remedies(result: PrivacyResult) -> list[str]:
    """What to do about audits."""
    outcomes = {audit.outcome for audit in result.audits}
    return [text for outcome, text in ((REFUTED, LOOK_FOR), (UNTESTABLE, TOO_FEW)) if outcome in outcomes]


def _row(audit: CanaryAudit) -> dict[str, Any]:
    others = audit.num_canaries - audit.num_in
    text = (
        f'Scores of {audit.num_in:,} canaries that were trained on and of {others:,} that were not; the model gives '
        'away a canary that lies where only one side does.'
    )
    return {
        'claim': f'{audit.claimed_epsilon:.4g}',
        'delta': f'{audit.delta:g}',
        'by': wording.visible(audit.claimed_by or 'not said'),
        'word': _WORDS[audit.outcome],
        'tone': _TONES[audit.outcome],
        'bound': f'{audit.lower_bound:.2f}',
        'ceiling': f'{audit.ceiling:.2f}',
        'confidence': wording.percent(audit.confidence_level),
        'guesses': f'{audit.num_correct:,} of {audit.num_guesses:,}',
        'canaries': f'{audit.num_canaries:,}',
        'score': _SCORES[audit.score],
        'picture': plots.spread(audit.histogram, text),
    }
