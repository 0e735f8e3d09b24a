"""What a threshold judges: a metric of a model, or its change from a baseline; limits are wrong at most alpha often."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from privacy_component.metrics.counts import roc
from privacy_component.metrics.counts.joint import JointCounts, key_ranks, sorted_key_ranks
from privacy_component.metrics.counts.sides import exact_dot
from privacy_component.metrics.curve import FOLD_EFFECT, RocCurve, perfect, summarize_folds, used_folds
from privacy_component.metrics.registry import UNSUPPORTED, Estimate, Metric, error_rates

PAIRED = 'paired'
TWO_LIMITS = 'two limits'


@dataclasses.dataclass(frozen=True, eq=False)
class Baseline:
    """What the same attack finds in the baseline model on the same examples.

    Attributes:
      curve: its ROC at fixed ranks.
      auc_change_error: the standard error of AUC(candidate) - AUC(baseline); None if it was not asked for.
    """

    curve: RocCurve
    auc_change_error: float | None = None

    @classmethod
    def of(
        cls,
        folds: Sequence[roc.RocCounts],
        joint: Sequence[JointCounts] | None,
        metrics: Sequence[Metric],
        design_effect: float = 1.0,
        change_effect: float = 1.0,
    ) -> Baseline | None:
        """From the counts of each fold; None where a side has no examples.

        Args:
          folds: of the baseline's scores.
          joint: of both models' scores together; None if no limit needs them.
          metrics: what will be judged.
          design_effect: by how much dependence between rows of one group inflates variances.
          change_effect: the same for the change of the AUC.
        """
        curve = summarize_folds(folds, error_rates(metrics), design_effect)
        if curve is None:
            return None
        return cls(curve, None if joint is None else auc_change_error(joint, change_effect))


@dataclasses.dataclass(frozen=True, eq=False)
class Level:
    """A metric of one model.

    Attributes:
      metric: which figure; one that has a lower limit.
      curve: the ROC that it is read from.
    """

    metric: Metric
    curve: RocCurve

    def is_supported(self) -> bool:
        """True if the examples are enough for the metric."""
        return self.metric.is_supported(self.curve)

    def lower(self, alpha: float) -> float:
        """Lower limit."""
        assert self.metric.lower is not None
        return self.metric.lower(self.curve, alpha)

    def upper(self, alpha: float) -> float:
        """Upper limit."""
        assert self.metric.upper is not None
        return self.metric.upper(self.curve, alpha)

    def best(self, alpha: float) -> float:
        """The lower limit that a perfect attack would have."""
        return Level(self.metric, perfect(self.curve)).lower(alpha)

    def hidden(self, alpha: float) -> float:
        """The highest lower limit that full scores could have had; minus infinity where these were counted."""
        assert self.metric.lower is not None
        return max((self.metric.lower(one, alpha) for one in self.curve.orders), default=-np.inf)

    def room(self, alpha: float) -> float:
        """What the truth is sure to be at most; infinite, because nothing is known of a model by itself."""
        return np.inf


@dataclasses.dataclass(frozen=True, eq=False)
class Change:
    """A metric's change from the baseline to the candidate.

    Attributes:
      metric: which figure; one that has both limits.
      curve: the candidate's.
      baseline: on the same examples.
    """

    metric: Metric
    curve: RocCurve
    baseline: Baseline

    @property
    def method(self) -> str:
        """How the limits are made: 'paired', for the AUC, or 'two limits', one of either model."""
        return PAIRED if self._paired_error is not None else TWO_LIMITS

    @property
    def value(self) -> float:
        """Candidate less baseline; positive where the candidate leaks more."""
        return self.metric.value(self.curve) - self.metric.value(self.baseline.curve)

    def is_supported(self) -> bool:
        """True if both models' figures are."""
        return all(self.metric.is_supported(curve) for curve in (self.curve, self.baseline.curve))

    def lower(self, alpha: float) -> float:
        """Lower limit of the change."""
        if self._paired_error is not None:
            return max(-1.0, self.value - self._half_width(self._paired_error, alpha))
        assert self.metric.lower is not None and self.metric.upper is not None
        return self.metric.lower(self.curve, alpha / 2) - self.metric.upper(self.baseline.curve, alpha / 2)

    def upper(self, alpha: float) -> float:
        """Upper limit of the change; an AUC of the candidate's below 0.5 counts as 0.5, as in `auc_upper`."""
        if self._paired_error is not None:
            value = max(self.curve.auc, 0.5) - self.baseline.curve.auc
            return min(1.0, value + self._half_width(self._paired_error, alpha))
        assert self.metric.lower is not None and self.metric.upper is not None
        return self.metric.upper(self.curve, alpha / 2) - self.metric.lower(self.baseline.curve, alpha / 2)

    def estimate(self, confidence_level: float) -> Estimate:
        """The change with its two-sided interval."""
        if not self.is_supported():
            return UNSUPPORTED
        alpha = (1 - confidence_level) / 2
        return Estimate(self.value, self.lower(alpha), self.upper(alpha))

    def hidden(self, alpha: float) -> float:
        """The highest lower limit that full scores could have had; minus infinity where these were counted."""
        ours, theirs = (_extremes(curve) for curve in (self.curve, self.baseline.curve))
        if len(ours) == len(theirs) == 1:
            return -np.inf
        changes = (
            Change(self.metric, one, dataclasses.replace(self.baseline, curve=other))
            for one in ours
            for other in theirs
        )
        return max(change.lower(alpha) for change in changes)

    def room(self, alpha: float) -> float:
        """The most that the candidate can be above the baseline, which may leak so much that there is little left."""
        assert self.metric.lower is not None and self.metric.largest is not None
        return self.metric.largest - self.metric.lower(self.baseline.curve, alpha)

    def best(self, alpha: float) -> float:
        """The lower limit that a perfect attack on the candidate would have."""
        # Against a perfect candidate only the baseline's placements vary.
        error = None if self._paired_error is None else self.baseline.curve.auc_standard_error
        worst = Change(self.metric, perfect(self.curve), dataclasses.replace(self.baseline, auc_change_error=error))
        return worst.lower(alpha)

    @property
    def _paired_error(self) -> float | None:
        return self.baseline.auc_change_error if self.metric.name == 'auc' else None

    def _half_width(self, standard_error: float, alpha: float) -> float:
        """Of DeLong's paired interval, widened for what so few examples need not have shown.

        Two models can differ on few examples, of which a sample may have none: the standard error is then 0, and too
        small where it has one or two. An example moves an AUC by at most 1 / n, so these are treated as a Poisson
        count's score interval treats them (Bernstein's inequality has the same form); -log(alpha) is exact for none.
        """
        sizes = (min(c.num_members, c.num_non_members) / c.design_effect for c in (self.curve, self.baseline.curve))
        z = float(ndtri(1 - alpha))
        unseen = max(z * z, -float(np.log(alpha))) / (2 * min(sizes))
        rounding = self.curve.auc_error + self.baseline.curve.auc_error
        return unseen + float(np.hypot(z * standard_error, unseen)) + rounding


