"""What everything that a job adds up has in common."""

from __future__ import annotations

import abc
from typing import TypeVar

_Self = TypeVar('_Self', bound='Mergeable')


class Mergeable(abc.ABC):
    """A part of the examples' figures; parts merge to the same total in any order, partition and retry."""

    @abc.abstractmethod
    def merge(self: _Self, *others: _Self) -> _Self:
        """The figures of all parts together; several at once cost less than one by one."""

    def bounded_to(self: _Self, most: int) -> _Self:
        """The same with at most so many distinct scores, where it holds any; merging bounded parts changes nothing."""
        return self
