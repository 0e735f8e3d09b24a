"""Whether a reference set has members in it, by hashes of inputs and labels."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privacy_component.checks.duplicates import MOST_SHARED
from privacy_component.checks.row_hashes import hash_rows
from privacy_component.errors import PrivacyInputError
from privacy_component.hashing import hash_ids, mix
from privacy_component.training.epoch_privacy import arrays_of


def hashes_of(inputs: Any, labels: Any) -> NDArray[np.uint64]:
    """(n,) a hash of each example's inputs and label, whichever types of numbers they are held in."""
    total = np.zeros(len(labels), np.uint64)
    for array in (*arrays_of(inputs), labels):
        total = mix(total + _hash_of(np.asarray(array)))
    return total


def check_reference(reference: NDArray[np.uint64], x: Any, y: Any, steps: int | None) -> None:
    """Raises PrivacyInputError if members are in the reference set.

    Args:
      reference: hashes of its examples.
      x, y: what `fit` was given: arrays, or a tf.data.Dataset of pairs as x.
      steps: batches of a dataset in an epoch; None for all.

    Raises:
      PrivacyInputError: more than 1 % of the reference set are members (fewer can be alike by chance), or x cannot be
        looked at without being used up.
    """
    shared = np.zeros(len(reference), bool)
    for inputs, labels in _batches(x, y, steps):
        shared |= np.isin(reference, hashes_of(inputs, labels))
    if shared.mean() > MOST_SHARED:
        raise PrivacyInputError(
            f'{shared.sum():,} of {len(shared):,} reference examples are members too: the attacker could not tell them '
            'apart, and would defend nothing. Take the reference set from data that the model is not trained on.'
        )


def _batches(x: Any, y: Any, steps: int | None) -> Iterator[tuple[Any, Any]]:
    import tensorflow as tf

    if not isinstance(x, tf.data.Dataset):
        if y is None or not all(hasattr(array, 'shape') for array in arrays_of(x)):
            raise PrivacyInputError(
                f'x is of type {type(x).__name__}: give fit arrays as x and y, or a tf.data.Dataset of pairs, so that '
                'the reference set can be compared with the members.'
            )
        yield x, y
        return
    if steps is None and x.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise PrivacyInputError('x is a dataset without an end: set steps_per_epoch.')
    yield from ((batch[0], batch[1]) for batch in itertools.islice(x.as_numpy_iterator(), steps))


def _hash_of(array: NDArray) -> NDArray[np.uint64]:
    if array.dtype.kind not in 'fiub':
        return _hash_of_texts(array)
    numbers = np.float32 if array.dtype.kind == 'f' else np.float64
    return hash_rows(array.reshape(len(array), -1).astype(numbers))


def _hash_of_texts(array: NDArray) -> NDArray[np.uint64]:
    total = np.zeros(len(array), np.uint64)
    for column in array.reshape(len(array), -1).T:
        total = mix(total + hash_ids(column))
    return total
