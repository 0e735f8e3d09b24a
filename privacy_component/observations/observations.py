"""What an attacker sees: one columnar batch of examples, members and non-members together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privacy_component.errors import PrivacyInputError

MULTICLASS = 'multiclass'
MULTILABEL = 'multilabel'
REGRESSION = 'regression'
TASKS = (MULTICLASS, MULTILABEL, REGRESSION)


@dataclasses.dataclass(frozen=True, eq=False)
class Observations:
    """Parallel arrays over n examples; `select` is the only way to take a part.

    Attributes:
      is_member: (n,) bool, True for an example the model was trained on.
      example_id: (n,) uint64, a hash of the example; seeds and folds come from it.
      labels: (n,) int64 class numbers; (n, classes) bool for multi-label; (n,) float64 for regression.
      outputs: (n, classes) floating-point logits, of which log-probabilities are a special case; for regression (n, 1)
        predictions or (n, 2) means and variances. One sigmoid output is observed as two classes with logits (0, z).
      task: 'multiclass', 'multilabel' or 'regression'.
      columns: what does not follow from labels and outputs, by name, n rows each: see `observations.needs`.
      group_id: (n,) uint64, or None: the person, author or device an example belongs to.
    """

    is_member: NDArray[np.bool_]
    example_id: NDArray[np.uint64]
    labels: NDArray
    outputs: NDArray
    task: str = MULTICLASS
    columns: Mapping[str, NDArray] = dataclasses.field(default_factory=dict)
    group_id: NDArray[np.uint64] | None = None
    # Signals of labels and outputs that were worked out; not of columns that were handed in under a signal's name.
    _signals: dict[str, NDArray] = dataclasses.field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        for name, column in self._arrays().items():
            if len(column) != len(self.is_member):
                raise PrivacyInputError(
                    f'{name} has {len(column)} rows but is_member has {len(self.is_member)}: all columns of '
                    'Observations describe the same examples.'
                )

    def __len__(self) -> int:
        return len(self.is_member)

    @property
    def num_members(self) -> int:
        """How many examples are members."""
        return int(np.count_nonzero(self.is_member))

    @property
    def num_non_members(self) -> int:
        """How many examples are not."""
        return len(self) - self.num_members

    @property
    def available(self) -> frozenset[str]:
        """The names of all columns: 'labels', 'outputs', 'gradient_norm', ..."""
        return frozenset(self._arrays())

    def only(self, needs: Collection[str]) -> Observations:
        """What an attack with these needs is given: the columns that it names, and none besides.

        Labels and outputs that it does not name are there without a single value: (n, 0).
        """
        columns = {name: column for name, column in self.columns.items() if name in needs}
        if {'labels', 'outputs'} <= set(needs):
            return self.with_columns(columns)
        nothing = np.zeros((len(self), 0))
        return dataclasses.replace(
            self,
            labels=self.labels if 'labels' in needs else nothing,
            outputs=self.outputs if 'outputs' in needs else nothing,
            columns=columns,
        )

    def with_columns(self, columns: Mapping[str, NDArray]) -> Observations:
        """The same labels and outputs, with these columns and no others."""
        return dataclasses.replace(self, columns=columns)._knowing(self._signals)

    def once(self, name: str, signal: Callable[[], NDArray]) -> NDArray:
        """(n,) of a signal that follows from labels and outputs, worked out the first time that it is asked for."""
        if name not in self._signals:
            self._signals[name] = signal()
            self._signals[name].flags.writeable = False
        return self._signals[name]

    def _knowing(self, signals: dict[str, NDArray]) -> Observations:
        object.__setattr__(self, '_signals', signals)
        return self

    def select(self, rows: NDArray | slice) -> Observations:
        """The examples at `rows`, a boolean mask (n,), integer positions (k,), or a slice, which copies nothing."""
        taken: dict[str, Any] = {name: column[rows] for name, column in self._own_arrays().items()}
        selected = dataclasses.replace(self, **taken, columns={k: v[rows] for k, v in self.columns.items()})
        return selected._knowing({k: v[rows] for k, v in self._signals.items()})

    def _own_arrays(self) -> dict[str, NDArray]:
        names = ('is_member', 'example_id', 'labels', 'outputs', 'group_id')
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def _arrays(self) -> dict[str, NDArray]:
        return {**self._own_arrays(), **self.columns}


def concatenate(parts: Sequence[Observations]) -> Observations:
    """One batch from several of the same task."""
    first = parts[0]
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ('is_member', 'example_id', 'labels', 'outputs', 'group_id')
        if getattr(first, name) is not None
    }
    more = {name: np.concatenate([part.columns[name] for part in parts]) for name in first.columns}
    return dataclasses.replace(first, **columns, columns=more)