def _extremes(curve: RocCurve) -> tuple[RocCurve, ...]:
    """The curve without what cutting scores may have hidden, or the ROCs between which that of full scores lies."""
    return curve.orders or (curve,)


def auc_change_error(folds: Sequence[JointCounts], design_effect: float = 1.0) -> float:
    """The standard error of the change of an attack's AUC from baseline to candidate.

    Args:
      folds: the counts of each fold; how several become one is as for `curve.summarize_folds`.
      design_effect: by how much dependence between rows of one group inflates the variance.
    """
    used = used_folds(folds)
    if len(used) < 2:
        return float(np.sqrt(design_effect)) * sum(map(_standard_error, used))
    mean = np.mean([_standard_error(fold) for fold in used]) / np.sqrt(len(used))
    return float(mean * np.sqrt(design_effect * FOLD_EFFECT))


def _standard_error(counts: JointCounts) -> float:
    """Of AUC(candidate) - AUC(baseline); 0 for fewer than two examples on either side or for models that rank alike.

    The variance of paired differences of placements (DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44, eq. 7, for
    the contrast of two AUCs). What cutting scores to leading bits may have hidden is added: a standard error is a
    Euclidean length, so that of the full scores is at most that of the cut ones plus that of what was cut off.
    """
    m, n = counts.num_members, counts.num_non_members
    if min(m, n) < 2:
        return 0.0
    ranks = [sorted_key_ranks(counts.candidate), key_ranks(counts.baseline)]  # the candidate's are in order
    squared, hidden = 0.0, 0.0
    for own, others, size, num_others in (
        (counts.members, counts.non_members, m, n),
        (counts.non_members, counts.members, n, m),
    ):
        at_rank = [np.bincount(one, weights=others).astype(np.int64) for one in ranks]
        below = [(2 * np.cumsum(tied) - tied)[one] for one, tied in zip(ranks, at_rank, strict=True)]
        difference = below[0] - below[1]
        mean = exact_dot(own, difference, 2 * size * num_others) / size
        scale = 4 * num_others * num_others * size * (size - 1)
        squared += float(own @ (difference - mean) ** 2) / scale
        if counts.bits < 64:
            tied = at_rank[0][ranks[0]] + at_rank[1][ranks[1]]
            hidden += float(own @ tied.astype(np.float64) ** 2) / scale
    return float(np.sqrt(squared) + np.sqrt(hidden))
