"""The audit of a training that can be run many times: with a canary and without, and guessed which it was.

What one run with many canaries shows costs one training; this costs as many as there are guesses, and sees no ceiling
but their number.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.confidence import clopper_pearson_lower, clopper_pearson_upper

FEWEST_RUNS = 20


@dataclasses.dataclass(frozen=True)
class RepeatedAudit:
    """What repeated runs show.

    Attributes:
      lower_bound: the epsilon that is shown at `confidence_level`; 0 if none.
      ceiling: what it would be if every guess of the second half were right.
      num_with, num_without: runs of the second half, which the bound is of, with the canary and without it.
      caught, wrongly_caught: how many of each were guessed to be with it.
      confidence_level: one minus the probability that the bound is above the true epsilon.
      delta: of (epsilon, delta)-differential privacy.
    """

    lower_bound: float
    ceiling: float
    num_with: int
    num_without: int
    caught: int
    wrongly_caught: int
    confidence_level: float
    delta: float


def audit_runs(
    scores: ArrayLike, has_canary: ArrayLike, *, delta: float, confidence_level: float = 0.95
) -> RepeatedAudit:
    """Audits a training procedure by independent runs of it (Jagielski, Ullman and Oprea 2020, arXiv 2006.07709).

    The first half of the runs of either kind, in the order given, chooses the threshold and which of the two errors is
    the rare one; the second half is counted, with Clopper-Pearson limits.

    Args:
      scores: (k,) one finite number of each run, higher = more likely with the canary; where a run has several
        canaries, their sum or mean.
      has_canary: (k,) bool; at least 20 runs of each kind.
      delta: of the claim, in [0, 1).
      confidence_level: one minus the probability that the bound is above the true epsilon.

    Raises:
      PrivacyInputError: an argument cannot be used.
    """
    values, inside = _columns(scores, has_canary)
    if not 0 <= delta < 1 or not 0.5 < confidence_level < 1:
        raise PrivacyInputError(
            f'delta is {delta!r} and confidence_level {confidence_level!r}; give one in [0, 1) and one in (0.5, 1).'
        )
    (with_first, with_second), (without_first, without_second) = (_halves(values[side]) for side in (inside, ~inside))
    threshold, is_flipped = _chosen(with_first, without_first, confidence_level, delta)
    caught, wrongly = (int(np.count_nonzero(side >= threshold)) for side in (with_second, without_second))
    sizes = (len(with_second), len(without_second))
    return RepeatedAudit(
        lower_bound=_bound(caught, wrongly, sizes, is_flipped, confidence_level, delta),
        ceiling=_bound(sizes[0], 0, sizes, is_flipped, confidence_level, delta),
        num_with=sizes[0],
        num_without=sizes[1],
        caught=caught,
        wrongly_caught=wrongly,
        confidence_level=confidence_level,
        delta=delta,
    )


def _columns(scores: ArrayLike, has_canary: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    try:
        values, inside = np.asarray(scores, np.float64), np.asarray(has_canary)
    except (TypeError, ValueError) as error:
        raise PrivacyInputError('scores of runs are not numbers: give one for each run.') from error
    if values.ndim != 1 or inside.shape != values.shape or inside.dtype != bool or not np.isfinite(values).all():
        raise PrivacyInputError(
            f'scores has shape {values.shape}, has_canary {inside.shape} and type {inside.dtype}: give one finite '
            'number and one of True and False for each run.'
        )
    smaller = int(min(np.count_nonzero(inside), np.count_nonzero(~inside)))
    if smaller < FEWEST_RUNS:
        raise PrivacyInputError(
            f'there are {smaller} runs of one kind; {FEWEST_RUNS} or more with the canary and as many without are '
            'needed, half of them to choose a threshold.'
        )
    return values, inside


def _halves(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return values[: len(values) // 2], values[len(values) // 2 :]


def _chosen(
    inside: NDArray[np.float64], outside: NDArray[np.float64], confidence_level: float, delta: float
) -> tuple[float, bool]:
    """The threshold, and whether the error that counts is that of runs without the canary, by the first half alone."""
    sizes = (len(inside), len(outside))
    choices = [(float(value), is_flipped) for value in np.unique([*inside, *outside]) for is_flipped in (False, True)]

    def shown(choice: tuple[float, bool]) -> float:
        caught, wrongly = (int(np.count_nonzero(side >= choice[0])) for side in (inside, outside))
        return _bound(caught, wrongly, sizes, choice[1], confidence_level, delta)

    return max(choices, key=shown)


def _bound(
    caught: int, wrongly: int, sizes: tuple[int, int], is_flipped: bool, confidence_level: float, delta: float
) -> float:
    """log((TPR - delta) / FPR), or of their complements, with a limit of either at half of the error."""
    alpha = (1 - confidence_level) / 2
    hits, misses = (caught, wrongly) if not is_flipped else (sizes[1] - wrongly, sizes[0] - caught)
    num_hits, num_misses = sizes if not is_flipped else sizes[::-1]
    low = float(clopper_pearson_lower(hits, num_hits, alpha)) - delta
    high = float(clopper_pearson_upper(misses, num_misses, alpha))
    return max(math.log(low / high), 0.0) if low > 0 else 0.0
