"""Where a value stands among those of its own class.

Some classes are easier than others, for members and non-members alike. Where a class is commoner among members, an
attack that knows the class would point it out and find a 'leak' in a model without one. So what is learnt is compared
within classes: a value is replaced by its standing among the training folds' rows of its class, members and
non-members together, just as they are. Without a leak standings are spread evenly over 0 to 1 in every class, so that
no mix of classes can tell members from others. Of all ways to weigh rows of a class this one adds the least noise: the
AUC compares members with non-members of every class, weighted by the harmonic mean of the class's shares of both, as
overlap weights do (Li, Morgan and Zaslavsky 2018, JASA 113), and its standard error is at most what it was.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from privacy_component.observations.observations import MULTICLASS, MULTILABEL, Observations


@dataclasses.dataclass(frozen=True, eq=False)
class Standing:
    """Values to compare with.

    Attributes:
      values: (n,) ascending.
      keys: (n,) complex, ascending: the class and, as imaginary part, the value, which is how numpy sorts them.
    """

    values: NDArray[np.float64]
    keys: NDArray[np.complex128]

    @classmethod
    def among(cls, values: NDArray[np.float64], classes: NDArray[np.int64]) -> Standing:
        """To stand among (n,) values of (n,) classes."""
        return cls(np.sort(values), np.sort(_keys(classes, values)))

    def of(self, values: NDArray[np.float64], classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """(n,) the share of the class below each value, strictly between 0 and 1.

        The standing among all classes counts as one more row of the class: it orders what a small class ties, and
        decides alone where the class has no rows.
        """
        overall = (_below(self.values, values) + 0.5) / (len(self.values) + 1)
        start, end = (np.searchsorted(self.keys.real, classes, side) for side in ('left', 'right'))
        return (_below(self.keys, _keys(classes, values)) - start + overall) / (end - start + 1)


def classes_of(observations: Observations) -> NDArray[np.int64]:
    """(n,) what examples are compared within: the label, or of several how many; all the same for a regression."""
    if observations.task == MULTICLASS:
        return observations.labels
    if observations.task == MULTILABEL:
        return observations.labels.sum(axis=1)
    return np.zeros(len(observations), np.int64)


def _keys(classes: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.complex128]:
    keys = np.empty(len(values), np.complex128)
    keys.real, keys.imag = classes, values
    return keys


def _below(ascending: NDArray, values: NDArray) -> NDArray[np.float64]:
    """How many are smaller, ties half."""
    return (np.searchsorted(ascending, values, 'left') + np.searchsorted(ascending, values, 'right')) / 2
