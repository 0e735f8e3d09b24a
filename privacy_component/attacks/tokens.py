"""Attacks on models of sequences: how likely a sequence's tokens are, its least likely ones, and since when."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray

from privacy_component.attacks.attack import AttackInfo
from privacy_component.observations.needs import MIN_K, TOKEN_LOSS, TOKEN_LOSS_CHANGE
from privacy_component.observations.observations import REGRESSION, Observations


@dataclasses.dataclass(frozen=True)
class ColumnAttack:
    """A column as it is.

    Attributes:
      column: its name.
      sign: +1 where members tend to have more of it, -1 where less.
    """

    column: str
    sign: int

    def fit(self, observations: Observations) -> ColumnAttack:
        """Nothing to learn."""
        return self

    def score(self, observations: Observations) -> NDArray[np.float64]:
        """(n,), higher = more likely a member."""
        return self.sign * observations.columns[self.column].astype(np.float64)


def token_loss_attack() -> AttackInfo:
    """A sequence of likely tokens was probably trained on."""
    return _info(TOKEN_LOSS, -1, 'Carlini et al. 2021, arXiv 2012.07805, section 5')


def min_k_attack() -> AttackInfo:
    """A sequence without very unlikely tokens was probably trained on."""
    return _info(MIN_K, +1, 'Shi et al. 2024, arXiv 2310.16789')


def token_loss_change_attack() -> AttackInfo:
    """A sequence that has become likelier than an earlier state, or another model, has it was probably trained on."""
    return _info(TOKEN_LOSS_CHANGE, +1, 'Carlini et al. 2021, arXiv 2012.07805, section 5')


def _info(column: str, sign: int, reference: str) -> AttackInfo:
    return AttackInfo(
        make=functools.partial(ColumnAttack, column, sign),
        needs=(column,),
        cost='n times length, nothing to train',
        reference=reference,
        tasks=(REGRESSION,),
    )
