"""The row numbers 0 ... n - 1, made once: telling that a selection is all rows is then a look at what it is."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray


@functools.lru_cache(maxsize=8)
def all_rows(num_rows: int) -> NDArray[np.int64]:
    """(num_rows,) int64, read-only, the same object while the number stays the same."""
    rows = np.arange(num_rows)
    rows.flags.writeable = False
    return rows
