"""Slices in tfma.SlicingSpec's terms, as array operations over columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from privacy_component.errors import PrivacyInputError

SliceValue = str | int | float
SliceKey = tuple[tuple[str, SliceValue], ...]

OVERALL: SliceKey = ()
CLASS_FEATURE = '@class'


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
        if isinstance(self.feature_keys, str):
            raise PrivacyInputError(f"feature_keys is the text '{self.feature_keys}'; write it as a list of names.")
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
      codes: (v,) int64, position of each value in `vocabulary`.
      vocabulary: the distinct values.
    """

    rows: NDArray[np.int64]
    codes: NDArray[np.int64]
    vocabulary: tuple[SliceValue, ...]

    @classmethod
    def from_values(cls, values: ArrayLike) -> Column:
        """One value in each row; (n,) text, bytes, integers, floats or booleans."""
        distinct, codes = np.unique(np.asarray(values), return_inverse=True)
        return cls(np.arange(len(codes)), codes, tuple(map(plain_value, distinct.tolist())))

    @classmethod
    def from_entries(cls, rows: NDArray, codes: NDArray, vocabulary: Sequence[Any]) -> Column:
        """Any number of values in a row; a value that a row repeats counts once."""
        size = max(len(vocabulary), 1)
        packed = np.unique(rows.astype(np.int64) * size + codes)
        return cls(packed // size, packed % size, tuple(map(plain_value, vocabulary)))


@dataclasses.dataclass(frozen=True, eq=False)
class SliceRows:
    """Which rows are in which slice: entry i says that row rows[i] is in slice keys[codes[i]]."""

    rows: NDArray[np.int64]
    codes: NDArray[np.int64]
    keys: tuple[SliceKey, ...]


def slice_rows(spec: SlicingSpec, columns: Mapping[str, Column], num_rows: int) -> SliceRows:
    """The slices of `spec` and the rows in them; a row without a value of a named feature is in none of them."""
    rows, codes, keys = np.arange(num_rows), np.zeros(num_rows, np.int64), (OVERALL,)
    for name in spec.features:
        column = _only_value(columns[name], spec.feature_values[name]) if name in spec.feature_values else columns[name]
        left, right = _join(rows, column.rows, num_rows)
        packed = codes[left] * len(column.vocabulary) + column.codes[right]
        distinct, codes = np.unique(packed, return_inverse=True)
        size = len(column.vocabulary)
        keys = tuple((*keys[code // size], (name, column.vocabulary[code % size])) for code in distinct.tolist())
        rows = rows[left]
    return SliceRows(rows, codes, keys)


def slice_name(key: SliceKey) -> str:
    """'Overall', or 'payment_type = Cash, trip_start_hour = 3'."""
    return ', '.join(f'{name.removeprefix("@")} = {value}' for name, value in key) or 'Overall'


def plain_value(value: Any) -> SliceValue:
    """A feature value as it stands in a slice key: text, int or float."""
    if isinstance(value, bytes):
        return value.decode('utf-8', errors='backslashreplace')
    if isinstance(value, bool):
        return int(value)
    return value.item() if isinstance(value, np.generic) else value


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


def _join(left: NDArray[np.int64], right: NDArray[np.int64], num_rows: int) -> tuple[NDArray, NDArray]:
    """Positions of all pairs of entries with the same row, for two ascending lists of rows."""
    counts = np.bincount(right, minlength=num_rows)
    starts = np.cumsum(counts) - counts
    pairs = counts[left]
    first = np.repeat(np.cumsum(pairs) - pairs, pairs)
    positions = np.arange(len(first)) - first + np.repeat(starts[left], pairs)
    return np.repeat(np.arange(len(left)), pairs), positions
