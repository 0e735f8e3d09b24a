"""What fields may hold: each rule checks a value, and says the same as JSON Schema."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from privacy_component.config.declared import from_mapping
from privacy_component.config.schema import schema_of
from privacy_component.errors import PrivacyInputError

Schema = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Flag:
    """True or False."""

    def checked(self, path: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise PrivacyInputError(f'{path} is {value!r}; write true or false.')
        return value

    def schema(self) -> Schema:
        return {'type': 'boolean'}


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of some texts."""

    choices: tuple[str, ...]

    def checked(self, path: str, value: Any) -> str:
        if not isinstance(value, str) or value not in self.choices:
            raise PrivacyInputError(f'{path} is {value!r}; choose one of {", ".join(self.choices)}.')
        return value

    def schema(self) -> Schema:
        return {'enum': list(self.choices)}


@dataclasses.dataclass(frozen=True)
class Number:
    """A finite number in [low, high], or in (low, high]; no upper end if that is None."""

    low: float
    high: float | None = None
    is_low_excluded: bool = False

    def checked(self, path: str, value: Any) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        # NaN compares false, so it is refused here too.
        most = sys.float_info.max if self.high is None else self.high
        if not is_number or not (self.low <= value <= most) or (self.is_low_excluded and value == self.low):
            bracket = '(' if self.is_low_excluded else '['
            allowed = f'at least {self.low:g}' if self.high is None else f'in {bracket}{self.low:g}, {self.high:g}]'
            raise PrivacyInputError(f'{path} is {value!r}; it must be a number {allowed}.')
        return value

    def schema(self) -> Schema:
        given = _range(self.low, self.high)
        if self.is_low_excluded:
            given['exclusiveMinimum'] = given.pop('minimum')
        return {'type': 'number', **given}


@dataclasses.dataclass(frozen=True)
class Integer:
    """A whole number from low to high; no upper end if that is None."""

    low: int
    high: int | None = None

    def checked(self, path: str, value: Any) -> int:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not is_whole or not (self.low <= value <= _end(self.high)):
            allowed = f'of at least {self.low}' if self.high is None else f'from {self.low} to {self.high}'
            raise PrivacyInputError(f'{path} is {value!r}; it must be a whole number {allowed}.')
        return value

    def schema(self) -> Schema:
        return {'type': 'integer', **_range(self.low, self.high)}


@dataclasses.dataclass(frozen=True)
class Text:
    """A text that matches a pattern.

    Attributes:
      advice: what to write, for the error.
      pattern: a regular expression for the whole text; any text if empty.
    """

    advice: str
    pattern: str = ''

    def checked(self, path: str, value: Any) -> str:
        if not isinstance(value, str) or (self.pattern and not re.fullmatch(self.pattern, value)):
            raise PrivacyInputError(f'{path} is {value!r}; {self.advice}.')
        return value

    def schema(self) -> Schema:
        return {'type': 'string', **({'pattern': f'^(?:{self.pattern})$'} if self.pattern else {})}


@dataclasses.dataclass(frozen=True)
class OrNone:
    """None, or what another rule allows."""

    rule: Any

    def checked(self, path: str, value: Any) -> Any:
        return None if value is None else self.rule.checked(path, value)

    def schema(self) -> Schema:
        return {'anyOf': [self.rule.schema(), {'type': 'null'}]}


@dataclasses.dataclass(frozen=True)
class Names:
    """Different texts in a list, which is kept as a tuple.

    Attributes:
      at_least: the fewest that there may be.
      known: raises PrivacyInputError for a name that it does not know.
      among: the names that there are, for the schema; empty where that is not known beforehand.
    """

    at_least: int = 0
    known: Callable[[str], object] | None = None
    among: tuple[str, ...] = ()

    def checked(self, path: str, value: Any) -> tuple[str, ...]:
        names = tuple(sequence(path, value))
        for name in names:
            if not isinstance(name, str) or not name:
                raise PrivacyInputError(f'{path} has the entry {name!r}; write names as text.')
            if names.count(name) > 1:
                raise PrivacyInputError(f'{path} names {name!r} twice.')
            if self.known is not None:
                self.known(name)
        if len(names) < self.at_least:
            raise PrivacyInputError(f'{path} is empty; name at least one.')
        return names

    def schema(self) -> Schema:
        item: Schema = {'enum': list(self.among)} if self.among else {'type': 'string', 'minLength': 1}
        return {'type': 'array', 'items': item, 'uniqueItems': True, 'minItems': self.at_least}


@dataclasses.dataclass(frozen=True)
class Object:
    """An instance of a dataclass, or a mapping of its fields."""

    cls: type

    def checked(self, path: str, value: Any) -> Any:
        return value if isinstance(value, self.cls) else from_mapping(self.cls, value, path)

    def schema(self) -> Schema:
        return schema_of(self.cls)


@dataclasses.dataclass(frozen=True)
class Each:
    """A list of instances of a dataclass, which is kept as a tuple."""

    cls: type

    def checked(self, path: str, value: Any) -> tuple[Any, ...]:
        entry = Object(self.cls)
        return tuple(entry.checked(f'{path}[{i}]', one) for i, one in enumerate(sequence(path, value)))

    def schema(self) -> Schema:
        return {'type': 'array', 'items': schema_of(self.cls)}


def sequence(path: str, value: Any) -> Sequence[Any]:
    """The value, if it is a list or tuple."""
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
        raise PrivacyInputError(f'{path} is {value!r}; write it as a list.')
    return value


def _end(high: float | None) -> float:
    return float('inf') if high is None else high


def _range(low: float, high: float | None) -> Schema:
    return {'minimum': low, **({} if high is None else {'maximum': high})}
