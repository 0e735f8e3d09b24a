"""Whether what was read from a file is what such files hold: numbers where numbers are, texts where texts are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from privacy_component.checks import Check
from privacy_component.errors import PrivacyInputError
from privacy_component.gate.verdict import Comparison, Verdict
from privacy_component.metrics.slice_result import SliceResult


def check_plausible(
    results: Iterable[SliceResult], verdict: Verdict | None, checks: Iterable[Check], vulnerable: Iterable[Any]
) -> None:
    """Raises PrivacyInputError for the first value that is of another type; the message names its field."""
    for one in results:
        _check_texts('results', one, 'attack', 'status')
        _check_counts('results', one, 'num_members', 'num_non_members')
        for name, estimate in one.metrics.items():
            _check_numbers(f'results.metrics.{name}', estimate, 'value', 'lower', 'upper')
    for comparison in verdict.comparisons if verdict else ():
        _check_comparison(comparison)
    for sentence in (*verdict.reasons, *verdict.warnings) if verdict else ():
        if not isinstance(sentence, str):
            raise _implausible('verdict', sentence, 'a text')
    for member in vulnerable:
        if not isinstance(member, Mapping) or not _is_number(member.get('risk')):
            raise _implausible('most_vulnerable', member, 'an object with a risk')
    for check in checks:
        _check_texts('checks', check, 'name', 'status', 'message')


def _check_comparison(one: Comparison) -> None:
    where = 'verdict.comparisons'
    _check_texts(where, one, 'attack', 'metric', 'block_if', 'outcome', 'note', 'change')
    _check_numbers(where, one, 'value', 'lower', 'upper', 'corrected_bound', 'raw_bound')
    if not _is_number(one.limit):
        raise _implausible(f'{where}.limit', one.limit, 'a number')


def _check_texts(where: str, holder: Any, *names: str) -> None:
    for name in names:
        if not isinstance(getattr(holder, name), str):
            raise _implausible(f'{where}.{name}', getattr(holder, name), 'a text')


def _check_counts(where: str, holder: Any, *names: str) -> None:
    for name in names:
        value = getattr(holder, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise _implausible(f'{where}.{name}', value, 'a count')


def _check_numbers(where: str, holder: Any, *names: str) -> None:
    for name in names:
        value = getattr(holder, name)
        if value is not None and not _is_number(value):
            raise _implausible(f'{where}.{name}', value, 'a finite number or null')


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _implausible(where: str, value: Any, wanted: str) -> PrivacyInputError:
    return PrivacyInputError(f'{where} is {value!r:.60}; it must be {wanted}: the file is damaged, so evaluate again.')
