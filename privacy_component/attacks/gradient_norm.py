"""The norm of the loss gradient: a model hardly moves any more for what it was trained on."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from privacy_component.attacks.attack import AttackInfo
from privacy_component.observations.needs import GRADIENT_NORM
from privacy_component.observations.observations import TASKS, Observations


@dataclasses.dataclass(frozen=True)
class GradientNormAttack:
    """A small gradient of an example's loss says member (Nasr et al. 2019, arXiv 1812.00910, section III)."""

    def fit(self, observations: Observations) -> GradientNormAttack:
        """Nothing to learn."""
        return self

    def score(self, observations: Observations) -> NDArray[np.float64]:
        """Minus the norm over all weights, (n,), higher = more likely a member."""
        return -observations.columns[GRADIENT_NORM].astype(np.float64)


def gradient_norm_attack() -> AttackInfo:
    """The registry's line."""
    return AttackInfo(
        make=GradientNormAttack,
        needs=(GRADIENT_NORM,),
        cost='a forward and a backward pass for each example',
        reference='Nasr et al. 2019, arXiv 1812.00910',
        tasks=TASKS,
    )
