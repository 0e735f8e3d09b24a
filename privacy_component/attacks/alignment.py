"""Alignment: did the training, from each snapshot to the next, go where this example's own gradient points?"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from privacy_component.attacks.attack import AttackInfo
from privacy_component.observations.needs import SNAPSHOT_ALIGNMENT
from privacy_component.observations.observations import TASKS, Observations


@dataclasses.dataclass(frozen=True)
class AlignmentAttack:
    """A training moves down the gradients of its members, and of others only as far as these are like them.

    A passive form of what Nasr, Shokri and Houmansadr 2019 (arXiv 1812.00910) learn from gradients over epochs: the
    step from one snapshot to the next, along the example's gradient at the first of them, of unit length.
    """

    def fit(self, observations: Observations) -> AlignmentAttack:
        """Nothing to learn."""
        return self

    def score(self, observations: Observations) -> NDArray[np.float64]:
        """The sum over all steps, (n,), higher = more likely a member."""
        return observations.columns[SNAPSHOT_ALIGNMENT].sum(axis=1)


def alignment_attack() -> AttackInfo:
    """The registry's line."""
    return AttackInfo(
        make=AlignmentAttack,
        needs=(SNAPSHOT_ALIGNMENT,),
        cost='a forward and a backward pass for each example and snapshot',
        reference='Nasr et al. 2019, arXiv 1812.00910',
        tasks=TASKS,
    )
