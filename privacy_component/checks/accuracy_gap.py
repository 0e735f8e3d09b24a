"""The gap between the model's accuracy on members and on non-members: context, and a warning if it is the wrong way."""

from __future__ import annotations

from privacy_component.checks.check import WARN, CheckInfo, DoesNotApply, Finding
from privacy_component.checks.evidence import Evidence
from privacy_component.metrics.confidence import clopper_pearson_lower, clopper_pearson_upper
from privacy_component.observations.observations import REGRESSION

ALPHA = 0.01
# An attacker by accuracy alone has the gap for an advantage; so much of a leak can be hidden by a gap the wrong way.
MOST_REVERSED = 0.02


def accuracy_gap(evidence: Evidence) -> Finding | str:
    """Whether the model is clearly better on examples that it has never seen."""
    if evidence.task == REGRESSION:
        return DoesNotApply('Predictions of a regression are neither right nor wrong.')
    seen = evidence.answers
    members = seen.right_members / max(seen.num_members, 1)
    non_members = seen.right_non_members / max(seen.num_non_members, 1)
    # Each limit at half of alpha: both hold at once, which makes the difference conservative.
    high = float(clopper_pearson_upper(seen.right_members, seen.num_members, ALPHA / 2))
    low = float(clopper_pearson_lower(seen.right_non_members, seen.num_non_members, ALPHA / 2))
    is_reversed = low - high > MOST_REVERSED
    message = f'Accuracy is {members:.3f} on members and {non_members:.3f} on non-members'
    if is_reversed:
        message += (
            ': the model does better on examples that it has never seen, so they are easier, or member_splits and '
            'non_member_splits are the wrong way round. A leak then reads too low'
        )
    figures = {'members': members, 'non_members': non_members, 'gap': members - non_members}
    return Finding(is_reversed, f'{message}.', figures)


ACCURACY_GAP = CheckInfo(
    look=accuracy_gap,
    default=WARN,
    meaning='A gap is what overfitting looks like, and gives an attacker that advantage. A gap the wrong way means '
    'that the splits differ, which hides a leak.',
)
