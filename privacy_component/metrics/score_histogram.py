"""Score histograms of members and non-members, and how far apart the two distributions of the model's answers are."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from privacy_component.metrics.counts import roc
from privacy_component.metrics.counts.keys import scores_of

NUM_BINS = 40
_TAIL = 0.005


@dataclasses.dataclass(frozen=True)
class ScoreHistogram:
    """How many members and non-members have a score in each of `NUM_BINS` bins of one width.

    The first and the last bin also hold what lies beyond them, at most half a percent of all examples on either side.

    Attributes:
      low, high: where the bins begin and end, in the attack's own unit; rounded, so that no example's score is told.
      members, non_members: counts, by ascending score.
    """

    low: float
    high: float
    members: tuple[int, ...]
    non_members: tuple[int, ...]

    @property
    def edges(self) -> NDArray[np.float64]:
        """(NUM_BINS + 1,) where the bins begin and end."""
        return np.linspace(self.low, self.high, len(self.members) + 1)

    def cumulative(self) -> NDArray[np.float64]:
        """(2, NUM_BINS + 1): the share of members, and of non-members, below each edge."""
        sides = np.array([self.members, self.non_members], np.int64)
        below = np.concatenate([np.zeros((2, 1)), np.cumsum(sides, axis=1)], axis=1)
        return below / np.maximum(below[:, -1:], 1)


@dataclasses.dataclass(frozen=True, eq=False)
class GapCurve:
    """Two cumulative distributions of one property of the model's answers (Nasr, Shokri and Houmansadr 2018).

    Source: arXiv 1807.05852, section 5.3: prediction confidence and normalised entropy of members and non-members.

    Attributes:
      at: (t,) ascending, in [0, 1]: the confidence in the label, or the entropy as a share of the largest possible.
      members, non_members: (t,) the share of examples with at most that much.
      max_gap: the largest distance of the two distributions, over all distinct values.
      mean_gap: the mean distance over [0, 1], in steps of a bin.
    """

    at: NDArray[np.float64]
    members: NDArray[np.float64]
    non_members: NDArray[np.float64]
    max_gap: float
    mean_gap: float


def score_histogram(folds: Sequence[roc.RocCounts]) -> ScoreHistogram:
    """The histogram of all folds' scores together.

    Args:
      folds: counts with examples on either side in all of them together.
    """
    counts = folds[0] if len(folds) == 1 else roc.merge(folds)
    scores = scores_of(counts.keys)
    low, high = _range(scores, counts)
    place = np.clip(scores, low, high, out=scores)
    place -= low
    place /= high - low
    place *= NUM_BINS
    bins = np.minimum(place.astype(np.int8), NUM_BINS - 1)
    first = np.searchsorted(bins, np.arange(NUM_BINS + 1, dtype=np.int8))  # scores ascend, and bins with them
    return ScoreHistogram(low, high, _counted(first, counts.members), _counted(first, counts.non_members))


def gap_curve(histogram: ScoreHistogram, max_gap: float, largest: float) -> GapCurve:
    """The distributions of a property that an attack scores.

    Args:
      histogram: of the attack's scores.
      max_gap: the Kolmogorov-Smirnov distance of all its scores.
      largest: the property's largest possible value; negative where a low value is a high score, as with the entropy.
    """
    at, below = histogram.edges / largest, histogram.cumulative()
    if largest < 0:
        at, below = at[::-1], 1 - below[:, ::-1]
    at = np.clip(at, 0.0, 1.0)
    distances = np.abs(below[0] - below[1])
    mean = float(np.sum((distances[1:] + distances[:-1]) / 2 * np.diff(at)))
    return GapCurve(at, below[0], below[1], max_gap, mean)


def _range(scores: NDArray[np.float64], counts: roc.RocCounts) -> tuple[float, float]:
    """Where all but the outermost of ascending scores are, rounded outwards to a hundredth of it or a little more."""
    finite = slice(np.searchsorted(scores, -np.inf, side='right'), np.searchsorted(scores, np.inf))
    scores = scores[finite]
    if not len(scores):
        return 0.0, 1.0
    below = np.add(counts.members[finite], counts.non_members[finite], dtype=np.int64)
    np.cumsum(below, out=below)
    last = len(below) - 1
    ranks = (math.ceil(at * int(below[-1])) for at in (_TAIL, 1 - _TAIL))
    low, high = (float(scores[min(int(np.searchsorted(below, rank)), last)]) for rank in ranks)
    smallest = max(abs(low), abs(high), 1e-9) * 1e-6
    unit = 10.0 ** np.floor(np.log10(max(high - low, smallest)) - 1)
    low, high = float(np.floor(low / unit) * unit), float(np.ceil(high / unit) * unit)
    return (low, high) if high > low else (low, low + float(unit))


def _counted(first: NDArray[np.int64], examples: NDArray) -> tuple[int, ...]:
    """How many examples (k,) are in each bin, given where bins begin."""
    return tuple(int(examples[a:b].sum(dtype=np.int64)) for a, b in itertools.pairwise(first))
