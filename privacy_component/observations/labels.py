"""Labels, checked and brought into the one form that each task has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from privacy_component.errors import PrivacyInputError
from privacy_component.observations.columns import Column, SliceValue

# Squares and differences of anything smaller stay finite.
_LARGEST_LABEL = 1e150


def class_numbers(labels: NDArray, classes: Sequence[str], num_outputs: int, name: str = 'labels') -> NDArray[np.int64]:
    """(n,) the numbers of classes that labels name.

    Args:
      labels: (n,) or (n, 1) text or bytes.
      classes: the names, in the order of the model's outputs.
      num_outputs: how many outputs the model has; one is the second of two classes.
      name: what the labels are called in messages.

    Raises:
      PrivacyInputError: another number of classes than outputs, labels that are no text, or none of the classes.
    """
    labels = np.asarray(labels)
    if len(classes) != max(num_outputs, 2):
        raise PrivacyInputError(
            f'PrivacyConfig.outputs.classes names {len(classes)} classes, but the model has {max(num_outputs, 2)}: '
            'name all of them, in the order of its outputs.'
        )
    if labels.dtype.kind not in 'SUO' or labels.size != len(labels):
        raise PrivacyInputError(
            f'{name} has shape {labels.shape} and type {labels.dtype}, but PrivacyConfig.outputs.classes names classes '
            'as text: leave it out where labels are class numbers.'
        )
    seen = Column.from_values(labels.reshape(-1))
    numbers: dict[SliceValue, int] = {one: number for number, one in enumerate(classes)}
    found = np.array([numbers.get(value, -1) for value in seen.vocabulary], np.int64)[seen.codes]
    num_odd = len(labels) - int(np.count_nonzero(found >= 0))  # a missing one is none, too
    if num_odd:
        raise PrivacyInputError(
            f'{name} is none of PrivacyConfig.outputs.classes in {num_odd:,} of {len(labels):,} examples: name every '
            'class as the labels write it.'
        )
    return found


def class_labels(labels: NDArray, num_classes: int, name: str = 'labels') -> NDArray[np.int64]:
    """(n,) int64 class numbers in [0, num_classes).

    Raises:
      PrivacyInputError: labels are text, fractions, missing, one-hot, or out of range; the message names the field.
    """
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise PrivacyInputError(
            f'{name} has shape {labels.shape}; one class number per example is needed. Turn one-hot rows into class '
            "numbers with argmax; for several labels per example set PrivacyConfig.outputs.task to 'multilabel'."
        )
    if labels.dtype.kind not in 'biuf':
        raise PrivacyInputError(
            f'{name} holds {_kind(labels)}, not class numbers: name the {num_classes} classes in '
            "PrivacyConfig.outputs.classes, in the order of the model's outputs, or map them to 0 ... "
            f'{num_classes - 1}, for example in Transform, and name that feature as label_key.'
        )
    if labels.dtype.kind == 'f' and not np.all(labels == np.floor(labels)):
        num_odd = int(np.count_nonzero(labels != np.floor(labels)))
        raise PrivacyInputError(
            f'{name} holds fractions or NaN in {num_odd:,} of {len(labels):,} examples; classes must be whole numbers '
            f'from 0 to {num_classes - 1}. If the model predicts a number, PrivacyConfig.outputs.task must be '
            "'regression'."
        )
    if len(labels) and not (labels.min() >= 0 and labels.max() < num_classes):
        odd = labels.min() if labels.min() < 0 else labels.max()
        raise PrivacyInputError(
            f'{name} holds the class {odd:g}, but the model has {num_classes} classes (0 to {num_classes - 1}): '
            'check that labels and model outputs belong together. If the model predicts a number, '
            "PrivacyConfig.outputs.task must be 'regression'."
        )
    return labels.astype(np.int64)


def _kind(labels: NDArray) -> str:
    """What labels are that are no numbers, in words; never what they say, which may be somebody's name."""
    return 'text' if labels.dtype.kind in 'SUO' else f'values of type {labels.dtype}'


def multilabel_labels(labels: NDArray, num_classes: int, name: str = 'labels') -> NDArray[np.bool_]:
    """(n, classes) bool: which of its labels an example has.

    Raises:
      PrivacyInputError: another shape, or values other than 0 and 1; the message names the field.
    """
    labels = np.asarray(labels)
    if labels.ndim != 2 or labels.shape[1] != num_classes:
        raise PrivacyInputError(
            f'{name} has shape {labels.shape}; a multi-label model with {num_classes} outputs needs a 0 or 1 for each '
            f'example and output: (n, {num_classes}).'
        )
    if labels.dtype.kind not in 'biuf' or not np.isin(labels, (0, 1)).all():
        raise PrivacyInputError(f'{name} must hold only 0 and 1 for a multi-label model.')
    return labels.astype(bool)


def regression_labels(labels: NDArray, name: str = 'labels') -> NDArray[np.float64]:
    """(n,) float64 targets.

    Raises:
      PrivacyInputError: not one finite number per example; the message names the field.
    """
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in 'biuf':
        raise PrivacyInputError(
            f'{name} has shape {labels.shape} and type {labels.dtype}; regression needs one number per example.'
        )
    if not np.all(np.abs(labels.astype(np.float64)) < _LARGEST_LABEL):
        raise PrivacyInputError(f'{name} holds NaN or infinity; give a finite number for every example.')
    return labels.astype(np.float64)
