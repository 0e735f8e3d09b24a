"""What everything that a job adds up has in common."""

from __future__ import annotations

from typing import TypeVar

_Self = TypeVar('_Self', bound='Mergeable')


class Mergeable:
    """A part of the examples' figures; parts merge to the same total in any order, partition and retry."""

    def merge(self: _Self, *others: _Self) -> _Self:
        """The figures of all parts together; several at once cost less than one by one."""
        raise NotImplementedError

    def bounded_to(self: _Self, most: int) -> _Self:
        """The same with at most so many distinct scores, where it holds any; merging bounded parts changes nothing."""
        return self
