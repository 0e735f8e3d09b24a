"""JSON Schema (draft 2020-12) of a dataclass, from the declarations of its fields and from its docstring."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Mapping
from typing import Any, get_type_hints

from privacy_component.config.declared import is_required, rule_of

DRAFT = 'https://json-schema.org/draft/2020-12/schema'

# Of fields without a rule.
_OF_TYPES: dict[Any, dict[str, Any]] = {
    tuple[str, ...]: {'type': 'array', 'items': {'type': 'string', 'minLength': 1}},
    Mapping[str, str | int | float]: {'type': 'object', 'additionalProperties': {'type': ['string', 'number']}},
}
_ENTRY = re.compile(r'^  (\w+(?:, \w+)*): (.*(?:\n    .*)*)', re.MULTILINE)


def schema_of(cls: type) -> dict[str, Any]:
    """What JSON of the dataclass looks like: types, defaults, ranges, choices and descriptions."""
    summary, about = _docstring(cls)
    fields = dataclasses.fields(cls)
    hints = get_type_hints(cls)
    return {
        'type': 'object',
        'description': summary,
        'properties': {f.name: _property(f, hints[f.name], about.get(f.name, '')) for f in fields},
        'required': [f.name for f in fields if is_required(f)],
        'additionalProperties': False,
    }


def _property(field: dataclasses.Field, hint: Any, description: str) -> dict[str, Any]:
    rule = rule_of(field)
    schema = _OF_TYPES[hint] if rule is None else rule.schema()
    default = {} if is_required(field) else {'default': _plain(_default(field))}
    return {**schema, **({'description': description} if description else {}), **default}


def _default(field: dataclasses.Field) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _plain(value: Any) -> Any:
    """The value as JSON has it."""
    if isinstance(value, tuple):
        return list(map(_plain, value))
    if not dataclasses.is_dataclass(value):
        return value
    return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}


def _docstring(cls: type) -> tuple[str, dict[str, str]]:
    """The first line, and what stands under Attributes of each field; nothing of classes compiled without."""
    text = inspect.cleandoc(cls.__doc__ or '')
    entries = _ENTRY.findall(text.partition('\nAttributes:\n')[2])
    about = {name: ' '.join(words.split()) for names, words in entries for name in names.split(', ')}
    return text.partition('\n')[0], about
