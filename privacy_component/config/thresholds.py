"""Thresholds: limits on what an attack may achieve, and the rule by which they block."""

from __future__ import annotations

import dataclasses
from typing import Any

from privacy_component.config.attack_names import AttackNames
from privacy_component.config.declared import declare, settle
from privacy_component.config.rules import Choice, Each, Number, OrNone
from privacy_component.config.settings import BLOCK, WARN
from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.registry import METRICS, RATED, Metric, metric_named
from privacy_component.observations.slicing import SlicingSpec

LEAK_SHOWN = 'leak_shown'
SAFETY_NOT_SHOWN = 'safety_not_shown'
_RATE = r'(?:\d*\.\d+|\d+\.?)(?:[eE]-\d+)?'


class _Metric:
    """A metric that can be gated on, kept under the name that results have, however it was written."""

    def checked(self, path: str, value: Any) -> str:
        return metric_named(value).name

    def schema(self) -> dict[str, Any]:
        names = [name for name, metric in METRICS.items() if metric.lower is not None]
        rated = {'type': 'string', 'pattern': f'^(?:{"|".join(RATED)}){_RATE}$'}
        return {'anyOf': [{'enum': names}, rated]}


@dataclasses.dataclass(frozen=True)
class Threshold:
    """A limit that a leaky model exceeds.

    Attributes:
      metric: 'auc', 'advantage', 'tpr_at_fpr_0.01', ...
      upper_bound: the largest value that may be shipped.
      absolute: in its place, the largest rise over the baseline model that may be shipped, as in
        tfma.GenericChangeThreshold. `relative` and `direction` are left out: guessing has an AUC of 0.5, so the ratio
        of two says little, and less leakage is always better.
      attacks: the attacks it holds for; empty for all.
      slicing_specs: the slices it holds for; empty for all. A slice named by its feature values must exist and be large
        enough to decide, or there is no blessing; one found through feature_keys that is too small is listed.
      block_if: 'leak_shown' blocks when the metric's lower confidence limit is above upper_bound; 'safety_not_shown'
        blocks unless the upper confidence limit is below it. Limits are corrected for the number of comparisons. For a
        change, the limits are those of the change.
      if_undecided: 'block' refuses a blessing where there are too few examples to decide on a slice that has to be
        decided: all examples, or one named by its feature values. 'warn' leaves the decision to the other thresholds
        there and says so; meant for a limit at a rate that only large data sets support, beside others.
    """

    metric: str = dataclasses.field(metadata=declare(_Metric()))
    upper_bound: float | None = dataclasses.field(default=None, metadata=declare(OrNone(Number(0))))
    attacks: tuple[str, ...] = dataclasses.field(default=(), metadata=declare(AttackNames()))
    slicing_specs: tuple[SlicingSpec, ...] = dataclasses.field(default=(), metadata=declare(Each(SlicingSpec)))
    block_if: str = dataclasses.field(default=LEAK_SHOWN, metadata=declare(Choice((LEAK_SHOWN, SAFETY_NOT_SHOWN))))
    absolute: float | None = dataclasses.field(default=None, metadata=declare(OrNone(Number(0))))
    if_undecided: str = dataclasses.field(default=BLOCK, metadata=declare(Choice((BLOCK, WARN))))

    def __post_init__(self) -> None:
        settle(self, 'Threshold')
        metric = metric_named(self.metric)
        self._check_bound(metric)
        if self.block_if == SAFETY_NOT_SHOWN and metric.upper is None:
            raise PrivacyInputError(
                f"Threshold.block_if is '{SAFETY_NOT_SHOWN}' but '{self.metric}' has no upper confidence limit: "
                f"use block_if='{LEAK_SHOWN}' or another metric."
            )

    @property
    def is_change(self) -> bool:
        """True if it limits the rise over a baseline model."""
        return self.absolute is not None

    @property
    def limit(self) -> float:
        """upper_bound or absolute, whichever it has."""
        limit = self.upper_bound if self.absolute is None else self.absolute
        assert limit is not None
        return limit

    def _check_bound(self, metric: Metric) -> None:
        if (self.upper_bound is None) == (self.absolute is None):
            raise PrivacyInputError(
                f"Threshold('{self.metric}') has upper_bound={self.upper_bound!r} and absolute={self.absolute!r}: "
                'give one of them, upper_bound for the value itself or absolute for its rise over the baseline model; '
                'for both limits write two thresholds.'
            )
        field = 'absolute' if self.is_change else 'upper_bound'
        Number(0, metric.largest).checked(f'Threshold.{field}', self.limit)
        if self.is_change and metric.upper is None:
            raise PrivacyInputError(
                f"Threshold.absolute limits the rise of '{self.metric}', which has no upper confidence limit, so "
                "that a rise cannot be bounded: set upper_bound, or limit another metric, such as 'auc'."
            )
