"""Features, from Arrow arrays or tensors, as columns and labels; without a Python loop over examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from privacy_component.errors import PrivacyInputError
from privacy_component.slicing import Column

_NO_VALUES = Column.from_entries(np.zeros(0, np.int64), np.zeros(0, np.int64), ())


def as_column(value: Any, num_rows: int) -> Column:
    """A feature as a column: an Arrow list array, or a dense (n, ...) or sparse tensor value; None has no values."""
    if value is None or (isinstance(value, pa.Array) and pa.types.is_null(value.type)):
        return _NO_VALUES
    if isinstance(value, pa.Array):
        return _arrow_column(value)
    if hasattr(value, 'indices'):
        rows, values = np.asarray(value.indices)[:, 0], np.asarray(value.values)
    else:
        dense = np.asarray(value).reshape(num_rows, -1)
        rows, values = np.repeat(np.arange(num_rows), dense.shape[1]), dense.reshape(-1)
    present = ~pd.isna(values)
    codes, vocabulary = pd.factorize(values[present])
    return Column.from_entries(rows[present], codes, list(vocabulary))


def dense_values(value: Any, name: str, known: Iterable[str], num_rows: int) -> NDArray:
    """(n,) or (n, k) values of a feature that every example must have.

    Args:
      value: as for `as_column`.
      name: how messages call the feature, 'label_key' say.
      known: the names of all features, for the message.
      num_rows: n.

    Raises:
      PrivacyInputError: the feature is absent, or missing in some examples.
    """
    if value is None:
        raise PrivacyInputError(
            f'{name} of eval_config.model_specs is not among the features {", ".join(sorted(known)[:20])}: correct its '
            "name, or, if the model or transform_graph makes it, name the model's signature in "
            'preprocessing_function_names or pass transform_graph.'
        )
    if isinstance(value, pa.Array):
        return _arrow_values(value, name, num_rows)
    if hasattr(value, 'indices'):
        raise _missing(name, num_rows - len(np.unique(np.asarray(value.indices)[:, 0])), num_rows)
    values = np.asarray(value).reshape(num_rows, -1)
    absent = pd.isna(values).any(axis=1)
    if absent.any():
        raise _missing(name, int(absent.sum()), num_rows)
    return values


def columns_of(names: Iterable[str], sources: Iterable[Mapping[str, Any]], num_rows: int) -> dict[str, Column]:
    """The named features as columns, each from the first of the sources that has it."""
    return {name: as_column(first_of(name, sources), num_rows) for name in names}


def first_of(name: str, sources: Iterable[Mapping[str, Any]]) -> Any:
    """The feature in the first source that has it; None if none has."""
    return next((source[name] for source in sources if source.get(name) is not None), None)


def _arrow_column(lists: pa.Array) -> Column:
    encoded = lists.flatten().dictionary_encode()
    rows = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    vocabulary = encoded.dictionary.to_pylist()
    is_nan = np.array([isinstance(value, float) and np.isnan(value) for value in vocabulary], bool)
    present = ~is_nan[codes] if len(vocabulary) else np.zeros(0, bool)
    return Column.from_entries(rows[present], codes[present], vocabulary)


def _arrow_values(lists: pa.Array, name: str, num_rows: int) -> NDArray:
    if pa.types.is_null(lists.type):
        raise _missing(name, num_rows, num_rows)
    lengths = np.nan_to_num(lists.value_lengths().to_numpy(zero_copy_only=False)).astype(np.int64)
    wrong = lengths != (lengths.max() if len(lengths) else 0)
    if wrong.any() or lengths.max(initial=0) == 0:
        raise _missing(name, int((lengths == 0).sum() or wrong.sum()), num_rows)
    values = lists.flatten().to_numpy(zero_copy_only=False).reshape(num_rows, -1)
    absent = pd.isna(values).any(axis=1)
    if absent.any():
        raise _missing(name, int(absent.sum()), num_rows)
    return values


def _missing(name: str, missing: int, num_rows: int) -> PrivacyInputError:
    return PrivacyInputError(
        f'{name} has no single value in {missing} of {num_rows} examples of a batch: every example needs one label. '
        'Fill it in or drop those examples before training.'
    )
