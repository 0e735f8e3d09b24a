"""Is one value shared by most rows? Told from 64 counters, which merge by adding."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

_BITS = 64


@dataclasses.dataclass(frozen=True, eq=False)
class HashBits:
    """For each bit of the rows' hashes, how many rows have it set.

    Attributes:
      num_set: (64,) int64.
      num_rows: how many rows there are.
    """

    num_set: NDArray[np.int64]
    num_rows: int

    @classmethod
    def of(cls, hashes: NDArray[np.uint64]) -> HashBits:
        """Of (n,) hashes whose bits look random."""
        columns = np.unpackbits(np.ascontiguousarray(hashes).view(np.uint8).reshape(len(hashes), 8), axis=1)
        return cls(columns.sum(axis=0, dtype=np.int64), len(hashes))

    def merge(self, other: HashBits) -> HashBits:
        """Of both parts together."""
        return HashBits(self.num_set + other.num_set, self.num_rows + other.num_rows)

    def largest_share(self) -> float:
        """The share of the rows that have the commonest value, in [0, 1]; an estimate, good where it is above a half.

        A value that most rows have decides every bit: all of its rows are on the larger side, and half of the others
        by chance. So twice the mean share on the larger side, less one, is what it has.
        """
        if not self.num_rows:
            return 0.0
        larger = np.maximum(self.num_set, self.num_rows - self.num_set)
        return max(2 * int(larger.sum()) / (_BITS * self.num_rows) - 1, 0.0)
