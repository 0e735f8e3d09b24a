"""Dataclasses from JSON objects, strictly: an unknown or missing field is an error that names it."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any

from privacy_component.errors import PrivacyInputError


def from_mapping(cls: type, fields: Any, where: str) -> Any:
    """An instance of dataclass `cls` from a JSON object; unknown fields are errors."""
    if not isinstance(fields, Mapping):
        raise PrivacyInputError(f'{where} must be a JSON object with fields, not {str(fields)[:80]!r}')
    known = [field.name for field in dataclasses.fields(cls)]
    for name in fields:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=1)
            hint = f"; did you mean '{close[0]}'?" if close else f'; the fields are {", ".join(known)}'
            raise PrivacyInputError(f"{where} has no field '{name}'{hint}")
    required = [f.name for f in dataclasses.fields(cls) if _is_required(f) and f.name not in fields]
    if required:
        raise PrivacyInputError(f"{where} lacks the field '{required[0]}'")
    return cls(**fields)


def _is_required(field: dataclasses.Field) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
