"""Features, from Arrow arrays or tensors, as columns and labels; without a Python loop over examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from privacy_component.arrays import all_rows
from privacy_component.errors import PrivacyInputError
from privacy_component.observations.columns import Column, plain_values

_NO_VALUES = Column.from_entries(np.zeros(0, np.int64), np.zeros(0, np.int64), ())


def as_column(value: Any, num_rows: int) -> Column:
    """A feature as a column: an Arrow list array, or a dense (n, ...), sparse or ragged tensor value; None has none."""
    if value is None or (isinstance(value, pa.Array) and pa.types.is_null(value.type)):
        return _NO_VALUES
    if isinstance(value, pa.Array):
        return _arrow_column(value, num_rows)
    if _is_uneven(value):
        rows, values = _entries(value)
    else:
        dense = np.asarray(value).reshape(num_rows, -1)
        rows, values = np.repeat(np.arange(num_rows), dense.shape[1]), dense.reshape(-1)
    present = ~pd.isna(values)
    codes, vocabulary = pd.factorize(values[present])
    return _column(rows[present], codes, list(vocabulary), num_rows)


def concatenate_columns(parts: Sequence[Column], sizes: Sequence[int]) -> Column:
    """A feature's columns in consecutive batches as one; `sizes` are the batches' numbers of rows."""
    codes: dict[Any, int] = {}
    renumbered = [np.array([codes.setdefault(v, len(codes)) for v in part.vocabulary], np.int64) for part in parts]
    starts = np.cumsum(sizes) - sizes
    is_dense = all(part.rows is all_rows(size) for part, size in zip(parts, sizes, strict=True))
    rows = [part.rows + start for part, start in zip(parts, starts, strict=True)]
    return Column(
        all_rows(sum(sizes)) if is_dense else np.concatenate(rows),
        np.concatenate([new[part.codes] for new, part in zip(renumbered, parts, strict=True)]),
        tuple(codes),
    )


def dense_values(
    value: Any, name: str, known: Iterable[str], num_rows: int, owner: str = ' of eval_config.model_specs'
) -> NDArray:
    """(n,) or (n, k) values of a feature that every example must have.

    Args:
      value: as for `as_column`.
      name: how messages call the feature, 'label_key' say.
      known: the names of all features, for the message.
      num_rows: n.
      owner: what the setting `name` belongs to, for the message.

    Raises:
      PrivacyInputError: the feature is absent, or missing in some examples.
    """
    if value is None:
        raise PrivacyInputError(
            f'{name}{owner} is not among the features {", ".join(sorted(known)[:20])}: correct its '
            "name, or, if the model or transform_graph makes it, name the model's signature in "
            'preprocessing_function_names or pass transform_graph.'
        )
    if isinstance(value, pa.Array):
        return _arrow_values(value, name, num_rows)
    if _is_uneven(value):
        return _uneven_values(value, name, num_rows)
    return _complete(np.asarray(value).reshape(num_rows, -1), name)


def _is_uneven(value: Any) -> bool:
    """Whether it is a sparse or ragged tensor value, in which examples may have different numbers of values."""
    return hasattr(value, 'indices') or hasattr(value, 'nested_row_splits')


def _entries(value: Any) -> tuple[NDArray, NDArray]:
    """The example of each value, ascending, and all values, of a sparse or, as TFMA has it, ragged tensor value."""
    if hasattr(value, 'indices'):
        return np.asarray(value.indices)[:, 0], np.asarray(value.values)
    ends, *inner = map(np.asarray, value.nested_row_splits)
    for splits in inner:
        ends = splits[ends]
    values = np.asarray(value.values)
    each = values[:1].size if len(values) else 1
    return np.repeat(np.arange(len(ends) - 1), np.diff(ends) * each), values.reshape(-1)


def _uneven_values(value: Any, name: str, num_rows: int) -> NDArray:
    rows, values = _entries(value)
    lengths = np.bincount(rows, minlength=num_rows)
    most = lengths.max(initial=0)
    if most == 0 or (lengths != most).any():
        raise _missing(name, int((lengths == 0).sum() or (lengths != most).sum()), num_rows)
    return _complete(values.reshape(num_rows, -1), name)


def _complete(values: NDArray, name: str) -> NDArray:
    absent = pd.isna(values).any(axis=1)
    if absent.any():
        raise _missing(name, int(absent.sum()), len(values))
    return values


def columns_of(names: Iterable[str], sources: Iterable[Mapping[str, Any]], num_rows: int) -> dict[str, Column]:
    """The named features as columns, each from the first of the sources that has it."""
    return {name: as_column(first_of(name, sources), num_rows) for name in names}


def first_of(name: str, sources: Iterable[Mapping[str, Any]]) -> Any:
    """The feature in the first source that has it; None if none has."""
    return next((source[name] for source in sources if source.get(name) is not None), None)


def _column(rows: NDArray, codes: NDArray, vocabulary: list[Any], num_rows: int) -> Column:
    if len(rows) == num_rows and (np.diff(rows) == 1).all():
        return Column(all_rows(num_rows), *plain_values(codes, vocabulary))
    return Column.from_entries(rows, codes, vocabulary)


def _arrow_column(lists: pa.Array, num_rows: int) -> Column:
    encoded = lists.flatten().dictionary_encode()
    rows = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    vocabulary = encoded.dictionary.to_pylist()
    is_nan = np.array([isinstance(value, float) and np.isnan(value) for value in vocabulary], bool)
    present = ~is_nan[codes] if len(vocabulary) else np.zeros(0, bool)
    return _column(rows[present], codes[present], vocabulary, num_rows)


def _arrow_values(lists: pa.Array, name: str, num_rows: int) -> NDArray:
    if pa.types.is_null(lists.type):
        raise _missing(name, num_rows, num_rows)
    lengths = np.nan_to_num(lists.value_lengths().to_numpy(zero_copy_only=False)).astype(np.int64)
    wrong = lengths != (lengths.max() if len(lengths) else 0)
    if wrong.any() or lengths.max(initial=0) == 0:
        raise _missing(name, int((lengths == 0).sum() or wrong.sum()), num_rows)
    return _complete(lists.flatten().to_numpy(zero_copy_only=False).reshape(num_rows, -1), name)


def _missing(name: str, missing: int, num_rows: int) -> PrivacyInputError:
    return PrivacyInputError(
        f'{name} has no single value in {missing} of {num_rows} examples of a batch: every example needs one. '
        'Fill it in or drop those examples before training.'
    )
