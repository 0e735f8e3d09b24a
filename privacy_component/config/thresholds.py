"""Thresholds: limits on what an attack may achieve, and the rule by which they block."""

from __future__ import annotations

import dataclasses
from typing import Any

from privacy_component.attacks import attack_name
from privacy_component.config.validation import check_choice, check_number, from_mapping, names, sequence
from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.registry import Metric, metric_named
from privacy_component.observations.slicing import SlicingSpec

LEAK_SHOWN = 'leak_shown'
SAFETY_NOT_SHOWN = 'safety_not_shown'


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
    """

    metric: str
    upper_bound: float | None = None
    attacks: tuple[str, ...] = ()
    slicing_specs: tuple[SlicingSpec, ...] = ()
    block_if: str = LEAK_SHOWN
    absolute: float | None = None

    def __post_init__(self) -> None:
        metric = metric_named(self.metric)
        object.__setattr__(self, 'metric', metric.name)  # the name that results have, however it was written
        self._check_bound(metric)
        check_choice('Threshold.block_if', self.block_if, (LEAK_SHOWN, SAFETY_NOT_SHOWN))
        if self.block_if == SAFETY_NOT_SHOWN and metric.upper is None:
            raise PrivacyInputError(
                f"Threshold.block_if is '{SAFETY_NOT_SHOWN}' but '{self.metric}' has no upper confidence limit: "
                f"use block_if='{LEAK_SHOWN}' or another metric."
            )
        attacks = tuple(map(attack_name, sequence('Threshold.attacks', self.attacks)))
        object.__setattr__(self, 'attacks', names('Threshold.attacks', attacks))
        specs = sequence('Threshold.slicing_specs', self.slicing_specs)
        object.__setattr__(self, 'slicing_specs', tuple(map(as_slicing_spec, specs)))

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
        check_number(f'Threshold.{field}', self.limit, 0, metric.largest)
        if self.is_change and metric.upper is None:
            raise PrivacyInputError(
                f"Threshold.absolute limits the rise of '{self.metric}', which has no upper confidence limit, so "
                "that a rise cannot be bounded: set upper_bound, or limit another metric, such as 'auc'."
            )


def as_slicing_spec(value: Any) -> SlicingSpec:
    """A SlicingSpec, or one from its JSON object."""
    return value if isinstance(value, SlicingSpec) else from_mapping(SlicingSpec, value, 'slicing_spec')
