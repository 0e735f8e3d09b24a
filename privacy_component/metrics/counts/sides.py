"""The two sides of every count: members and non-members."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray


def exact_dot(one: NDArray[np.integer], other: NDArray[np.integer], most: int) -> int:
    """The sum of products of integers (n,), exact at any size.

    Args:
      one, other: what is multiplied; of either sign.
      most: the sum with all signs taken away is at most this. From 2^63 on, which a machine's integers do not hold,
        Python's are used: slow, but such counts are of few scores.
    """
    kind: type = np.int64 if most < 1 << 63 else object
    return int(one.astype(kind) @ other.astype(kind))


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
