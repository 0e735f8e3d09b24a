"""The one error this package raises on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class PrivacyInputError(ValueError):
    """Something that was handed in cannot be measured.

    The message names the thing (field, feature, split, file), the value that was found, and what to do about it.
    """


@contextmanager
def about(what: str) -> Iterator[None]:
    """Puts what an error is about before its message, where its text names another thing of the same kind."""
    try:
        yield
    except PrivacyInputError as error:
        raise PrivacyInputError(f'{what}: {error}') from error
