"""Slices in tfma.SlicingSpec's terms, as array operations over columns."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privacy_component.arrays import all_rows, distinct_values
from privacy_component.errors import PrivacyInputError
from privacy_component.observations.columns import Column, SliceValue

SliceKey = tuple[tuple[str, SliceValue], ...]

OVERALL: SliceKey = ()
CLASS_FEATURE = '@class'
CORRECT_FEATURE = '@correct'
LOSS_PERCENTILE_FEATURE = '@loss_percentile'
NON_MEMBERS_FEATURE = '@non_members'

_MOST = 2**64  # beyond the integers that a feature can hold


@dataclasses.dataclass(frozen=True)
class SlicingSpec:
    """Which slices to look at; the same two fields as tfma.SlicingSpec.

    Attributes:
      feature_keys: one slice for every combination of values that these features take.
      feature_values: only the slice in which these features have these values. Both empty: the overall slice. A number
        is never a text; a text names the feature's equal text, or, where the feature holds numbers, the number that
        TFMA reads it as: '1.10' is 1.1, '3' is 3, and '1e3' is none.
    """

    feature_keys: tuple[str, ...] = ()
    feature_values: Mapping[str, SliceValue] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        is_list = isinstance(self.feature_keys, Sequence) and not isinstance(self.feature_keys, str)
        if not is_list or not all(isinstance(name, str) and name for name in self.feature_keys):
            raise PrivacyInputError(f'feature_keys is {self.feature_keys!r}; write it as a list of names.')
        if not isinstance(self.feature_values, Mapping) or not all(map(_is_named_value, self.feature_values.items())):
            raise PrivacyInputError(
                f'feature_values is {self.feature_values!r}; write it as names with one text or finite number each.'
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


def each_once(slices: Iterable[SliceRows]) -> list[SliceRows]:
    """The same slices without those that an earlier spec has found already.

    A key says which rows a slice has, so what two specs find under one key is one slice, and counts once.
    """
    seen: set[SliceKey] = set()
    kept = []
    for part in slices:
        kept.append(_without(part, seen))
        seen.update(part.keys)
    return kept


def against_all(key: SliceKey) -> SliceKey:
    """The key of a slice's members beside the non-members of all data, where the slice has too few of its own."""
    return (*key, (NON_MEMBERS_FEATURE, 'all'))


def is_against_all(key: SliceKey) -> bool:
    """True for a key that `against_all` made."""
    return bool(key) and key[-1][0] == NON_MEMBERS_FEATURE


def own_key(key: SliceKey) -> SliceKey:
    """The key of the slice whose members these are."""
    return key[:-1] if is_against_all(key) else key


def too_many_slices(most: int) -> PrivacyInputError:
    """The error for more slices than the config allows."""
    return PrivacyInputError(
        f'there are more than {most:,} slices: leave features with many values out of slicing_specs, or raise '
        'PrivacyConfig.slices.max_slices.'
    )


def slice_name(key: SliceKey) -> str:
    """'Overall', or 'payment_type = Cash, trip_start_hour = 3'."""
    return ', '.join(f'{name.removeprefix("@")} = {_readable(value)}' for name, value in key) or 'Overall'


def _readable(value: SliceValue) -> SliceValue:
    """In quotes where white space would not be seen: an empty text, and one with spaces at its ends."""
    return f"'{value}'" if isinstance(value, str) and value != (value.strip() or None) else value


def _without(slices: SliceRows, seen: Set[SliceKey]) -> SliceRows:
    is_new = np.array([key not in seen for key in slices.keys], bool)
    if is_new.all():
        return slices
    entries = is_new[slices.codes]
    renumbered = np.cumsum(is_new) - 1
    keys = tuple(key for key, new in zip(slices.keys, is_new, strict=True) if new)
    return SliceRows(slices.rows[entries], renumbered[slices.codes[entries]], keys)


def _is_named_value(pair: tuple[Any, Any]) -> bool:
    name, value = pair
    is_number = math.isfinite(value) if isinstance(value, float) else isinstance(value, int) and abs(value) < _MOST
    return isinstance(name, str) and bool(name) and (isinstance(value, str) or is_number)


def _same_value(value: SliceValue, wanted: SliceValue) -> bool:
    """Whether data have the value that a spec names: text is only itself, a number is equal in its own type.

    What is text in a spec can stand for a number, and does for those that TFMA reads it as.
    """
    if isinstance(value, str):
        return value == wanted
    number = _as_number(wanted) if isinstance(wanted, str) else wanted
    return number is not None and (value == number or _is_single(value, number))


def _as_number(text: str) -> int | float | None:
    """What TFMA takes the text of a spec for (0.47, slicer_lib._to_type); None for a text."""
    try:
        return float(text) if '.' in text else int(text)
    except ValueError:
        return None


def _is_single(value: int | float, number: int | float) -> bool:
    """Whether a float feature holds what is nearest to the number: in examples floats have 32 bits, in a spec 64."""
    if not isinstance(value, float) or not isinstance(number, float):
        return False
    with np.errstate(over='ignore'):
        return value == float(np.float32(number))


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


def _ascends(rows: NDArray[np.int64]) -> bool:
    return bool(np.all(rows[1:] > rows[:-1]))
