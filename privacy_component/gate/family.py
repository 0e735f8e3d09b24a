"""What is judged together: one error rate for all questions, however many limits are held against each."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Generic, TypeVar

from privacy_component.config.thresholds import LEAK_SHOWN
from privacy_component.metrics.change import Change, Level

_Pair = TypeVar('_Pair')


@dataclasses.dataclass(frozen=True, eq=False)
class Question:
    """One figure of one attack on one slice by one rule, whatever limits it is held to.

    Limits on one figure are nested: what is above 0.9 is above 0.6. So one confidence limit at a level answers all of
    them at an error rate of that level, and they count once, whether they repeat one another or not.

    Attributes:
      figure: what is judged.
      block_if: the rule.
    """

    figure: Level | Change
    block_if: str
    _known: dict[tuple[str, float], float] = dataclasses.field(default_factory=dict)

    def bound(self, alpha: float) -> float:
        """The confidence limit that the rule looks at."""
        return self._once('lower' if self.block_if == LEAK_SHOWN else 'upper', alpha)

    def is_shown(self, limit: float, alpha: float) -> bool:
        """A leak above the limit, or for the other rule its absence, is shown at level alpha."""
        bound = self.bound(alpha)
        return bound > limit if self.block_if == LEAK_SHOWN else bound <= limit

    def is_hidden(self, limit: float, alpha: float) -> bool:
        """Whether a leak above the limit could have been shown, had scores not been rounded."""
        return self.block_if == LEAK_SHOWN and self._once('hidden', alpha) > limit

    def could_be_shown(self, limit: float, alpha: float) -> bool:
        """Whether the worst leak there is would block at level alpha: a limit that nothing can exceed is no check."""
        return self.block_if != LEAK_SHOWN or self._once('best', alpha) > limit or self._once('room', alpha) <= limit

    def _once(self, what: str, alpha: float) -> float:
        if (what, alpha) not in self._known:
            self._known[what, alpha] = getattr(self.figure, what)(alpha)
        return self._known[what, alpha]


@dataclasses.dataclass(frozen=True, eq=False)
class Family(Generic[_Pair]):
    """All that is judged together.

    Attributes:
      alpha: the error rate of all.
      size: how many questions could be answered, if each were the only one: a limit at the metric's largest value, or
        one that no data of this size could exceed, does not count and so does not dilute the others.
      decidable: those that can be answered among so many.
    """

    alpha: float
    size: int
    decidable: frozenset[_Pair]

    @property
    def level(self) -> float:
        """The error rate left for each."""
        return self.alpha / self.size


def family_of(pairs: Mapping[_Pair, tuple[Question, float]], alpha: float) -> Family[_Pair]:
    """What can be decided of pairs of a question and a limit; by sizes alone, but for a baseline without room."""
    alone = {pair: one for pair, one in pairs.items() if one[0].could_be_shown(one[1], alpha)}
    size = max(len({question for question, _ in alone.values()}), 1)
    decidable = (pair for pair, one in alone.items() if one[0].could_be_shown(one[1], alpha / size))
    return Family(alpha, size, frozenset(decidable))


def holm(pairs: Mapping[_Pair, tuple[Question, float]], alpha: float) -> tuple[dict[_Pair, float], float]:
    """What is shown at family-wise level alpha (Holm 1979), by the level of its step, and the level of the last step.

    Holm's procedure is Bonferroni's, repeated over what is left, until nothing more is shown. A question is left while
    any of its limits is. When the first true hypothesis is rejected, all questions with a true one are left; of each,
    the limit nearest to the truth is among the rejected, which happens at most as often as the level says.
    """
    shown: dict[_Pair, float] = {}
    # Limits only widen as the level falls, so what is not shown at alpha never is.
    open_ = {pair for pair, (question, limit) in pairs.items() if question.is_shown(limit, alpha)}
    never = {question for pair, (question, _) in pairs.items() if pair not in open_}
    while True:
        left = never | {pairs[pair][0] for pair in open_}
        level = alpha / max(len(left), 1)
        more = [pair for pair in open_ if pairs[pair][0].is_shown(pairs[pair][1], level)]
        if not more:
            return shown, level
        shown |= dict.fromkeys(more, level)
        open_ -= set(more)
