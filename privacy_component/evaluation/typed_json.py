"""Dataclasses as JSON values and back, by the types of their fields; an error names a value of another type."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping, Sequence
from typing import Any, Union, get_args, get_origin, get_type_hints

from privacy_component.config.declared import from_mapping
from privacy_component.errors import PrivacyInputError, prefixed_errors

# What JSON has for a type, and what errors call it.
_JSON: dict[Any, tuple[tuple[type, ...], str]] = {
    str: ((str,), 'a text'),
    bool: ((bool,), 'true or false'),
    int: ((int,), 'a whole number'),
    float: ((int, float), 'a finite number'),
    tuple: ((list, tuple), 'a list'),
    Mapping: ((Mapping,), 'an object'),
    Any: ((object,), 'anything'),
}


def to_json(value: Any) -> Any:
    """The value as JSON has it; fields that are None are left out of dataclasses."""
    if dataclasses.is_dataclass(value):
        given = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {name: to_json(one) for name, one in given.items() if one is not None}
    if isinstance(value, Mapping):
        return {name: to_json(one) for name, one in value.items()}
    return list(map(to_json, value)) if isinstance(value, list | tuple) else value


def from_json(hint: Any, value: Any, path: str) -> Any:
    """The value that `to_json` made the JSON of.

    Args:
      hint: its type: a dataclass, tuple[X, ...], Mapping[str, X], str, bool, int, float, Any, or a union of such.
      value: JSON values. Null is none of them, for `to_json` leaves it out.
      path: what the value is called in errors.

    Raises:
      PrivacyInputError: it is of another type, or a dataclass lacks a field or has too many; the message names it.
    """
    options = _options(hint)
    fitting = [option for option in options if _fits(option, value)]
    if not fitting:
        words = ' or '.join(_JSON[_base(option)][1] for option in options)
        raise PrivacyInputError(f'{path} is {value!r:.60}; it must be {words}.')
    return _of_type(fitting[0], value, path)


def _options(hint: Any) -> Sequence[Any]:
    """The members of a union but None; of another type that alone."""
    if get_origin(hint) not in (Union, types.UnionType):
        return [hint]
    return [option for option in get_args(hint) if option is not types.NoneType]


def _base(hint: Any) -> Any:
    return Mapping if dataclasses.is_dataclass(hint) else get_origin(hint) or hint


def _fits(hint: Any, value: Any) -> bool:
    """Whether the outermost of a JSON value is of the type; to Python, but not to JSON, true is a number."""
    base = _base(hint)
    if isinstance(value, bool) and base in (int, float):
        return False
    is_finite = not isinstance(value, float) or math.isfinite(value)
    return isinstance(value, _JSON[base][0]) and (is_finite or base is Any)


def _of_type(hint: Any, value: Any, path: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return _instance(hint, value, path)
    base = _base(hint)
    if base is tuple:
        return tuple(from_json(get_args(hint)[0], one, f'{path}[{i}]') for i, one in enumerate(value))
    if base is Mapping:
        return {name: from_json(get_args(hint)[1], one, f'{path}[{name!r}]') for name, one in value.items()}
    return value


def _instance(cls: Any, fields: Mapping[str, Any], path: str) -> Any:
    if hasattr(cls, '__post_init__'):  # it checks its fields itself, without knowing where it stands
        with prefixed_errors(path):
            return from_mapping(cls, fields, cls.__name__)
    hints = get_type_hints(cls)
    known = {name: from_json(hints[name], one, f'{path}.{name}') for name, one in fields.items() if name in hints}
    return from_mapping(cls, {**fields, **known}, path)
