"""What attacks compare besides answers and labels: gradient norms, shares, snapshots. The same for all says nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from privacy_component.checks.check import REFUSE, CheckInfo, DoesNotApply, Finding
from privacy_component.checks.evidence import ColumnFigures, Evidence
from privacy_component.metrics.counts.mergeable import Mergeable
from privacy_component.observations.needs import REFERENCE_IS_MEMBER
from privacy_component.observations.observations import Observations

NO_COLUMNS = DoesNotApply('The attacks look at labels and outputs alone.')


@dataclasses.dataclass(frozen=True, eq=False)
class ColumnRanges(Mergeable):
    """The ends of columns in a part of the examples.

    Attributes:
      ends: by name, (2, k) float64: the smallest and the largest of each of a column's k numbers.
    """

    ends: Mapping[str, NDArray[np.float64]]

    @classmethod
    def of(cls, observations: Observations, names: Collection[str]) -> ColumnRanges:
        """Of those of the columns that are there, besides who was in which reference model's half."""
        columns = {
            name: np.atleast_2d(column.T).T.astype(np.float64)
            for name, column in observations.columns.items()
            if name in names and name != REFERENCE_IS_MEMBER
        }
        return cls(
            {
                name: np.stack([column.min(axis=0, initial=np.inf), column.max(axis=0, initial=-np.inf)])
                for name, column in columns.items()
            }
        )

    def merge(self, *others: ColumnRanges) -> ColumnRanges:
        """Of all parts together."""
        merged = {}
        for name in self.ends:
            low, high = zip(*(part.ends[name] for part in (self, *others)), strict=True)
            merged[name] = np.stack([np.min(low, axis=0), np.max(high, axis=0)])
        return ColumnRanges(merged)

    def figures(self) -> ColumnFigures:
        """What the check looks at."""
        constant = tuple(sorted(name for name, (low, high) in self.ends.items() if (low >= high).all()))
        return ColumnFigures(len(self.ends), constant)


def constant_signals(evidence: Evidence) -> Finding | str:
    """Whether something that an attack compares is the same for every example."""
    seen = evidence.columns
    if isinstance(seen, str):
        return seen
    if not seen.constant:
        return Finding(False, 'What attacks compare varies between examples.', {'num_constant': 0})
    names = ', '.join(seen.constant)
    return Finding(
        True,
        f'The same for every example: {names}. An attack that compares it finds nothing, whatever the model remembers: '
        'look for gradients that do not reach the weights, for a model that no noise moves, or for numbers that were '
        'never filled in; or leave the attacks that need it out of PrivacyConfig.attacks.',
        {'num_constant': len(seen.constant)},
    )


CONSTANT_SIGNALS = CheckInfo(
    look=constant_signals,
    default=REFUSE,
    meaning='An attack that compares what is the same for all reads 0.5, whatever the model remembers.',
)
