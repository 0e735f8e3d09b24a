"""Features, from Arrow, as the numbers and categories that the blind baseline learns from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from privacy_component.checks.feature_sample import (
    CATEGORY,
    COUNT,
    LENGTH,
    MEAN,
    VALUE,
    Entries,
    Input,
    wanted_positions,
)

# Shorter texts are categories; of longer ones the length tells something too.
_LONG_TEXT = 32


def inputs_of(record_batch: pa.RecordBatch, predictions: str = '') -> Entries:
    """The known inputs of n examples; those of each depend on that example only.

    Args:
      record_batch: the features.
      predictions: the feature, if any, that a model has made: the baseline sees no model.
    """
    columns: dict[Input, Callable[[], NDArray[np.float64]]] = {}
    for name, lists in zip(record_batch.schema.names, record_batch.columns, strict=True):
        if name != predictions and not pa.types.is_null(lists.type):
            columns.update(_of_feature(name, lists))
    return Entries.of(columns, record_batch.num_rows)


def _of_feature(name: str, lists: pa.Array) -> Iterator[tuple[Input, Callable[[], NDArray[np.float64]]]]:
    lengths = np.nan_to_num(lists.value_lengths().to_numpy(zero_copy_only=False)).astype(np.int64)
    starts = np.cumsum(lengths) - lengths
    flat = lists.flatten()
    is_number = pa.types.is_integer(flat.type) or pa.types.is_floating(flat.type)
    part = VALUE if is_number else CATEGORY
    values = flat.to_numpy(zero_copy_only=False).astype(np.float64) if is_number else _categories(flat)
    for position in wanted_positions(name, part, int(lengths.max(initial=0))).tolist():
        yield Input(name, part, position), partial(_at, values, starts, lengths, position)
    has_several = bool((lengths > 1).any())
    if has_several:
        yield Input(name, COUNT), partial(_above, lengths.astype(np.float64), 1)
    if has_several and is_number:
        yield Input(name, MEAN), partial(_means, values, starts, lengths)
    if not is_number:
        sizes = pc.binary_length(flat).to_numpy(zero_copy_only=False).astype(np.float64)
        yield Input(name, LENGTH), partial(_above, _at(sizes, starts, lengths, 0), _LONG_TEXT)


def _at(values: NDArray[np.float64], starts: NDArray, lengths: NDArray, position: int) -> NDArray[np.float64]:
    known = np.flatnonzero(lengths > position)
    result = np.full(len(lengths), np.nan)
    result[known] = values[starts[known] + position]
    return result


def _above(values: NDArray[np.float64], least: int) -> NDArray[np.float64]:
    return np.where(values > least, values, np.nan)


def _means(values: NDArray[np.float64], starts: NDArray, lengths: NDArray) -> NDArray[np.float64]:
    """Of the examples with several values; NaN for the others."""
    several = np.flatnonzero(lengths > 1)
    result = np.full(len(lengths), np.nan)
    if len(several):
        bounds = np.column_stack([starts[several], starts[several] + lengths[several]]).reshape(-1)
        padded = np.append(values, 0.0)  # the last bound may be the end
        result[several] = np.add.reduceat(padded, bounds)[::2] / lengths[several]
    return result


def _categories(flat: pa.Array) -> NDArray[np.float64]:
    """Hashes of texts as numbers that floating point holds exactly."""
    encoded = flat.dictionary_encode()
    distinct = encoded.dictionary.to_numpy(zero_copy_only=False)
    hashes = pd.util.hash_array(distinct.astype(object), categorize=False) >> np.uint64(11)
    return hashes.astype(np.float64)[encoded.indices.to_numpy(zero_copy_only=False)]
