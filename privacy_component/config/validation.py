"""Settings read strictly: what is unknown, missing or of another type is an error that names the field."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from privacy_component.errors import PrivacyInputError, did_you_mean


def from_mapping(cls: type, fields: Any, where: str) -> Any:
    """An instance of dataclass `cls` from a JSON object; unknown fields are errors."""
    if not isinstance(fields, Mapping):
        raise PrivacyInputError(f'{where} must be a JSON object with fields, not {str(fields)[:80]!r}')
    known = [field.name for field in dataclasses.fields(cls)]
    for name in fields:
        if name not in known:
            hint = did_you_mean(name, known) or f'; the fields are {", ".join(known)}'
            raise PrivacyInputError(f"{where} has no field '{name}'{hint}")
    required = [f.name for f in dataclasses.fields(cls) if _is_required(f) and f.name not in fields]
    if required:
        raise PrivacyInputError(f"{where} lacks the field '{required[0]}'")
    return cls(**fields)


def sequence(field: str, value: Any) -> Sequence[Any]:
    """The value, if it is a list or tuple."""
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
        raise PrivacyInputError(f'{field} is {value!r}; write it as a list.')
    return value


def names(field: str, value: Any, required: bool = False) -> tuple[str, ...]:
    """The value as a tuple of different texts."""
    result = tuple(sequence(field, value))
    for name in result:
        if not isinstance(name, str) or not name:
            raise PrivacyInputError(f'{field} has the entry {name!r}; write names as text.')
    repeated = [name for name in result if result.count(name) > 1]
    if repeated:
        raise PrivacyInputError(f'{field} names {repeated[0]!r} twice.')
    if required and not result:
        raise PrivacyInputError(f'{field} is empty; name at least one.')
    return result


def check_flag(field: str, value: Any) -> None:
    """Raises PrivacyInputError unless the value is True or False."""
    if not isinstance(value, bool):
        raise PrivacyInputError(f'{field} is {value!r}; write true or false.')


def check_choice(field: str, value: Any, choices: Sequence[str]) -> None:
    """Raises PrivacyInputError unless the value is one of the choices."""
    if value not in choices:
        raise PrivacyInputError(f'{field} is {value!r}; choose one of {", ".join(choices)}.')


def check_number(field: str, value: Any, low: float, high: float | None) -> None:
    """Raises PrivacyInputError unless the value is a finite number in [low, high]; None for no upper end."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # NaN compares false, so it is refused here too.
    if not is_number or not (low <= value <= (float('inf') if high is None else high)) or value == float('inf'):
        allowed = f'at least {low:g}' if high is None else f'in [{low:g}, {high:g}]'
        raise PrivacyInputError(f'{field} is {value!r}; it must be a number {allowed}.')


def check_integer(field: str, value: Any, low: int, high: int | None = None) -> None:
    """Raises PrivacyInputError unless the value is a whole number from low to high; None for no upper end."""
    if not isinstance(value, int) or isinstance(value, bool) or value < low or (high is not None and value > high):
        allowed = f'of at least {low}' if high is None else f'from {low} to {high}'
        raise PrivacyInputError(f'{field} is {value!r}; it must be a whole number {allowed}.')


def _is_required(field: dataclasses.Field) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
