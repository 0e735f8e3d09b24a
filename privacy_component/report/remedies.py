"""What to do about what was found, in the order in which to try it."""

from __future__ import annotations

from collections.abc import Sequence

from privacy_component.checks import REFUSED, Check
from privacy_component.evaluation.result import PrivacyResult
from privacy_component.gate.verdict import EXCEEDED, UNDECIDED, Comparison
from privacy_component.report.audit_rows import audit_remedies
from privacy_component.report.wording import is_judged, percent, visible

LARGE_GAP = 0.05
_TAILS = ('tpr_at_fpr_', 'tnr_at_fnr_', 'two_sided_tpr_at_fpr_')
_MOST_FEATURES = 3
_COSTS = 'docs/defences.md has what each defence cost and was worth; notebooks/defend_a_model.ipynb tries them.'


def remedies(result: PrivacyResult) -> list[str]:
    """Sentences; the first is the one to begin with."""
    if not is_judged(result.verdict):
        return ['Set limits (PrivacyConfig.thresholds, or policy("standard")) to have the model judged.']
    exceeded = [c for c in result.verdict.comparisons if c.outcome == EXCEEDED]
    undecided = any(c.outcome == UNDECIDED for c in result.verdict.comparisons)
    found = [
        *_of_checks(result),
        *audit_remedies(result),
        *(_of_leaks(result, exceeded) if exceeded else ()),
        *_of_samples(undecided),
    ]
    if not found and not result.verdict.blessed:
        return ['Read the reasons below: none of them is a leak that was measured.']
    return found or ['Nothing now. Evaluate again when the model or its training data change.']


def is_large_gap(check: Check) -> bool:
    """Whether the accuracy on members is so much larger that the model has overfitted."""
    gap = (check.figures or {}).get('gap')
    return isinstance(gap, float) and gap >= LARGE_GAP


def _of_checks(result: PrivacyResult) -> list[str]:
    refused = [visible(check.name) for check in result.checks if check.status == REFUSED]
    return (
        [f'Repair the measurement first ({", ".join(refused)}): until then its figures say little.'] if refused else []
    )


def _of_leaks(result: PrivacyResult, exceeded: Sequence[Comparison]) -> list[str]:
    gap = next((check.figures for check in result.checks if check.name == 'accuracy_gap' and is_large_gap(check)), None)
    found = []
    if gap is not None:
        members, non_members = (percent(gap[side]) for side in ('members', 'non_members'))
        found.append(
            f'The model has overfitted: it is right on {members} of its training data and on {non_members} '
            'of what it has not seen. Regularise (weight decay, dropout, a smaller model), or stop training at the '
            'last epoch that does not leak: early_stopping_on_privacy of privacy_component.training.'
        )
    else:
        found.append(
            'Regularise: add weight decay or dropout, take a smaller model, or stop training at the last epoch that '
            'does not leak (early_stopping_on_privacy of privacy_component.training).'
        )
    found.append('Train on more data: each example then counts for less.')
    found += _of_slices(exceeded)
    if any(c.metric.startswith(_TAILS) for c in exceeded):
        found.append(
            'A few people are given away although the average is better: look for outliers and repeated examples among '
            'the members at the highest risk, and train with DP-SGD.'
        )
    return [
        *found,
        'Train with DP-SGD (dp_sgd of privacy_component.training), which bounds what any one example can change, if '
        f'the leak stays. {_COSTS}',
    ]


def _of_slices(exceeded: Sequence[Comparison]) -> list[str]:
    """What to do if only parts of the data leak."""
    if any(not c.slice_key for c in exceeded):
        return []
    names = list(dict.fromkeys(visible(name.removeprefix('@')) for c in exceeded for name, _ in c.slice_key))
    shown = ', '.join(names[:_MOST_FEATURES]) + (' …' if len(names) > _MOST_FEATURES else '')
    return [
        f'Only parts of the data leak, by {shown}: collect more examples there, make these features coarser, or drop '
        'those that the model does not need.'
    ]


def _of_samples(undecided: bool) -> list[str]:
    told = 'Give more examples, non-members above all, or fewer and larger slices: some could not be decided.'
    return [told] if undecided else []
