"""How often the model is right about noisy copies of an example: members lie deeper inside their class."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from privacy_component.attacks.attack import AttackInfo
from privacy_component.observations.needs import LABEL_STABILITY
from privacy_component.observations.observations import MULTICLASS, MULTILABEL, Observations


@dataclasses.dataclass(frozen=True)
class LabelStabilityAttack:
    """The attack of one who sees decisions only: a label that survives noise says member.

    It is the gap attack made finer (Choquette-Choo et al. 2021, arXiv 2007.14321, section 4): an example that the model
    is right about is asked about again and again, with noise, and how often it stays right is a distance to the
    boundary between classes.
    """

    def fit(self, observations: Observations) -> LabelStabilityAttack:
        """Nothing to learn, and nothing is tuned on the examples."""
        return self

    def score(self, observations: Observations) -> NDArray[np.float64]:
        """(n,) the share of labels that stay right, in [0, 1], higher = more likely a member."""
        return observations.columns[LABEL_STABILITY].astype(np.float64)


def label_stability_attack() -> AttackInfo:
    """The registry's line."""
    return AttackInfo(
        make=LabelStabilityAttack,
        needs=(LABEL_STABILITY,),
        cost='a forward pass for each of `measurement.num_queries` noisy copies',
        reference='Choquette-Choo et al. 2021, arXiv 2007.14321',
        tasks=(MULTICLASS, MULTILABEL),
    )
