"""Distinct values of columns, which values are none, and row numbers."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray


def distinct_values(values: NDArray) -> tuple[NDArray, NDArray]:
    """Distinct values, ascending, and the position of each value among them in the smallest integers that do."""
    if len(values) and values.dtype.kind in 'iu' and int(values.max()) - int(values.min()) < len(values):
        return _distinct_of_few(values)
    distinct, codes = np.unique(_comparable(values), return_inverse=True)
    return distinct, codes.astype(np.min_scalar_type(len(distinct)))


def _distinct_of_few(values: NDArray) -> tuple[NDArray, NDArray]:
    """The same for whole numbers within a small range: counting them needs no sort."""
    low = values.min()
    wide = values if values.dtype == np.uint64 else values.astype(np.int64, copy=False)
    offsets = (wide - wide.dtype.type(low)).astype(np.int64, copy=False)
    distinct = np.flatnonzero(np.bincount(offsets))
    positions = np.zeros(int(distinct[-1]) + 1, np.min_scalar_type(len(distinct)))
    positions[distinct] = np.arange(len(distinct))
    return distinct.astype(values.dtype) + low, positions[offsets]


def present_rows(values: NDArray) -> NDArray[np.bool_] | None:
    """Which rows have a value; None for all."""
    if values.dtype.kind == 'f':
        present = ~np.isnan(values)
    elif values.dtype.kind == 'O':
        present = ((values == values) & (values != np.array(None))).astype(bool)  # NaN is not equal to itself
    else:
        return None
    return None if present.all() else present


def _comparable(values: NDArray) -> NDArray:
    """Values that sort: objects of several types become text."""
    if values.dtype.kind != 'O':
        return values
    kinds = set(map(type, values.tolist()))
    return values if len(kinds) <= 1 and kinds <= {str, bytes, int, float, bool} else values.astype(np.str_)


@functools.lru_cache(maxsize=8)
def all_rows(num_rows: int) -> NDArray[np.int64]:
    """(num_rows,) int64, read-only, the same object while the number stays the same."""
    rows = np.arange(num_rows)
    rows.flags.writeable = False
    return rows
