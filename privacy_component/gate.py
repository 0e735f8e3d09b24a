"""The gate: a pure function from results and thresholds to a verdict with reasons."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from privacy_component import objections
from privacy_component.comparisons import EXCEEDED, PASSED, UNDECIDED, Comparison, compare
from privacy_component.config import PrivacyConfig
from privacy_component.reasons import exceeded_sentences, passed_sentence
from privacy_component.reversal import reversed_objections
from privacy_component.slicing import SlicingSpec

if TYPE_CHECKING:
    from privacy_component.results import SliceResult

__all__ = ['EXCEEDED', 'PASSED', 'UNDECIDED', 'Comparison', 'Verdict', 'decide']


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Whether the model may be pushed.

    Attributes:
      blessed: True only if nothing speaks against it.
      reasons: why not, or, for a blessed model, what was shown; sentences.
      warnings: what did not decide but should be known.
      comparisons: every threshold x slice x attack.
    """

    blessed: bool
    reasons: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    comparisons: tuple[Comparison, ...] = ()


def decide(
    results: Sequence[SliceResult],
    config: PrivacyConfig,
    upstream_blessed: bool | None = None,
    slicing_specs: Sequence[SlicingSpec] = (),
) -> Verdict:
    """The verdict on measured results.

    Args:
      results: one per slice and attack.
      config: thresholds, confidence level and smallest sample.
      upstream_blessed: an earlier validator's verdict; None where there is none.
      slicing_specs: what was asked for; a slice named by feature values that has no examples is missing, whoever named
        it.

    Returns:
      A verdict that is blessed only if there are thresholds, every one of them could be checked where it had to be,
      none is exceeded, and the upstream verdict, if any, is a blessing.
    """
    judged = compare(config, results)
    comparisons = tuple(comparison for _, comparison in judged)
    against = [
        *objections.of_upstream(upstream_blessed),
        *objections.of_missing_slices(config, results),
        *objections.of_slices_not_found(slicing_specs, results),
        *objections.of_unmeasured_attacks(config, results),
        *objections.of_small_samples(results, comparisons, config),
        *objections.of_unchecked_thresholds(judged, config),
        *reversed_objections(config, results),
        *exceeded_sentences([c for c in comparisons if c.outcome == EXCEEDED]),
    ]
    warnings = objections.small_slice_warnings(comparisons, config)
    if against:
        return Verdict(False, tuple(against), warnings, comparisons)
    return Verdict(True, (passed_sentence(sum(c.outcome == PASSED for c in comparisons)),), warnings, comparisons)
