"""Dataclasses whose fields say what they may hold: that one declaration is what validation, schema and replay read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

from privacy_component.errors import PrivacyInputError, did_you_mean

_RULE = 'rule'
_REPLAYABLE = 'replayable'


class Rule(Protocol):
    """What a field may hold."""

    def checked(self, path: str, value: Any) -> Any:
        """The value as the field keeps it.

        Args:
          path: of the field, for the error.
          value: as a user gave it.

        Raises:
          PrivacyInputError: the field cannot hold the value.
        """

    def schema(self) -> dict[str, Any]:
        """The same as a JSON Schema."""


def declare(rule: Rule, replayable: bool = False) -> Mapping[str, Any]:
    """The metadata of a field.

    Args:
      rule: what it may hold.
      replayable: only the gate reads it, so that another value needs no other measurement.
    """
    return MappingProxyType({_RULE: rule, _REPLAYABLE: replayable})


def rule_of(field: dataclasses.Field) -> Rule | None:
    """What the field may hold; None for one that says nothing."""
    return field.metadata.get(_RULE)


def is_replayable(field: dataclasses.Field) -> bool:
    """Whether a replay may change the field."""
    return field.metadata.get(_REPLAYABLE, False)


def settle(instance: Any, path: str) -> None:
    """Checks all fields of a frozen dataclass, and keeps them as their rules say; for its `__post_init__`.

    Args:
      instance: of the dataclass.
      path: what the fields' names follow in errors, such as 'PrivacyConfig.people'.
    """
    for field in dataclasses.fields(instance):
        rule = rule_of(field)
        if rule is not None:
            value = rule.checked(f'{path}.{field.name}', getattr(instance, field.name))
            object.__setattr__(instance, field.name, value)


def from_mapping(cls: type, fields: Any, where: str) -> Any:
    """An instance of dataclass `cls` from a JSON object; unknown fields are errors."""
    if not isinstance(fields, Mapping):
        raise PrivacyInputError(f'{where} must be a JSON object with fields, not {str(fields)[:80]!r}')
    known = [field.name for field in dataclasses.fields(cls)]
    for name in fields:
        if name not in known:
            hint = did_you_mean(name, [*known, *_within(cls)]) or f'; the fields are {", ".join(known)}'
            raise PrivacyInputError(f"{where} has no field '{name}'{hint}")
    required = [f.name for f in dataclasses.fields(cls) if is_required(f) and f.name not in fields]
    if required:
        raise PrivacyInputError(f"{where} lacks the field '{required[0]}'")
    return cls(**fields)


def is_required(field: dataclasses.Field) -> bool:
    """Whether the field has no default."""
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _within(cls: type) -> list[str]:
    """The fields of the fields that are groups themselves, as 'group.field'."""
    groups = {field.name: field.default for field in dataclasses.fields(cls) if dataclasses.is_dataclass(field.default)}
    return [f'{name}.{field.name}' for name, group in groups.items() for field in dataclasses.fields(group)]
