"""From what a config says of an attack to the attack: plain names, names with parameters, attacks from elsewhere.

An attack with parameters is named `quantile(quantile=0.9)`, in configs, results and reports alike.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import importlib.metadata
from collections.abc import Mapping
from typing import Any

from privacy_component.attacks.attack import Attack, AttackInfo, Parameter
from privacy_component.errors import PrivacyInputError

GROUP = 'privacy_component.attacks'
HANDED_IN = 'custom:'


class HandedIn(str):
    """The name of an attack that was given as an object, with the object.

    It is a text like any other name, so that results and reports need not know; only evaluate_privacy takes one,
    because what a Beam worker runs must be found there by name.
    """

    info: AttackInfo

    @classmethod
    def of(cls, attack: Any) -> HandedIn:
        """The name of an attack object, which says what it needs with an attribute `info`, an AttackInfo."""
        info = getattr(attack, 'info', None)
        if not isinstance(info, AttackInfo) or not callable(getattr(attack, 'fit', None)):
            raise PrivacyInputError(
                f'PrivacyConfig.attacks holds a {type(attack).__name__}; write a name, or give an object with `fit`, '
                '`score` and an attribute `info`, an AttackInfo that names its needs, tasks and reference.'
            )
        name = cls(f'{HANDED_IN}{type(attack).__name__}')
        name.info = dataclasses.replace(info, make=functools.partial(_the_same, attack))
        return name


def _the_same(attack: Attack) -> Attack:
    return attack


def attack_name(value: Any) -> str:
    """The name of what PrivacyConfig.attacks holds: a name, {'name': ..., parameter: value}, or an attack.

    Raises:
      PrivacyInputError: it is none of these.
    """
    if isinstance(value, HandedIn):
        return value
    if isinstance(value, str):
        return _written(*split_name(value)) if '(' in value else value
    if not isinstance(value, Mapping):
        return HandedIn.of(value)
    if not isinstance(value.get('name'), str):
        raise PrivacyInputError(
            f"PrivacyConfig.attacks holds {dict(value)!r}; an attack with parameters is {{'name': 'quantile', "
            "'quantile': 0.9}."
        )
    parameters = {str(name): one for name, one in value.items() if name != 'name'}
    return _written(value['name'], parameters)


def split_name(name: str) -> tuple[str, dict[str, Parameter]]:
    """The plain name and the parameters in `quantile(quantile=0.9)`.

    Raises:
      PrivacyInputError: the parameters are not written as name=value with texts, numbers or truth values.
    """
    plain, bracket, _ = name.partition('(')
    if not bracket:
        return name, {}
    try:
        call: Any = ast.parse(f'_({name[len(plain) + 1 :]}', mode='eval').body
        assert isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and not call.args
        return plain, {str(one.arg): ast.literal_eval(one.value) for one in call.keywords}
    except (AssertionError, SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise PrivacyInputError(
            f'attack {name[:80]!r} cannot be read: write parameters as quantile(quantile=0.9).'
        ) from error


def with_parameters(name: str, info: AttackInfo, parameters: Mapping[str, Parameter]) -> AttackInfo:
    """The registry's line of an attack with its parameters set; one attack is made, to see that they will do.

    Raises:
      PrivacyInputError: there is no such parameter, or its value is of another type or out of range.
    """
    for parameter, value in parameters.items():
        if parameter not in info.parameters:
            known = f'it has {", ".join(info.parameters)}' if info.parameters else 'it has none'
            raise PrivacyInputError(f"attack '{name}' has no parameter '{parameter}': {known}.")
        _check_type(name, parameter, value, info.parameters[parameter])
    if not parameters:
        return info
    chosen = dataclasses.replace(info, make=functools.partial(info.make, **parameters))
    chosen.make()
    return chosen


@functools.lru_cache(maxsize=1)
def installed_attacks() -> dict[str, AttackInfo]:
    """Attacks of other installed packages, which announce them in the entry-point group `privacy_component.attacks`.

    An entry point names an AttackInfo. Packages are looked through once in a process.
    """
    found = {}
    for entry in importlib.metadata.entry_points(group=GROUP):
        info = entry.load()
        if not isinstance(info, AttackInfo):
            raise PrivacyInputError(
                f"the entry point '{entry.name}' of the group {GROUP} names {entry.value}, a {type(info).__name__}: "
                'let it name an AttackInfo.'
            )
        found[entry.name] = info
    return found


def _written(name: str, parameters: Mapping[str, Any]) -> str:
    if not parameters:
        return name
    return f'{name}({", ".join(f"{key}={parameters[key]!r}" for key in sorted(parameters))})'


def _check_type(name: str, parameter: str, value: Any, default: Parameter) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(default, float) and is_number:
        return
    if type(value) is not type(default):
        raise PrivacyInputError(
            f"attack '{name}' has {parameter}={value!r}; it must be of the type of {default!r}, which it is by default."
        )
