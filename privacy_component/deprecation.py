"""Warnings about names that will go, at the line of the user who wrote them."""

from __future__ import annotations

import sys
import warnings

_NOT_THE_USERS = ('privacy_component', 'dataclasses', 'importlib')


def warn_renamed(message: str) -> None:
    """Gives a FutureWarning at the innermost line that is not of this package, which a fixed stacklevel would miss."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _package(frame.f_globals) in _NOT_THE_USERS:
        frame = frame.f_back
    registry = frame.f_globals.setdefault('__warningregistry__', {})
    module = frame.f_globals.get('__name__', '')
    warnings.warn_explicit(message, FutureWarning, frame.f_code.co_filename, frame.f_lineno, module, registry)


def _package(names: dict[str, object]) -> str:
    return str(names.get('__name__', '')).partition('.')[0]
