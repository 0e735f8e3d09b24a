"""Both: how well the label was predicted at each snapshot, and where the training went from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privacy_component.attacks.attack import AttackInfo
from privacy_component.attacks.trained import Learner, TrainedAttack, logistic_regression
from privacy_component.attacks.trajectory import IN_RANKS, trajectory
from privacy_component.observations.needs import LABELS, OUTPUTS, SNAPSHOT_ALIGNMENT, SNAPSHOT_SIGNALS
from privacy_component.observations.observations import TASKS, Observations


def trajectory_and_alignment(observations: Observations) -> NDArray[np.float64]:
    """(n, 2 S) float64: S + 1 signals and S - 1 alignments."""
    return np.column_stack([trajectory(observations), observations.columns[SNAPSHOT_ALIGNMENT]])


def trajectory_and_alignment_attack() -> AttackInfo:
    """The registry's line: a logistic regression of both, or of their ranks, out of fold."""
    learner = Learner(logistic_regression, trajectory_and_alignment, 100_000, 'n', build_by_task=IN_RANKS)
    return AttackInfo(
        make=lambda: TrainedAttack(learner),
        needs=(LABELS, OUTPUTS, SNAPSHOT_SIGNALS, SNAPSHOT_ALIGNMENT),
        cost='a forward and a backward pass for each example and snapshot, and n to learn',
        reference='Nasr et al. 2019, arXiv 1812.00910',
        tasks=TASKS,
        learns=True,
    )
