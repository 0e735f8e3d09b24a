"""The trajectory: how well the label was predicted at each snapshot of the training, in order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privacy_component.attacks.attack import AttackInfo
from privacy_component.attacks.trained import Learner, TrainedAttack, logistic_regression, regression_of_ranks
from privacy_component.observations.needs import LABELS, OUTPUTS, SNAPSHOT_SIGNALS
from privacy_component.observations.observations import MULTICLASS, MULTILABEL, REGRESSION, TASKS, Observations
from privacy_component.observations.reference_signals import main_signal

# Beyond this, the confidence of a classifier says nothing more, and a few huge values would squeeze all others when
# they are scaled.
_BOUND = 40.0
# Losses of these are in the data's own unit.
IN_RANKS = {MULTILABEL: regression_of_ranks, REGRESSION: regression_of_ranks}


def trajectory(observations: Observations) -> NDArray[np.float64]:
    """(n, S + 1) float64: the signal at each of S snapshots, and of the model itself."""
    signals = np.column_stack([observations.columns[SNAPSHOT_SIGNALS], main_signal(observations)])
    return signals.clip(-_BOUND, _BOUND) if observations.task == MULTICLASS else signals


def trajectory_attack() -> AttackInfo:
    """The registry's line: a logistic regression of the signals, or of their ranks, out of fold.

    Examples that a model is not trained on are predicted better for what it has learnt of all; members also when they
    are learnt themselves, which is later (Nasr, Shokri and Houmansadr 2019, arXiv 1812.00910, section IV).
    """
    learner = Learner(logistic_regression, trajectory, 100_000, 'n', build_by_task=IN_RANKS)
    return AttackInfo(
        make=lambda: TrainedAttack(learner),
        needs=(LABELS, OUTPUTS, SNAPSHOT_SIGNALS),
        cost='one pass for each snapshot, and n to learn',
        reference='Nasr et al. 2019, arXiv 1812.00910',
        tasks=TASKS,
        learns=True,
    )
