"""Labels that cannot be the outputs': one for all, or none that the model was trained to give."""

from __future__ import annotations

from privacy_component.checks.check import REFUSE, CheckInfo, DoesNotApply, Finding
from privacy_component.checks.evidence import Evidence
from privacy_component.metrics.confidence import clopper_pearson_lower, clopper_pearson_upper
from privacy_component.observations.observations import REGRESSION

# Each of two limits, of which both must hold for an alarm.
ALPHA = 0.01


def constant_labels(evidence: Evidence) -> Finding | str:
    """Whether every example has the same label."""
    if evidence.are_sequences:
        return DoesNotApply('Sequences have no labels besides their tokens, and each was predicted.')
    is_constant = evidence.answers.labels.is_constant
    if not is_constant:
        return Finding(False, 'The labels vary.', {'is_constant': 0})
    return Finding(
        True,
        'Every example has the same label: most attacks compare answers with labels, and are blind if these are not '
        'the ones that the model was trained on. Check the label_key or labels, and that the splits hold all classes; '
        "if one class is what you mean to evaluate, set PrivacyConfig.checks to {'constant_labels': 'warn'}.",
        {'is_constant': 1},
    )


def labels_fit_outputs(evidence: Evidence) -> Finding | str:
    """Whether the model's answers to its own training examples have to do with their labels.

    A weak model is about as often right as it claims to be. One whose labels are somebody else's is right as often as
    answers that are dealt out anew, and claims more.
    """
    if evidence.task == REGRESSION:
        return DoesNotApply('Predictions of a regression are neither right nor wrong.')
    if evidence.answers.labels.is_constant:
        return DoesNotApply('There is only one label, so none that could be in the wrong place.')
    seen, num = evidence.answers.labels, evidence.answers.num_members
    low = float(clopper_pearson_lower(seen.accuracy * num, num, ALPHA))
    high = float(clopper_pearson_upper(seen.accuracy * num, num, ALPHA))
    is_unfit = low <= seen.chance and high < seen.claimed
    numbers = f'{seen.accuracy:.3f} where guessing gives {seen.chance:.3f} and the outputs claim {seen.claimed:.3f}'
    message = f'Accuracy on members is {numbers}'
    if is_unfit:
        message = (
            f'The labels do not belong to the outputs: accuracy on members is {numbers}. Attacks compare answers with '
            'labels, so a leak does not show. Check the label_key or labels, their order, the order of the rows, and '
            'that the output is the one that was trained on them'
        )
    figures = {'accuracy': seen.accuracy, 'chance': seen.chance, 'claimed': seen.claimed}
    return Finding(is_unfit, f'{message}.', figures)


CONSTANT_LABELS = CheckInfo(
    look=constant_labels,
    default=REFUSE,
    meaning='A label that is the same for all says nothing of what the model was trained to answer, so a leak can stay '
    'unseen.',
)
LABELS_FIT_OUTPUTS = CheckInfo(
    look=labels_fit_outputs,
    default=REFUSE,
    meaning='If the labels are not those that the model was trained on, its answers to members look as wrong as those '
    'to non-members, and a leak does not show.',
)
