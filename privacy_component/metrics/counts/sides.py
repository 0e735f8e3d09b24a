"""The two sides of every count: members and non-members."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray


class Sides:
    """How many examples are on either side, for counts by score."""

    members: NDArray[np.integer]
    non_members: NDArray[np.integer]

    @functools.cached_property
    def num_members(self) -> int:
        """How many members were scored."""
        return int(self.members.sum())

    @functools.cached_property
    def num_non_members(self) -> int:
        """How many non-members were scored."""
        return int(self.non_members.sum())
