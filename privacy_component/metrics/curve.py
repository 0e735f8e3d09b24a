"""RocCurve: the few hundred integers of an ROC from which every figure and every bound follows.

The counts of all distinct scores can be large; a result has to be small enough to be stored with every slice, and rich
enough to be judged again later at any confidence level. So the staircase is kept at fixed ranks: a threshold at a fixed
rank of one side's scores is chosen without looking at the other side, which is what makes the bounds valid.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from privacy_component.errors import PrivacyInputError
from privacy_component.metrics import rates
from privacy_component.metrics.counts import roc

# Where epsilon, mu and advantage are bounded.
FIXED_RATES = (0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.65, 0.8)

# By how much the scores of other folds' attackers inflate variances; see `summarize_folds`.
FOLD_EFFECT = 2.0

_RANK_RATIO = 1.15
_DEVIATIONS = np.arange(-12, 13) / 2


class _HasSides(Protocol):
    @property
    def num_members(self) -> int: ...

    @property
    def num_non_members(self) -> int: ...


_Folded = TypeVar('_Folded', bound=_HasSides)


@dataclasses.dataclass(frozen=True, eq=False)
class RocCurve:
    """What is kept of one attack on one slice.

    Attributes:
      num_members, num_non_members: how many examples were scored.
      false_positives, true_positives: (t,) int64, ascending: how many non-members and members the t kept thresholds
        flag, from none to all.
      auc: P(a member's score > a non-member's), ties half; from all distinct scores.
      auc_standard_error: its standard error.
      advantage: max(TPR - FPR) over all distinct scores.
      two_sided_advantage: max |TPR - FPR|, the Kolmogorov-Smirnov distance.
      max_ppv: TF Privacy's largest positive predictive value.
      design_effect: by how much dependence between scores inflates variances; 1 for independent scores. Bounds on rates
        count num / design_effect examples.
      auc_error: how far the AUC can be off because scores were cut to their leading bits; 0 for full scores.
      orders: the ROCs between which that of the full scores lies; see `roc.orders`. Every limit of a metric is the
        widest of those of all of them.
    """

    num_members: int
    num_non_members: int
    false_positives: NDArray[np.int64]
    true_positives: NDArray[np.int64]
    auc: float
    auc_standard_error: float
    advantage: float
    two_sided_advantage: float
    max_ppv: float
    design_effect: float = 1.0
    auc_error: float = 0.0
    orders: tuple[RocCurve, ...] = ()

    def at_rank(self, rank: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """False and true positives of the last kept threshold that flags at most `rank` non-members; any shape."""
        last = np.searchsorted(self.false_positives, rank, side='right') - 1
        return self.false_positives[last], self.true_positives[last]

    def true_positives_at(self, false_positives: int) -> int:
        """Most members flagged by a kept threshold that flags at most this many non-members."""
        return int(self.at_rank(false_positives)[1])

    def true_positives_beyond(self, false_positives: int) -> int:
        """Fewest members flagged by a kept threshold that flags at least this many non-members."""
        first = np.searchsorted(self.false_positives, false_positives, side='left')
        return int(self.true_positives[first])

    def mirrored(self) -> RocCurve:
        """The same thresholds, read as an attack that points out non-members."""
        return dataclasses.replace(
            self,
            num_members=self.num_non_members,
            num_non_members=self.num_members,
            false_positives=(self.num_members - self.true_positives)[::-1],
            true_positives=(self.num_non_members - self.false_positives)[::-1],
            orders=tuple(one.mirrored() for one in self.orders),
        )

    def reversed(self) -> RocCurve:
        """The attack that takes a low score for a member's; `advantage` and `max_ppv` stay those of the original."""
        return dataclasses.replace(
            self,
            false_positives=(self.num_non_members - self.false_positives)[::-1],
            true_positives=(self.num_members - self.true_positives)[::-1],
            auc=1 - self.auc,
            orders=tuple(one.reversed() for one in self.orders),
        )


def perfect(curve: RocCurve) -> RocCurve:
    """What an attack that makes no mistake would give on as many examples."""
    m, n = curve.num_members, curve.num_non_members
    return dataclasses.replace(
        curve,
        false_positives=np.array([0, 0, n]),
        true_positives=np.array([0, m, m]),
        auc=1.0,
        auc_standard_error=0.0,
        advantage=1.0,
        two_sided_advantage=1.0,
        max_ppv=1.0,
        orders=(),
    )


def at_chance(num: int, error_rates: Iterable[float] = ()) -> RocCurve:
    """What an attack that knows nothing would give on `num` members and as many non-members if chance had no part.

    The same as `summarize` of `num` distinct scores with one member and one non-member each, without counting them.
    """
    ranks = _ranks(num, tuple(error_rates))
    ranks = np.union1d(ranks, num - ranks)
    return RocCurve(
        num_members=num,
        num_non_members=num,
        false_positives=ranks,
        true_positives=ranks,
        auc=0.5,
        auc_standard_error=float(np.sqrt((num + 1) / 6) / num),
        advantage=0.0,
        two_sided_advantage=0.0,
        max_ppv=0.5,
    )


def summarize(counts: roc.RocCounts, error_rates: Iterable[float] = ()) -> RocCurve:
    """The RocCurve of counts; keeps the ranks of the given rates, of either side's errors, exactly.

    Raises:
      PrivacyInputError: a side has no examples.
    """
    m, n = counts.num_members, counts.num_non_members
    if min(m, n) == 0:
        raise PrivacyInputError(f'there are {m} members and {n} non-members: an ROC needs some of either.')
    rates_kept = tuple(error_rates)
    between = tuple(_summarized(one, rates_kept) for one in roc.orders(counts))
    return dataclasses.replace(_summarized(counts, rates_kept), orders=between)


