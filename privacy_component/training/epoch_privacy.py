"""What attacks find in a model as it is after an epoch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.registry import Estimate


@dataclasses.dataclass(frozen=True)
class EpochPrivacy:
    """What attacks found after an epoch.

    Attributes:
      epoch: its number, from 1.
      accuracy_members, accuracy_non_members: shares that the model has right; NaN for a regression.
      metrics: by attack, then by metric: the value, and the interval of that one attack.
    """

    epoch: int
    accuracy_members: float
    accuracy_non_members: float
    metrics: Mapping[str, Mapping[str, Estimate]]

    def strongest(self, metric: str = 'auc') -> tuple[str, Estimate]:
        """The attack with the largest value of a metric, and that value with its interval.

        Raises:
          PrivacyInputError: the metric was not measured.
        """
        found = {attack: values[metric] for attack, values in self.metrics.items() if metric in values}
        known = {attack: estimate.value for attack, estimate in found.items() if estimate.value is not None}
        if not known:
            raise PrivacyInputError(f"metric '{metric}' was not measured: give more examples, or name another.")
        name = max(known, key=lambda attack: known[attack])
        return name, found[name]

    def value(self, metric: str = 'auc') -> float:
        """The largest value of a metric, over the attacks."""
        return _number(self.strongest(metric)[1].value)

    def interval(self, metric: str = 'auc') -> tuple[float, float]:
        """The interval of that value; NaN at an end that is not known."""
        estimate = self.strongest(metric)[1]
        return _number(estimate.lower), _number(estimate.upper)


@dataclasses.dataclass(frozen=True, eq=False)
class Examples:
    """Inputs and labels of one side.

    Attributes:
      inputs: what the model takes: an array, or a list or dict of arrays, (n, ...) each.
      labels: (n,) or (n, classes).
    """

    inputs: Any
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def of(cls, name: str, given: Any) -> Examples:
        """A pair (inputs, labels), checked.

        Raises:
          PrivacyInputError: it is no such pair, has no rows, or not as many inputs as labels.
        """
        if not isinstance(given, (tuple, list)) or len(given) != 2:
            raise PrivacyInputError(
                f'{name} is of type {type(given).__name__}: give a pair (inputs, labels) of arrays.'
            )
        inputs, labels = given[0], np.asarray(given[1])
        lengths = {len(array) for array in arrays_of(inputs)}
        if labels.ndim == 0 or not len(labels) or lengths != {len(labels)}:
            rows = ', '.join(map(str, sorted(lengths)))
            raise PrivacyInputError(
                f'{name} has {rows or "no"} rows of inputs and labels of shape {labels.shape}: give one label for each '
                'row, and at least one row.'
            )
        return cls(inputs, labels)


def _number(value: float | None) -> float:
    return float('nan') if value is None else value


def arrays_of(inputs: Any) -> list[Any]:
    """The arrays in an array, or in a list or dict of arrays."""
    if isinstance(inputs, Mapping):
        return [inputs[name] for name in sorted(inputs)]
    return list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
