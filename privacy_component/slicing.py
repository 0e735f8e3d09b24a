"""Slices in tfma.SlicingSpec's terms, as array operations over columns."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from privacy_component.distinct import distinct_values, present_rows
from privacy_component.errors import PrivacyInputError
from privacy_component.rows import all_rows

SliceValue = str | int | float
SliceKey = tuple[tuple[str, SliceValue], ...]

OVERALL: SliceKey = ()
CLASS_FEATURE = '@class'
CORRECT_FEATURE = '@correct'
LOSS_PERCENTILE_FEATURE = '@loss_percentile'
MISSING_VALUE = '<missing>'
LOSS_PERCENTILES = tuple(range(0, 101, 10))


@dataclasses.dataclass(frozen=True)
class SlicingSpec:
    """Which slices to look at; the same two fields as tfma.SlicingSpec.

    Attributes:
      feature_keys: one slice for every combination of values that these features take.
      feature_values: only the slice in which these features have these values. Both empty: the overall slice.
    """

    feature_keys: tuple[str, ...] = ()
    feature_values: Mapping[str, SliceValue] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        is_list = isinstance(self.feature_keys, Sequence) and not isinstance(self.feature_keys, str)
        if not is_list or not all(isinstance(name, str) and name for name in self.feature_keys):
            raise PrivacyInputError(f'feature_keys is {self.feature_keys!r}; write it as a list of names.')
        if not isinstance(self.feature_values, Mapping) or not all(map(_is_named_value, self.feature_values.items())):
            raise PrivacyInputError(
                f'feature_values is {self.feature_values!r}; write it as names with one text or number each.'
            )
        object.__setattr__(self, 'feature_keys', tuple(self.feature_keys))
        object.__setattr__(self, 'feature_values', dict(self.feature_values))

    @property
    def features(self) -> tuple[str, ...]:
        """All features named, in the order of a slice key."""
        return tuple(sorted({*self.feature_keys, *self.feature_values}))

    def matches(self, key: SliceKey) -> bool:
        """True if `key` is one of the slices that this spec describes."""
        values = dict(key)
        return tuple(sorted(values)) == self.features and all(
            _same_value(values[name], wanted) for name, wanted in self.feature_values.items()
        )

    def __str__(self) -> str:
        named = [f'{name} = {value}' for name, value in self.feature_values.items()]
        return ' and '.join([*(f'any {name}' for name in self.feature_keys), *named]) or 'Overall'


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
        return cls(rows, codes, tuple(map(plain_value, distinct.tolist())))

    @classmethod
    def from_entries(cls, rows: NDArray, codes: NDArray, vocabulary: Sequence[Any]) -> Column:
        """Any number of values in a row; a value that a row repeats counts once."""
        size = max(len(vocabulary), 1)
        packed = np.unique(rows.astype(np.int64) * size + codes)
        return cls(packed // size, packed % size, tuple(map(plain_value, vocabulary)))


@dataclasses.dataclass(frozen=True, eq=False)
class SliceRows:
    """Which rows are in which slice: entry i says that row rows[i] is in slice keys[codes[i]]; rows ascend."""

    rows: NDArray[np.int64]
    codes: NDArray
    keys: tuple[SliceKey, ...]


def slice_rows(spec: SlicingSpec, columns: Mapping[str, Column], num_rows: int) -> SliceRows:
    """The slices of `spec` and the rows in them; a row without a value of a named feature is in none of them.

    Raises:
      PrivacyInputError: there is no such feature.
    """
    slices = SliceRows(all_rows(num_rows), np.zeros(num_rows, np.uint8), (OVERALL,))
    for name in spec.features:
        if name not in columns:
            known = ', '.join(columns) or 'none'
            raise PrivacyInputError(f"slice '{spec}': there is no feature '{name}'; the features are {known}.")
        column = _only_value(columns[name], spec.feature_values[name]) if name in spec.feature_values else columns[name]
        slices = _cross(slices, name, column, num_rows)
    return slices


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


def too_many_slices(most: int) -> PrivacyInputError:
    """The error for more slices than the config allows."""
    return PrivacyInputError(
        f'there are more than {most:,} slices: leave features with many values out of slicing_specs, or raise '
        'PrivacyConfig.max_slices.'
    )


def slice_name(key: SliceKey) -> str:
    """'Overall', or 'payment_type = Cash, trip_start_hour = 3'."""
    return ', '.join(f'{name.removeprefix("@")} = {value}' for name, value in key) or 'Overall'


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


def _is_named_value(pair: tuple[Any, Any]) -> bool:
    name, value = pair
    return isinstance(name, str) and bool(name) and isinstance(value, str | int | float)


def _same_value(value: SliceValue, wanted: SliceValue) -> bool:
    """tfma.SlicingSpec writes every value as text, so 3 and '3' are the same."""
    if str(value) == str(wanted):
        return True
    try:
        return float(value) == float(wanted)
    except ValueError:
        return False


def _only_value(column: Column, wanted: SliceValue) -> Column:
    kept = np.array([_same_value(value, wanted) for value in column.vocabulary], bool)
    entries = kept[column.codes] if len(kept) else np.zeros(0, bool)
    return Column(column.rows[entries], column.codes[entries], column.vocabulary)


def _cross(slices: SliceRows, name: str, column: Column, num_rows: int) -> SliceRows:
    """The slices, each divided by the values of one more column; those without a row are left out."""
    size = len(column.vocabulary)
    left, right = _join(slices.rows, column.rows, num_rows)
    codes = column.codes[right]
    distinct = np.arange(size)
    if len(slices.keys) > 1:
        distinct, codes = distinct_values(slices.codes[left].astype(np.int64) * size + codes)
    elif not np.bincount(codes, minlength=size).all():
        distinct, codes = distinct_values(codes)
    keys = tuple((*slices.keys[code // size], (name, column.vocabulary[code % size])) for code in distinct.tolist())
    return SliceRows(slices.rows if isinstance(left, slice) else slices.rows[left], codes, keys)


def _join(left: NDArray[np.int64], right: NDArray[np.int64], num_rows: int) -> tuple[Any, Any]:
    """What to index two ascending lists of rows with, to get all pairs of entries with the same row."""
    if left is right or (len(left) == len(right) and _ascends(left) and np.array_equal(left, right)):
        return slice(None), slice(None)
    counts = np.bincount(right, minlength=num_rows)
    starts = np.cumsum(counts) - counts
    pairs = counts[left]
    first = np.repeat(np.cumsum(pairs) - pairs, pairs)
    positions = np.arange(len(first)) - first + np.repeat(starts[left], pairs)
    return np.repeat(np.arange(len(left)), pairs), positions


def _count_edges(edges: NDArray[np.float64], losses: NDArray[np.float64], compare: np.ufunc) -> NDArray[np.uint8]:
    """How many of nine edges each loss is beyond; counting is several times faster than a binary search."""
    beyond = np.zeros(len(losses), np.uint8)
    for edge in edges:
        beyond += compare(losses, edge)
    return beyond


def _ascends(rows: NDArray[np.int64]) -> bool:
    return bool(np.all(rows[1:] > rows[:-1]))
