"""The rule of fields that name attacks: plain names, names with parameters, attacks from outside this package."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from privacy_component.attacks import ATTACKS, AttackInfo, attack_name, check_attack_name
from privacy_component.config.rules import Names, Schema, sequence

_JSON_TYPES = {bool: 'boolean', int: 'integer', float: 'number', str: 'string'}


@dataclasses.dataclass(frozen=True)
class AttackNames(Names):
    """Different attacks in a list, which is kept as a tuple of their names.

    An entry is a name, `{'name': 'quantile', 'quantile': 0.9}`, the same as `quantile(quantile=0.9)`, or, for
    evaluate_privacy, an attack.
    """

    def checked(self, path: str, value: Any) -> tuple[str, ...]:
        """The attacks' names."""
        names = super().checked(path, tuple(map(attack_name, sequence(path, value))))
        for name in names:
            check_attack_name(name)
        return names

    def schema(self) -> Schema:
        """Attacks of other packages are not known to it, except by being a text."""
        plain: Schema = {'anyOf': [{'enum': list(ATTACKS)}, {'type': 'string', 'pattern': r'^[^()]+\(.*\)$'}]}
        given = [_with_parameters(name, info) for name, info in ATTACKS.items() if info.parameters]
        item = {'anyOf': [*plain['anyOf'], *given]}
        return {'type': 'array', 'items': item, 'uniqueItems': True, 'minItems': self.at_least}


def _with_parameters(name: str, info: AttackInfo) -> Schema:
    parameters: Mapping[str, Schema] = {
        parameter: {'type': _JSON_TYPES[type(default)], 'default': default}
        for parameter, default in info.parameters.items()
    }
    return {
        'type': 'object',
        'properties': {'name': {'const': name}, **parameters},
        'required': ['name'],
        'additionalProperties': False,
    }
