"""Whose an example is and what it weighs: two columns that every example must have, if they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privacy_component.beam.examples.feature_columns import dense_values, first_of
from privacy_component.errors import PrivacyInputError
from privacy_component.hashing import hash_ids
from privacy_component.observations.columns import plain_value

Sources = Sequence[Mapping[str, Any]]


def group_ids(key: str, sources: Sources, num_rows: int) -> NDArray[np.uint64] | None:
    """(n,) hashes of the values of people.group_key, those of evaluate_privacy's group_ids; None for no key.

    Raises:
      PrivacyInputError: the feature is absent, missing in some example, or neither whole numbers nor text.
    """
    if not key:
        return None
    name = f"PrivacyConfig.people.group_key '{key}'"
    values = _single(dense_values(first_of(key, sources), name, _known(sources), num_rows, owner=''), name)
    codes, distinct = pd.factorize(values)
    distinct = np.asarray(distinct)
    if distinct.dtype.kind == 'O':
        distinct = np.array([str(plain_value(value)) for value in distinct], np.str_)
    if distinct.dtype.kind not in 'biuU':
        raise PrivacyInputError(f'{name} holds values of type {distinct.dtype}: write it as a whole number or text.')
    return hash_ids(distinct)[codes]


def example_weights(key: str, sources: Sources, num_rows: int) -> NDArray[np.float64] | None:
    """(n,) weights of the examples; None for no key.

    Raises:
      PrivacyInputError: the feature is absent, missing in some example, or anything but a number from 0 up.
    """
    if not key:
        return None
    name = f"example_weight_key '{key}'"
    values = _single(dense_values(first_of(key, sources), name, _known(sources), num_rows), name)
    if values.dtype.kind not in 'biuf':
        raise PrivacyInputError(f'{name} holds values of type {values.dtype}: it must be a number. Write it as one.')
    weights = values.astype(np.float64)
    wrong = ~((weights >= 0) & np.isfinite(weights))
    if wrong.any():
        raise PrivacyInputError(
            f'{name} is NaN, infinite or below 0 in {int(wrong.sum())} of {num_rows} examples of a batch: a weight '
            'must be a finite number from 0 up. Mend those examples, or leave example_weight_key out.'
        )
    return weights


def _known(sources: Sources) -> Iterable[str]:
    return {feature for source in sources for feature in source}


def _single(values: NDArray, name: str) -> NDArray:
    values = values.reshape(len(values), -1)
    if values.shape[1] != 1:
        raise PrivacyInputError(f'{name} has {values.shape[1]} values in an example: every example needs exactly one.')
    return values[:, 0]
