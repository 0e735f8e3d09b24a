"""What an attack is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from privacy_component.errors import PrivacyInputError
from privacy_component.observations.observations import Observations

BLACK_BOX = 'black box'
WHITE_BOX = 'white box'


class Attack(Protocol):
    """Learns from observations what separates members from non-members, and scores observations by it.

    An implementation is picklable, gives the same scores for the same rows in any order, and never looks at
    `is_member` or `group_id` in `score`.
    """

    def fit(self, observations: Observations) -> Attack:
        """The attack, ready to score."""
        ...

    def score(self, observations: Observations) -> NDArray[np.float64]:
        """(n,) finite float64; higher = more likely a member."""
        ...


@dataclasses.dataclass(frozen=True)
class AttackInfo:
    """An attack's line in the registry.

    Attributes:
      make: a new, unfitted attack.
      needs: columns of Observations that it reads: 'labels', 'outputs', 'signals.<name>'.
      access: what the attacker is assumed to have: 'black box' or 'white box'.
      cost: how its cost grows, in words.
      reference: authors, year, arXiv.
      tasks: the tasks it is defined for.
      learns: True if `fit` learns from memberships, so that scores must be made out of fold.
    """

    make: Callable[[], Attack]
    needs: tuple[str, ...]
    access: str
    cost: str
    reference: str
    tasks: tuple[str, ...]
    learns: bool = False


def check_needs(name: str, info: AttackInfo, observations: Observations) -> None:
    """Checks that an attack can run.

    Raises:
      PrivacyInputError: the task is not one of the attack's, or a column that it needs is missing; names both.
    """
    if observations.task not in info.tasks:
        raise PrivacyInputError(
            f"attack '{name}' is not defined for a {observations.task} model, only for {', '.join(info.tasks)}: leave "
            'it out of PrivacyConfig.attacks.'
        )
    for field in info.needs:
        if not observations.has(field):
            raise PrivacyInputError(
                f"attack '{name}' needs {field}, which is not there: provide it, or leave the attack out of "
                'PrivacyConfig.attacks.'
            )
