"""Difficulty calibration: is the model better on this example than other models of its kind are?"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from privacy_component.attacks.attack import AttackInfo
from privacy_component.observations.needs import LABELS, OUTPUTS, REFERENCE_SIGNALS
from privacy_component.observations.observations import TASKS, Observations
from privacy_component.observations.reference_signals import main_signal


@dataclasses.dataclass(frozen=True)
class DifficultyAttack:
    """The signal less its mean over reference models (Watson et al. 2021, arXiv 2111.08440, section 3).

    An easy example has a low loss with every model; what counts is how much lower it is with this one.
    """

    def fit(self, observations: Observations) -> DifficultyAttack:
        """Nothing to learn: the reference models have been trained."""
        return self

    def score(self, observations: Observations) -> NDArray[np.float64]:
        """The calibrated signal, (n,), higher = more likely a member."""
        return main_signal(observations) - observations.columns[REFERENCE_SIGNALS].mean(axis=1)


def difficulty_attack() -> AttackInfo:
    """The registry's line."""
    return AttackInfo(
        make=DifficultyAttack,
        needs=(LABELS, OUTPUTS, REFERENCE_SIGNALS),
        cost='one pass for each reference model, nothing to train but these',
        reference='Watson et al. 2021, arXiv 2111.08440',
        tasks=TASKS,
        fewest_references=1,
    )
