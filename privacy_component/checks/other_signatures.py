"""Answers of the model that nobody judges: those of its other signatures, and its other outputs."""

from __future__ import annotations

from collections.abc import Sequence

from privacy_component.checks.check import REFUSE, CheckInfo, Finding
from privacy_component.checks.evidence import Evidence, OtherAnswers

_NAMED = 8


def other_answers(evidence: Evidence) -> Finding | str:
    """Whether a signature or output answers otherwise than the one that is judged."""
    seen = evidence.other_answers
    if isinstance(seen, str):
        return seen
    message = f'{_compared(seen)}{_listed("; left out: ", seen.left_out)}'
    if seen.different:
        message = (
            f'{_listed("", seen.different)} answers {seen.num_examples:,} examples otherwise than {_judged(seen)}: '
            'another answer that this evaluation does not judge. Name the one that is served in '
            'eval_config.model_specs[0].signature_name and prediction_key, and evaluate the other as a model of its '
            "own (then set other_signatures to 'warn' in PrivacyConfig.checks), or export the model without it"
            f'{_listed("; not compared: ", seen.left_out)}'
        )
    return Finding(bool(seen.different), f'{message}.', _figures(seen))


def _compared(seen: OtherAnswers) -> str:
    if not seen.alike:
        return f'There is no other answer to compare with {_judged(seen)}'
    return f'{_listed("", seen.alike)} answers {seen.num_examples:,} examples as {_judged(seen)} does'


def _judged(seen: OtherAnswers) -> str:
    return f"output '{seen.output}' of signature '{seen.signature}'"


def _listed(before: str, names: Sequence[str]) -> str:
    if not names:
        return ''
    more = f' and {len(names) - _NAMED:,} more' if len(names) > _NAMED else ''
    return f'{before}{", ".join(names[:_NAMED])}{more}'


def _figures(seen: OtherAnswers) -> dict[str, float]:
    return {
        'num_different': float(len(seen.different)),
        'num_alike': float(len(seen.alike)),
        'num_left_out': float(len(seen.left_out)),
        'num_examples': float(seen.num_examples),
    }


OTHER_SIGNATURES = CheckInfo(
    look=other_answers,
    default=REFUSE,
    meaning='A verdict is on one output of one signature: whatever else the model answers may leak unseen.',
)
