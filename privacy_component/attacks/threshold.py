"""One signal, thresholded: the attack that needs nothing but the model's outputs."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from privacy_component.attacks.attack import AttackInfo
from privacy_component.observations import Observations
from privacy_component.signals import SIGNALS, towards_member


@dataclasses.dataclass(frozen=True)
class ThresholdAttack:
    """An example with a low loss was probably trained on (Yeom et al. 2018, arXiv 1709.01604, section 3)."""

    signal: str = 'loss'

    def fit(self, observations: Observations) -> ThresholdAttack:
        """Nothing to learn: every threshold is tried when the scores are counted."""
        return self

    def score(self, observations: Observations) -> NDArray[np.float64]:
        """The signal, (n,), higher = more likely a member."""
        return towards_member(self.signal, observations)


def threshold_attack(signal: str) -> AttackInfo:
    """The registry's line for a threshold on `signal`."""
    return AttackInfo(
        make=lambda: ThresholdAttack(signal),
        needs=('labels', 'outputs'),
        access='black box',
        cost='n log n, nothing to train',
        reference=SIGNALS[signal].reference,
        tasks=SIGNALS[signal].tasks,
    )
