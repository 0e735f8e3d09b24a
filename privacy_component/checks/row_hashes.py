"""Hashes of rows of numbers, the same on every machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privacy_component.hashing import mix


def hash_rows(rows: NDArray) -> NDArray[np.uint64]:
    """(n,) hashes of (n, k) numbers: a random linear function of their bits (Carter and Wegman 1979), mixed."""
    if rows.dtype != np.float32:
        rows = rows.astype(np.float64)
    folded = np.ascontiguousarray(rows + rows.dtype.type(0))  # -0.0 and 0.0 are one answer
    bits = folded.view(np.uint32 if folded.dtype == np.float32 else np.uint64).astype(np.uint64)
    return mix(bits @ (mix(np.arange(rows.shape[1], dtype=np.uint64)) | np.uint64(1)))
