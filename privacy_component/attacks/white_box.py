"""White box: what the model answers, the label, and how steep the loss is in the weights of each layer."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from privacy_component.attacks.attack import AttackInfo
from privacy_component.attacks.features import full_features, one_hot_features
from privacy_component.attacks.trained import Learner, TrainedAttack, gradient_boosting, logistic_regression
from privacy_component.observations.needs import GRADIENT_NORMS_BY_LAYER, LABELS, OUTPUTS
from privacy_component.observations.observations import TASKS, Observations

# Below this a norm is as good as 0, which has no logarithm.
_SMALLEST = 1e-30


def _log_norms(observations: Observations) -> NDArray[np.float64]:
    return np.log(np.maximum(observations.columns[GRADIENT_NORMS_BY_LAYER], _SMALLEST))


def white_box_features(observations: Observations) -> NDArray[np.float64]:
    """(n, features) float64, for trees."""
    return np.column_stack([full_features(observations), _log_norms(observations)])


def one_hot_white_box_features(observations: Observations) -> NDArray[np.float64]:
    """(n, features) float64, for a linear model."""
    return np.column_stack([one_hot_features(observations), _log_norms(observations)])


@dataclasses.dataclass(frozen=True)
class WhiteBoxAttack:
    """Boosted trees and a logistic regression, and the mean of their standings within the class.

    Attributes:
      parts: the attacks that each learn by themselves. Norms tell little that outputs and label do not, so either alone
        is at times weaker than a black-box attack by the other; together they are hardly ever.
    """

    parts: tuple[TrainedAttack, ...] = (
        TrainedAttack(Learner(gradient_boosting, white_box_features, 100_000, 'n', memorises=True)),
        TrainedAttack(Learner(logistic_regression, one_hot_white_box_features, 100_000, 'n')),
    )

    def fit(self, observations: Observations) -> WhiteBoxAttack:
        """Each learns from all of them."""
        return WhiteBoxAttack(tuple(part.fit(observations) for part in self.parts))

    def score(self, observations: Observations) -> NDArray[np.float64]:
        """(n,) in (0, 1), higher = more likely a member."""
        return np.mean([part.score(observations) for part in self.parts], axis=0)


def white_box_attack() -> AttackInfo:
    """The registry's line."""
    return AttackInfo(
        make=WhiteBoxAttack,
        needs=(LABELS, OUTPUTS, GRADIENT_NORMS_BY_LAYER),
        cost='a forward and a backward pass for each example, and n to learn',
        reference='Nasr et al. 2019, arXiv 1812.00910',
        tasks=TASKS,
        learns=True,
    )
