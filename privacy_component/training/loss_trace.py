"""The loss of every example over the epochs of a training, and the risk of single members that follows from it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from privacy_component.errors import PrivacyInputError


@dataclasses.dataclass(frozen=True, eq=False)
class LossTrace:
    """Losses after each of k epochs; 8 bytes for each example and epoch.

    Attributes:
      epochs: (k,) numbers of epochs, ascending; the first is 1.
      members: (k, m) losses of the members, in the order in which they were given.
      non_members: (k, n) losses of the others.
    """

    epochs: NDArray[np.int64]
    members: NDArray[np.float64]
    non_members: NDArray[np.float64]

    def lt_iqr(self) -> NDArray[np.float64]:
        """The interquartile range of each member's loss over the epochs.

        A member whose loss moves far while the model trains is learnt by heart late, and is at risk; no reference model
        is needed to see it. The ranking tells members apart, not members from others: no attack, but a pointer to those
        that attacks find.

        Returns:
          (m,) not negative, higher = more vulnerable.

        Raises:
          PrivacyInputError: fewer than four epochs, of which there are no quartiles to speak of.

        Reference: the loss trace interquartile range (LT-IQR) of arXiv 2411.05743.
        """
        if len(self.epochs) < 4:
            raise PrivacyInputError(
                f'the loss trace has {len(self.epochs)} epochs, and an interquartile range needs at least 4: train for '
                'longer, or keep the losses of every epoch.'
            )
        first, third = np.percentile(self.members, [25, 75], axis=0)
        return third - first

    def most_vulnerable(self, count: int = 10) -> NDArray[np.int64]:
        """Positions of the `count` members with the largest LT-IQR, the largest first; of equals the first given."""
        return np.argsort(-self.lt_iqr(), kind='stable')[:count]

    def save(self, path: str | Path) -> None:
        """Writes an .npz file."""
        np.savez_compressed(path, epochs=self.epochs, members=self.members, non_members=self.non_members)

    @classmethod
    def load(cls, path: str | Path) -> LossTrace:
        """What `save` wrote."""
        with np.load(path, allow_pickle=False) as found:
            return cls(found['epochs'], found['members'], found['non_members'])
