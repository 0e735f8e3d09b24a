"""The gate: a pure function from results and thresholds to a verdict with reasons."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from privacy_component.checks import REFUSED, WARNING, Check
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.gate import reasons
from privacy_component.gate.audits import against_claims, claims_left
from privacy_component.gate.baseline import checkable, missing_baseline
from privacy_component.gate.comparisons import EXCEEDED, PASSED, UNDECIDED, Comparison, compare
from privacy_component.gate.inverted import inverted_reasons
from privacy_component.gate.loose_limits import loose_limits
from privacy_component.metrics.canary_audit import CanaryAudit
from privacy_component.metrics.slice_result import SliceResult
from privacy_component.observations.slicing import SlicingSpec

__all__ = ['EXCEEDED', 'PASSED', 'UNDECIDED', 'Comparison', 'Verdict', 'decide']


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Whether the model may be pushed.

    Attributes:
      blessed: True only if nothing speaks against it.
      reasons: why not, or, for a blessed model, what was shown; sentences.
      warnings: what did not decide but should be known.
      comparisons: every threshold x slice x attack.
      judged: False for a report only, where nothing was to be judged.
    """

    blessed: bool
    reasons: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    judged: bool = True


def decide(
    results: Sequence[SliceResult],
    config: PrivacyConfig,
    upstream_blessed: bool | None = None,
    slicing_specs: Sequence[SlicingSpec] = (),
    num_suppressed: int = 0,
    checks: Sequence[Check] = (),
    names_model: bool = True,
    audits: Sequence[CanaryAudit] = (),
) -> Verdict:
    """The verdict on measured results.

    Args:
      results: one per slice and attack; of the slices that may be reported.
      config: thresholds, confidence level and smallest sample.
      upstream_blessed: an earlier validator's verdict; None where there is none.
      slicing_specs: what was asked for; a slice named by feature values must be there and large enough to decide.
      num_suppressed: how many slices are too small to be reported.
      checks: whether the measurement is sound.
      names_model: whether it is known which model a blessing would be of.
      audits: what canaries say of the claims that the config's audits name.

    Returns:
      A verdict that is blessed only if there are thresholds, every one of them could be checked where it had to be,
      none is exceeded, no check refuses, every audit could have refuted its claim and did not, and the upstream
      verdict, if any, is a blessing.
    """
    checked = checkable(config, results)
    judged = compare(checked, results)
    without_baseline, ignored = missing_baseline(config, results)
    comparisons = tuple(comparison for _, comparison in judged)
    required, left_open = reasons.by_what_undecided_means(judged)
    blocking, small = reasons.small_slices(results, required, slicing_specs, config, num_suppressed)
    against = [
        *reasons.of_upstream(upstream_blessed),
        *([] if names_model else [reasons.NO_MODEL]),
        *without_baseline,
        *(check.message for check in checks if check.status == REFUSED),
        *against_claims(audits, len(config.audits)),
        *reasons.of_slices_and_attacks(config, results, required, slicing_specs),
        *reasons.of_unchecked_thresholds(judged, checked),
        *inverted_reasons(config, results),
        *reasons.exceeded_sentences([c for c in comparisons if c.outcome == EXCEEDED]),
        *blocking,
    ]
    stated = against or [reasons.passed_sentence(sum(c.outcome == PASSED for c in comparisons))]
    found = (check.message for check in checks if check.status == WARNING)
    warnings = (
        *reasons.passed_above_limits(comparisons),
        *found,
        *ignored,
        *claims_left(audits),
        *loose_limits(config.thresholds),
        *left_open,
        *small,
    )
    return Verdict(not against, tuple(stated), warnings, comparisons, judged=not config.report_only)
