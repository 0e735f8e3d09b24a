"""What a check is: it looks at the evidence and says what it found; the configuration says what becomes of that."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from privacy_component.checks.evidence import Evidence

WARN, REFUSE, OFF = 'warn', 'refuse', 'off'
ACTIONS = (WARN, REFUSE, OFF)

OK, WARNING, REFUSED, NOT_RUN = 'ok', 'warning', 'refused', 'not_run'


@dataclasses.dataclass(frozen=True)
class Check:
    """Whether one thing that would make the measurement unsound was found.

    Attributes:
      name: in the registry.
      status: 'ok', 'warning', 'refused' (the model is not blessed), or 'not_run'.
      message: what was found, or why it was not run; sentences.
      figures: the numbers behind it.
    """

    name: str
    status: str
    message: str
    figures: Mapping[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
      is_unsound: whether it is past the check's threshold.
      message: what was found; sentences.
      figures: the numbers behind it.
    """

    is_unsound: bool
    message: str
    figures: Mapping[str, float] = dataclasses.field(default_factory=dict)


class DoesNotApply(str):
    """Why a check has nothing to look at in this task; not a want of evidence."""


class Incomplete(str):
    """Why a check did not see all that was scored: unsound until it has, as the rest may be what it looks for."""


@dataclasses.dataclass(frozen=True)
class CheckInfo:
    """The registry's line for a check.

    Attributes:
      look: the evidence -> a finding, or why there is none.
      default: 'warn' or 'refuse'.
      meaning: what a finding does to the figures, for the report.
    """

    look: Callable[[Evidence], Finding | str]
    default: str
    meaning: str
