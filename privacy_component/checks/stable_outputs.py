"""Answers that change when the same example is asked about again: noise, or what stands beside it in the batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from privacy_component.checks.check import REFUSE, CheckInfo, Finding
from privacy_component.checks.evidence import Evidence
from privacy_component.errors import PrivacyInputError
from privacy_component.hashing import mix
from privacy_component.observations.outputs import OutputEvidence, check_same_number

# Sums in another order differ by 1e-6 of the outputs' spread; dropout and batch statistics by 1e-2 and more.
MOST_CHANGED = 1e-4
ONE_OF = 64
_ULPS = 8
_CHOICE = 0xA57


def is_asked_again(example_id: NDArray[np.uint64]) -> bool:
    """Whether a batch that begins with these examples is one of the sample; the same on every runner and retry."""
    return len(example_id) > 0 and int(mix(example_id[:1], _CHOICE)[0]) % ONE_OF == 0


def rows_asked_again(num_rows: int) -> Sequence[int]:
    """Another order and another batch: every second row, from the last one on.

    Turned round alone, a batch would keep its mean and variance, and a model that normalises by them its answers.
    """
    return range(num_rows)[::-2]


def largest_change(outputs: NDArray, again: NDArray, rows: Sequence[int]) -> float:
    """By how much answers changed, at most, in standard deviations of the outputs.

    Args:
      outputs: (n, k) what the model said.
      again: (m, k) what it said of `rows` when it was asked again.
      rows: m of the n rows.

    Raises:
      PrivacyInputError: the second answers have another shape, or are not finite.
    """
    check_same_number(outputs.shape[1], again.shape[1])
    OutputEvidence.of(again)
    rounding = float(np.finfo(outputs.dtype).eps) if outputs.dtype.kind == 'f' else 0.0
    first, second, wide = (array.astype(np.float64) for array in (outputs[np.asarray(rows)], again, outputs))
    rounded = _ULPS * rounding * np.maximum(np.abs(first), np.abs(second))
    beyond = float((np.abs(first - second) - rounded).max(initial=0.0))
    return beyond / _spread(wide) if beyond > 0 else 0.0


def larger_changes(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    """The larger change of each role's models."""
    return {role: max(one.get(role, 0.0), other.get(role, 0.0)) for role in sorted({*one, *other})}


def unstable(evidence: Evidence) -> Finding | str:
    """Whether answers change by more than rounding."""
    seen = evidence.stability
    if isinstance(seen, str):
        return seen
    role = max(seen.largest, key=lambda name: seen.largest[name])
    change = seen.largest[role]
    figures = {'largest_change': change, 'num_asked': float(seen.num_asked)}
    asked = f'{seen.num_asked:,} examples, asked about again in other batches'
    if change <= MOST_CHANGED:
        return Finding(False, f'{asked}, got the same answers up to {change:.2g} standard deviations.', figures)
    whose = 'the model' if role == 'candidate' else f'the {role} model'
    message = (
        f'Of {asked}, some got other answers from {whose}: they differ by up to {change:.2g} standard deviations of '
        'the outputs. Who asks often averages such noise away and sees a leak that one answer hides. Export the model '
        'as it infers: training=False, so without dropout, batch statistics or sampling'
    )
    return Finding(True, f'{message}.', figures)


def _spread(outputs: NDArray[np.float64]) -> float:
    """The standard deviation between rows, all columns together; the largest output where rows are all alike."""
    if not outputs.size:
        raise PrivacyInputError('the model gives no output.')
    deviation = float(np.sqrt(np.mean(outputs.var(axis=0))))
    return deviation or float(np.abs(outputs).max()) or 1.0


STABLE_OUTPUTS = CheckInfo(
    look=unstable,
    default=REFUSE,
    meaning='Noise of the model hides a leak from who asks once, and not from who asks often and averages.',
)
