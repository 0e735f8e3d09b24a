"""The columns to slice by that follow from labels and outputs: one function and one entry of DERIVED for each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from privacy_component.observations.columns import (
    Column,
    correct_column,
    loss_percentile_column,
    multilabel_column,
)
from privacy_component.observations.observations import MULTICLASS, MULTILABEL, TASKS, Observations
from privacy_component.observations.signals import compute
from privacy_component.observations.slicing import (
    CLASS_FEATURE,
    CORRECT_FEATURE,
    LOSS_PERCENTILE_FEATURE,
    SliceKey,
)

LossEdges = NDArray[np.float64] | None


@dataclasses.dataclass(frozen=True)
class Derived:
    """A column that nobody has to hand in.

    Attributes:
      column: (observations of n examples, (11,) percentiles of all losses or None for those of these n) -> the column.
      setting: the field of PrivacyConfig.slices that switches its slices on.
      tasks: those that it is defined for.
      is_made_of_outputs: whether the model's answers decide who is in a slice. Such a slice may well lack one side, and
        says nothing about how the splits were made.
    """

    column: Callable[[Observations, LossEdges], Column]
    setting: str
    tasks: tuple[str, ...]
    is_made_of_outputs: bool


def _class(observations: Observations, loss_edges: LossEdges) -> Column:
    labels = observations.labels
    return multilabel_column(labels) if observations.task == MULTILABEL else Column.from_values(labels)


def _correct(observations: Observations, loss_edges: LossEdges) -> Column:
    return correct_column(compute('correctness', observations) == 1)


def _loss_percentile(observations: Observations, loss_edges: LossEdges) -> Column:
    return loss_percentile_column(compute('loss', observations), loss_edges)


DERIVED: dict[str, Derived] = {
    CLASS_FEATURE: Derived(_class, 'by_class', (MULTICLASS, MULTILABEL), is_made_of_outputs=False),
    CORRECT_FEATURE: Derived(_correct, 'by_correctness', (MULTICLASS, MULTILABEL), is_made_of_outputs=True),
    LOSS_PERCENTILE_FEATURE: Derived(_loss_percentile, 'by_loss_percentile', TASKS, is_made_of_outputs=True),
}


def is_made_of_outputs(key: SliceKey) -> bool:
    """Whether the model's answers decide who is in a slice."""
    return any(name in DERIVED and DERIVED[name].is_made_of_outputs for name, _ in key)
