"""Columns: the values of a feature over rows that have none, one or several of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from privacy_component.arrays import all_rows, distinct_values, present_rows

SliceValue = str | int | float

MISSING_VALUE = '<missing>'
LOSS_PERCENTILES = tuple(range(0, 101, 10))


@dataclasses.dataclass(frozen=True, eq=False)
class Column:
    """A feature's values over n rows; a row may have none or several.

    Attributes:
      rows: (v,) int64, ascending, the row of each value.
      codes: (v,) integers, position of each value in `vocabulary`.
      vocabulary: the distinct values.
    """

    rows: NDArray[np.int64]
    codes: NDArray
    vocabulary: tuple[SliceValue, ...]

    @classmethod
    def from_values(cls, values: ArrayLike) -> Column:
        """One value in each row; (n,) text, bytes, integers, floats or booleans. None and NaN are no value."""
        array = np.asarray(values)
        present = present_rows(array)
        rows = all_rows(len(array)) if present is None else np.flatnonzero(present)
        distinct, codes = distinct_values(array if present is None else array[rows])
        return cls(rows, *plain_values(codes, distinct.tolist()))

    @classmethod
    def from_entries(cls, rows: NDArray, codes: NDArray, vocabulary: Sequence[Any]) -> Column:
        """Any number of values in a row; a value that a row repeats counts once."""
        codes, names = plain_values(codes, vocabulary)
        size = max(len(names), 1)
        packed = np.unique(rows.astype(np.int64) * size + codes)
        return cls(packed // size, packed % size, names)


def with_missing(column: Column, num_rows: int) -> Column:
    """The column with MISSING_VALUE as the value of every row that has none, beside rows that have it as a text."""
    if column.rows is all_rows(num_rows):
        return column
    missing = np.flatnonzero(np.bincount(column.rows, minlength=num_rows) == 0)
    if not len(missing):
        return column
    vocabulary = (*column.vocabulary, *([MISSING_VALUE] if MISSING_VALUE not in column.vocabulary else []))
    codes = np.full(len(missing), vocabulary.index(MISSING_VALUE))
    rows = np.concatenate([column.rows, missing])
    order = np.argsort(rows, kind='stable')
    return Column(rows[order], np.concatenate([column.codes.astype(np.int64), codes])[order], vocabulary)


def loss_percentile_column(losses: NDArray[np.float64], edges: NDArray[np.float64] | None = None) -> Column:
    """Tenths of the examples by loss, as a column; TF Privacy's slices by percentile.

    Diagnostic only: such a slice conditions on what attacks score by.

    Args:
      losses: (n,).
      edges: (11,) the percentiles 0, 10, ... 100 of all losses; by default of these. Both ends belong to a slice, so
        that a loss on an edge is in two of them.
    """
    if edges is None:
        edges = np.percentile(losses, LOSS_PERCENTILES)
    names = tuple(f'{low}-{low + 10}' for low in range(0, 100, 10))
    first, last = (_count_edges(edges[1:-1], losses, compare) for compare in (np.greater, np.greater_equal))
    if np.array_equal(first, last):
        return Column(all_rows(len(losses)), first, names)
    repeats = last.astype(np.int64) - first + 1
    rows = np.repeat(np.arange(len(losses)), repeats)
    return Column(rows, np.arange(len(rows)) - np.repeat(np.cumsum(repeats) - repeats - first, repeats), names)


def correct_column(is_correct: NDArray[np.bool_]) -> Column:
    """Whether the model is right, as a column; (n,) bool."""
    return Column(all_rows(len(is_correct)), is_correct.astype(np.uint8), ('no', 'yes'))


def multilabel_column(labels: NDArray[np.bool_]) -> Column:
    """The labels that each example has, as a column of none, one or several values; (n, labels) bool."""
    rows, codes = np.nonzero(labels)
    return Column(rows, codes, tuple(range(labels.shape[1])))


def plain_values(codes: NDArray, vocabulary: Sequence[Any]) -> tuple[NDArray, tuple[SliceValue, ...]]:
    """Codes and vocabulary with every value as it stands in a slice key, and those that are one there as one."""
    names = tuple(map(plain_value, vocabulary))
    numbers: dict[SliceValue, int] = {}
    renumbered = np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)
    return (codes, names) if len(numbers) == len(names) else (renumbered[codes], tuple(numbers))


def plain_value(value: Any) -> SliceValue:
    """A feature value as it stands in a slice key: text, int or float."""
    if isinstance(value, bytes):
        return value.decode('utf-8', errors='backslashreplace')
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isinf(value):
        return str(value)  # JSON has no infinity
    # 1 and 1.0 are one slice, however the batches that hold them were read.
    return int(value) if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()) else value


def _count_edges(edges: NDArray[np.float64], losses: NDArray[np.float64], compare: np.ufunc) -> NDArray[np.uint8]:
    """How many of nine edges each loss is beyond; counting is several times faster than a binary search."""
    beyond = np.zeros(len(losses), np.uint8)
    for edge in edges:
        beyond += compare(losses, edge)
    return beyond
