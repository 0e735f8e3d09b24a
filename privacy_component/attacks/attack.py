"""What an attack is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from privacy_component.errors import PrivacyInputError
from privacy_component.observations.needs import access_of, check_columns
from privacy_component.observations.observations import Observations

Parameter = bool | int | float | str


class Attack(Protocol):
    """Learns from observations what separates members from non-members, and scores observations by it.

    An implementation is picklable, gives the same scores for the same rows in any order, and never looks at
    `is_member` or `group_id` in `score`. It is given the columns that its AttackInfo names in `needs`, and no others.
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
      make: a new, unfitted attack; takes `parameters` as keyword arguments.
      needs: columns of Observations that it reads, of those in `observations.needs.NEEDS` or a signal's name.
      cost: how its cost grows, in words.
      reference: authors, year, arXiv.
      tasks: the tasks it is defined for.
      learns: True if `fit` learns from memberships, so that scores must be made out of fold.
      calibrates: True if `fit` learns from all examples together, though nothing of memberships, so that it is fitted
        once and not to every batch anew.
      fewest_references: reference models that it needs, where memberships in them are known.
      parameters: what a config may set, with the value that holds if it does not: a text, a number or a truth value.
    """

    make: Callable[..., Attack]
    needs: tuple[str, ...]
    cost: str
    reference: str
    tasks: tuple[str, ...]
    learns: bool = False
    calibrates: bool = False
    fewest_references: int = 0
    parameters: Mapping[str, Parameter] = dataclasses.field(default_factory=dict)

    @property
    def access(self) -> str:
        """What the attacker is assumed to have; follows from the needs."""
        return access_of(self.needs)

    @property
    def is_fitted_first(self) -> bool:
        """Whether a sample of all examples must have been drawn before any can be scored."""
        return self.learns or self.calibrates

    def fit(self, observations: Observations) -> Attack:
        """A new attack, fitted on what it needs of the observations."""
        return self.make().fit(observations.only(self.needs))


def check_needs(
    name: str, info: AttackInfo, task: str, available: Collection[str], reasons: Mapping[str, str] | None = None
) -> None:
    """Checks that an attack can run, before anything is computed for it.

    Args:
      name: the attack's name.
      info: its line in the registry.
      task: the model's.
      available: the columns of Observations that can be supplied.
      reasons: for columns that cannot, why not and what to do.

    Raises:
      PrivacyInputError: the task is not one of the attack's, or a column that it needs is missing; names both.
    """
    if task not in info.tasks:
        raise PrivacyInputError(
            f"attack '{name}' is not defined for a {task} model, only for {', '.join(info.tasks)}: leave it out of "
            'PrivacyConfig.attacks.'
        )
    check_columns(f"attack '{name}'", info.needs, available, reasons or {})
