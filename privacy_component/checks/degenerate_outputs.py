"""Outputs that cannot show a leak: the same for everybody, at their ends, or rounded."""

from __future__ import annotations

from privacy_component.checks.check import REFUSE, WARN, CheckInfo, DoesNotApply, Finding
from privacy_component.checks.evidence import Evidence
from privacy_component.checks.output_summary import MORE_DECIMALS
from privacy_component.observations.observations import REGRESSION
from privacy_component.observations.outputs import PROBABILITIES, OutputEvidence

# Where more than half of the examples tie, a leak shows in less than half of them, if at all.
MOST_ALIKE = 0.5
# A false positive rate of 1 % cannot be told from 0 where so many examples tie at the end that counts.
MOST_SATURATED = 0.01
FEWEST_SATURATED = 10
# Probabilities of confident answers lie so close to 1 that the fourth decimal still ties them; logits are spread out.
FEWEST_DECIMALS = {PROBABILITIES: MORE_DECIMALS, 'logits': 2}
_REMEDY = 'evaluate logits (the layer before the softmax or sigmoid) in place of probabilities, unrounded and unclipped'


def constant(evidence: Evidence) -> Finding | str:
    """Whether the model answers most examples alike."""
    answers = evidence.answers
    share = answers.num_commonest / max(answers.num_examples, 1)
    distinct = f'{answers.num_distinct:,}' if answers.is_exact else f'More than {answers.num_distinct:,}'
    message = f'{distinct} distinct answers to {answers.num_examples:,} examples'
    if share > MOST_ALIKE:
        about = '' if answers.is_exact else 'About '
        message = (
            f'{about}{answers.num_commonest:,} of {answers.num_examples:,} examples ({100 * share:.3g} %) get the very '
            'same outputs, so no attack can tell them apart. Look for a wrong signature or prediction_key, for inputs '
            'that do not reach the model, or for outputs that are only class numbers'
        )
    return Finding(share > MOST_ALIKE, f'{message}.', {'num_distinct': answers.num_distinct, 'share': share})


def saturated(evidence: Evidence) -> Finding | str:
    """Whether many outputs equal the smallest or the largest one."""
    if evidence.task == REGRESSION:
        return DoesNotApply('Predictions of a regression have no ends to be stuck at.')
    return saturation(evidence.outputs)


def saturation(seen: OutputEvidence) -> Finding:
    """The same of a classifier's outputs alone."""
    equal, value = max((seen.num_at_largest, seen.largest), (seen.num_at_smallest, seen.smallest))
    is_much = equal >= max(FEWEST_SATURATED, MOST_SATURATED * seen.num_rows)
    message = f'{equal:,} of the outputs for {seen.num_rows:,} examples at the end of their range, {value:g}'
    if is_much:
        message = (
            f'The outputs are saturated: {equal:,} of them, for {seen.num_rows:,} examples, equal {value:g}. Such '
            f'examples tie, so rates at low false positive rates may read too low: {_REMEDY}'
        )
    return Finding(is_much, f'{message}.', {'num_at_end': equal, 'end': value})


def rounded(evidence: Evidence) -> Finding | str:
    """Whether outputs have so few decimals that different answers tie."""
    if evidence.task == REGRESSION:
        return DoesNotApply('Predictions of a regression are compared with labels that may well be rounded too.')
    decimals = evidence.answers.decimals
    if decimals == MORE_DECIMALS:
        return Finding(False, f'The outputs have {MORE_DECIMALS} decimals or more.', {'decimals': decimals})
    is_coarse = decimals < FEWEST_DECIMALS[evidence.kind]
    message = f'Every output has at most {decimals} decimal{"" if decimals == 1 else "s"}'
    if is_coarse:
        message += f': examples tie that the model tells apart, and a leak reads too low. For the evaluation, {_REMEDY}'
    return Finding(is_coarse, f'{message}.', {'decimals': decimals})


CONSTANT = CheckInfo(
    look=constant,
    default=REFUSE,
    meaning='Attacks compare answers: where all are the same they read 0.5, whatever the model remembers.',
)
SATURATED = CheckInfo(
    look=saturated,
    default=WARN,
    meaning='The surest answers tie, so the few people whom a strict attacker names for certain are not seen.',
)
ROUNDED = CheckInfo(
    look=rounded,
    default=WARN,
    meaning='Rounding ties examples that the served model may tell apart, so a leak reads too low.',
)