def _summarized(counts: roc.RocCounts, rates_kept: Sequence[float]) -> RocCurve:
    """The RocCurve of counts as they are."""
    m, n = counts.num_members, counts.num_non_members
    fp, tp = roc.staircase(counts)
    kept = np.union1d(_around(fp, _ranks(n, rates_kept)), _around(tp, m - _ranks(m, rates_kept)))
    auc, variance = roc.auc_and_variance(counts, fp, tp)
    advantage = rates.largest_difference(fp, tp)
    return RocCurve(
        num_members=m,
        num_non_members=n,
        false_positives=fp[kept].astype(np.int64),
        true_positives=tp[kept].astype(np.int64),
        auc=auc,
        auc_standard_error=float(np.sqrt(variance)),
        advantage=advantage,
        two_sided_advantage=max(advantage, rates.largest_difference(tp, fp)),
        max_ppv=rates.max_ppv_of_staircase(counts, fp, tp),
        auc_error=roc.auc_error_bound(counts),
    )


def summarize_folds(
    folds: Sequence[roc.RocCounts], error_rates: Iterable[float] = (), design_effect: float = 1.0
) -> RocCurve | None:
    """The RocCurve of an attack whose scores come from one or more folds; None if no fold has examples on either side.

    Scores of different folds depend on one another through the attackers, each of which was trained on the other
    folds. Without a leak, a pair of examples of two folds counts twice, once with either as the one trained on, and so
    the variance of the mean over folds is twice that of independent folds, however many there are; simulations of
    linear, nearest-neighbour and tree attackers give 1.2 to 2.2. So the AUC is the mean of the folds' AUCs with twice
    the variance (for two folds, the mean of their standard errors), and in rates examples count half.

    For rates, each fold's scores become the share of its examples below them, so that attackers on different scales can
    be pooled.

    Args:
      folds: the counts of each fold; those with fewer than two examples on either side are left out if there are
        several.
      error_rates: rates of false positives or false negatives whose ranks are kept exactly.
      design_effect: by how much dependence between rows of one group inflates variances; see `clusters`.
    """
    used = used_folds(folds)
    if not used:
        return None
    rates_kept = tuple(error_rates)
    between = (
        () if all(fold.bits == 64 for fold in used) else zip(*(roc.orders(f) or (f, f) for f in used), strict=True)
    )
    curve = _of_folds(used, rates_kept, design_effect)
    return dataclasses.replace(curve, orders=tuple(_of_folds(folds, rates_kept, design_effect) for folds in between))


def _of_folds(used: Sequence[roc.RocCounts], rates_kept: Sequence[float], design_effect: float) -> RocCurve:
    """The RocCurve of folds as they are."""
    if len(used) == 1:
        return _inflated(_summarized(used[0], rates_kept), design_effect)
    pooled = _summarized(roc.merge([roc.calibrated(fold) for fold in used]), rates_kept)
    parts = [roc.auc_and_variance(fold, *roc.staircase(fold)) for fold in used]
    mean_error = np.mean([np.sqrt(variance) for _, variance in parts]) / np.sqrt(len(used))
    curve = dataclasses.replace(
        pooled,
        auc=float(np.mean([auc for auc, _ in parts])),
        auc_standard_error=float(mean_error),
        auc_error=float(np.mean([roc.auc_error_bound(fold) for fold in used])),
    )
    return _inflated(curve, design_effect * FOLD_EFFECT)


def used_folds(folds: Sequence[_Folded]) -> list[_Folded]:
    """The folds with examples on either side; where there are several, with two at least."""
    least = 1 if len(folds) == 1 else 2
    return [fold for fold in folds if min(fold.num_members, fold.num_non_members) >= least]


def _inflated(curve: RocCurve, design_effect: float) -> RocCurve:
    return dataclasses.replace(
        curve,
        auc_standard_error=curve.auc_standard_error * float(np.sqrt(design_effect)),
        design_effect=curve.design_effect * design_effect,
    )


def rank_at(rate: float, total: int) -> int:
    """The most examples of `total` that are at most `rate` of them."""
    return int(np.floor(rate * total + 1e-9))


def _ranks(total: int, rates: Sequence[float]) -> NDArray[np.int64]:
    """0, 1, 2, ... growing by _RANK_RATIO up to the middle, mirrored above it, and those that bounds will ask for."""
    steps = np.arange(int(np.log(max(total, 2)) / np.log(_RANK_RATIO)) + 2)
    low = np.unique(np.minimum(np.round(_RANK_RATIO**steps), total // 2))
    fixed = [rank_at(rate, total) for rate in FIXED_RATES]
    exact = ((rank, total - rank) for rank in (rank_at(rate, total) for rate in rates))
    wanted = [np.concatenate([both, _neighbours(rate, total)]) for both, rate in zip(exact, rates, strict=True)]
    ranks = np.concatenate([[0], low, total - low, [total], fixed, *wanted])
    return np.unique(np.clip(ranks, 0, total)).astype(np.int64)


def _neighbours(rate: float, total: int) -> NDArray[np.float64]:
    """Ranks around a rate's, in steps of half a standard deviation: a limit's rank depends on its level."""
    return np.floor(rate * total + _DEVIATIONS * np.sqrt(rate * (1 - rate) * total))


def _around(staircase: NDArray[np.integer], ranks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions of the last step at or below and the first at or above each rank."""
    ranks = ranks.astype(staircase.dtype)  # the other way round the whole staircase would be converted
    last = np.searchsorted(staircase, ranks, side='right') - 1
    first = np.searchsorted(staircase, ranks, side='left')
    return np.union1d(last, first)
