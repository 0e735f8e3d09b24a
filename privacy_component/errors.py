"""The one error this package raises on purpose."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class PrivacyInputError(ValueError):
    """Something that was handed in cannot be measured.

    The message names the thing (field, feature, split, file), what was found, and what to do about it. It is one
    printable line, whatever the names in it hold: see `printable`.
    """

    def __init__(self, message: str = ''):
        super().__init__(printable(message))


def printable(text: str) -> str:
    """Line breaks, control and direction marks, which could fake a line or a name in a log, as escapes."""
    return ''.join(c if c.isprintable() else c.encode('unicode_escape').decode('ascii') for c in text)


@contextmanager
def prefixed_errors(what: str) -> Iterator[None]:
    """Puts what an error is about before its message, where its text names another thing of the same kind."""
    try:
        yield
    except PrivacyInputError as error:
        raise PrivacyInputError(f'{what}: {error}') from error


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """What to put behind an error about an unknown name: the known one that is most like it; '' if none is."""
    close = difflib.get_close_matches(str(name), list(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else ''
