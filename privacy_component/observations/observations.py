"""What an attacker sees: one columnar batch of examples, members and non-members together."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

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
      signals: signals that do not follow from the outputs, by name, each (n,) float64 (gradient norms, say).
      group_id: (n,) uint64, or None: the person, author or device an example belongs to.
    """

    is_member: NDArray[np.bool_]
    example_id: NDArray[np.uint64]
    labels: NDArray
    outputs: NDArray
    task: str = MULTICLASS
    signals: Mapping[str, NDArray[np.float64]] = dataclasses.field(default_factory=dict)
    group_id: NDArray[np.uint64] | None = None

    def __post_init__(self) -> None:
        for name, column in self._columns().items():
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

    def has(self, field: str) -> bool:
        """True if there is such a column: 'labels', 'group_id', 'signals.gradient_norm', ..."""
        return field in self._columns()

    def select(self, rows: NDArray) -> Observations:
        """The examples at `rows`, a boolean mask (n,) or integer positions (k,)."""
        taken = {name: column[rows] for name, column in self._columns().items() if '.' not in name}
        return dataclasses.replace(self, **taken, signals={k: v[rows] for k, v in self.signals.items()})

    def _columns(self) -> dict[str, NDArray]:
        names = ('is_member', 'example_id', 'labels', 'outputs', 'group_id')
        columns = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return columns | {f'signals.{name}': column for name, column in self.signals.items()}


def concatenate(parts: Sequence[Observations]) -> Observations:
    """One batch from several of the same task."""
    first = parts[0]
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ('is_member', 'example_id', 'labels', 'outputs', 'group_id')
        if getattr(first, name) is not None
    }
    signals = {name: np.concatenate([part.signals[name] for part in parts]) for name in first.signals}
    return dataclasses.replace(first, **columns, signals=signals)
