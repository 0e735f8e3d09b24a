"""Out-of-fold scores: an attack that learns never scores an example that it has seen the membership of."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from privacy_component.attacks.attack import AttackInfo
from privacy_component.hashing import mix
from privacy_component.observations.observations import Observations

# With fewer members or non-members than this to learn from, a fold's scores would say nothing.
FEWEST_TO_LEARN_FROM = 5


@dataclasses.dataclass(frozen=True, eq=False)
class FoldScores:
    """Scores and who made them.

    Attributes:
      scores: (n,) float64, higher = more likely a member.
      fold: (n,) small integers, which of the fitted attacks scored the row; -1 where none could be fitted, so that the
        row has no score.
      num_folds: how many were fitted; 1 for an attack that learns nothing.
    """

    scores: NDArray[np.float64]
    fold: NDArray[np.int8]
    num_folds: int


def fold_numbers(observations: Observations, num_folds: int, seed: int = 0) -> NDArray[np.int8]:
    """(n,) fold of each example, from a hash of its group, or of its id where there are no groups.

    All rows of a group are in one fold: who trains on a person's rows knows something about that person's others. The
    number depends on nothing but the hash, so every order, partition and retry of the data agrees.
    """
    unit = observations.example_id if observations.group_id is None else observations.group_id
    return (mix(unit, seed) % np.uint64(num_folds)).astype(np.int8)


def fold_scores(info: AttackInfo, observations: Observations, num_folds: int = 2, seed: int = 0) -> FoldScores:
    """Scores of all examples, each by an attack that was fitted on the other folds."""
    n = len(observations)
    observations = observations.only(info.needs)
    if not info.learns:
        return FoldScores(info.fit(observations).score(observations), np.zeros(n, np.int8), 1)
    assigned = fold_numbers(observations, num_folds, seed)
    scores, fold = np.zeros(n), np.full(n, -1, np.int8)
    for number in range(num_folds):
        held_out = assigned == number
        training = observations.select(~held_out)
        if min(training.num_members, training.num_non_members) < FEWEST_TO_LEARN_FROM or not held_out.any():
            continue
        scores[held_out] = info.fit(training).score(observations.select(held_out))
        fold[held_out] = number
    return FoldScores(scores, fold, num_folds)
