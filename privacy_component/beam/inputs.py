"""Features, from Arrow, as the numbers and categories that the blind baseline learns from."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from privacy_component.checks.features import (
    CATEGORY,
    COUNT,
    LENGTH,
    MEAN,
    VALUE,
    Input,
    most_wanted,
    wanted_positions,
)

# Shorter texts are categories; of longer ones the length tells something too.
_LONG_TEXT = 32


def inputs_of(record_batch: pa.RecordBatch) -> dict[Input, NDArray[np.float64]]:
    """Input -> (n,) numbers, NaN where there is no value; each row depends on its own example only."""
    inputs: dict[Input, NDArray[np.float64]] = {}
    for name, lists in zip(record_batch.schema.names, record_batch.columns, strict=True):
        if not pa.types.is_null(lists.type):
            inputs.update(_of_feature(name, lists))
    return {name: inputs[name] for name in most_wanted(list(inputs))}


def _of_feature(name: str, lists: pa.Array) -> Iterator[tuple[Input, NDArray[np.float64]]]:
    lengths = np.nan_to_num(lists.value_lengths().to_numpy(zero_copy_only=False)).astype(np.int64)
    starts = np.cumsum(lengths) - lengths
    flat = lists.flatten()
    is_number = pa.types.is_integer(flat.type) or pa.types.is_floating(flat.type)
    part = VALUE if is_number else CATEGORY
    values = flat.to_numpy(zero_copy_only=False).astype(np.float64) if is_number else _categories(flat)
    for position in wanted_positions(name, part, int(lengths.max(initial=0))):
        yield Input(name, part, position), _at(values, starts + position, lengths > position)
    # No value is NaN everywhere: a batch in which no example has the feature does not know of it.
    yield Input(name, COUNT), np.where(lengths > 1, lengths, np.nan)
    if is_number:
        yield Input(name, MEAN), _means(values, starts, lengths)
    else:
        sizes = pc.binary_length(flat).to_numpy(zero_copy_only=False).astype(np.float64)
        first = _at(sizes, starts, lengths > 0)
        yield Input(name, LENGTH), np.where(first > _LONG_TEXT, first, np.nan)


def _at(values: NDArray[np.float64], positions: NDArray, known: NDArray[np.bool_]) -> NDArray[np.float64]:
    result = np.full(len(known), np.nan)
    result[known] = values[positions[known]]
    return result


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
