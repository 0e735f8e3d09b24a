"""Difficulty calibration: is the model better on this example than other models of its kind are?"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from privacy_component.attacks.attack import AttackInfo
from privacy_component.attacks.references import MAIN_SIGNAL
from privacy_component.errors import PrivacyInputError
from privacy_component.observations.needs import LABELS, OUTPUTS, REFERENCE_OUTPUTS
from privacy_component.observations.observations import TASKS, Observations
from privacy_component.observations.signals import SIGNALS, towards_member


@dataclasses.dataclass(frozen=True)
class DifficultyAttack:
    """The signal less its mean over reference models (Watson et al. 2021, arXiv 2111.08440, section 3).

    An easy example has a low loss with every model; what counts is how much lower it is with this one.

    Attributes:
      signal: the signal's name; '' for the scaled logit of a classifier and the loss of all else.
    """

    signal: str = ''

    def __post_init__(self) -> None:
        if self.signal and self.signal not in SIGNALS:
            raise PrivacyInputError(
                f"attack 'difficulty' has signal={self.signal!r}, which is not one of {', '.join(SIGNALS)}."
            )

    def fit(self, observations: Observations) -> DifficultyAttack:
        """Nothing to learn: the reference models have been trained."""
        return self

    def score(self, observations: Observations) -> NDArray[np.float64]:
        """The calibrated signal, (n,), higher = more likely a member."""
        signal = self.signal or MAIN_SIGNAL[observations.task]
        references = observations.columns[REFERENCE_OUTPUTS]
        total = np.zeros(len(observations))
        for model in range(references.shape[1]):
            seen = dataclasses.replace(observations, outputs=references[:, model], columns={})
            total += towards_member(signal, seen)
        return towards_member(signal, observations) - total / references.shape[1]


def difficulty_attack() -> AttackInfo:
    """The registry's line."""
    return AttackInfo(
        make=DifficultyAttack,
        needs=(LABELS, OUTPUTS, REFERENCE_OUTPUTS),
        cost='one pass for each reference model, nothing to train but these',
        reference='Watson et al. 2021, arXiv 2111.08440',
        tasks=TASKS,
        parameters={'signal': ''},
    )
