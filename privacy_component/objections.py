"""What speaks against a blessing besides an exceeded limit, and what should be known all the same; sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from privacy_component.comparisons import UNDECIDED, Comparison
from privacy_component.config import PrivacyConfig, Threshold
from privacy_component.slicing import OVERALL, SlicingSpec

if TYPE_CHECKING:
    from privacy_component.results import SliceResult


def of_upstream(upstream_blessed: bool | None) -> list[str]:
    """An earlier validator's refusal; None is no validator."""
    return ['The upstream model_blessing is not a blessing.'] if upstream_blessed is False else []


def of_missing_slices(config: PrivacyConfig, results: Sequence[SliceResult]) -> list[str]:
    """No thresholds, and slices that thresholds name and the data do not have."""
    if not config.thresholds:
        return ['PrivacyConfig.thresholds is empty, so nothing was checked: add a Threshold.']
    return [
        f"A threshold on {threshold.metric} names the slice '{spec}', which the data do not have: correct its name, or "
        'add it to eval_config.slicing_specs.'
        for threshold in config.thresholds
        for spec in threshold.slicing_specs
        if not any(spec.matches(result.slice_key) for result in results)
    ]


def of_slices_not_found(slicing_specs: Sequence[SlicingSpec], results: Sequence[SliceResult]) -> list[str]:
    """Slices that were asked for by feature values and have no examples."""
    return [
        f"The slice '{spec}' has no examples: correct the feature or its value, or leave it out of slicing_specs."
        for spec in slicing_specs
        if spec.feature_values and not any(spec.matches(result.slice_key) for result in results)
    ]


def of_small_samples(
    results: Sequence[SliceResult], comparisons: Sequence[Comparison], config: PrivacyConfig
) -> list[str]:
    """Too few examples altogether, or in a slice that has to be decided."""
    overall = [r for r in results if r.slice_key == OVERALL]
    too_small = [r for r in overall if min(r.num_members, r.num_non_members) < config.min_examples]
    if too_small or not overall:
        sizes = f'{too_small[0].num_members:,} and {too_small[0].num_non_members:,}' if too_small else '0 and 0'
        return [f'The data have {sizes} members and non-members; at least {config.min_examples:,} each are needed.']
    return [
        f'{c.slice}, {c.attack}: too few examples to decide on {c.metric} ({c.note}).'
        for c in comparisons
        if c.outcome == UNDECIDED and _must_be_decided(c, config)
    ]


def _must_be_decided(comparison: Comparison, config: PrivacyConfig) -> bool:
    """The overall slice and the slices that a threshold names one by one."""
    specs = [spec for threshold in config.thresholds for spec in threshold.slicing_specs if not spec.feature_keys]
    return comparison.slice_key == OVERALL or any(spec.matches(comparison.slice_key) for spec in specs)


def of_unchecked_thresholds(judged: Sequence[tuple[Threshold, Comparison]], config: PrivacyConfig) -> list[str]:
    """Thresholds that no slice could be held against."""
    checked = {id(threshold) for threshold, comparison in judged if comparison.outcome != UNDECIDED}
    return [
        f'The threshold on {threshold.metric} could be checked on no slice: every slice it applies to is missing or '
        'too small.'
        for threshold in config.thresholds
        if id(threshold) not in checked
    ]


def of_unmeasured_attacks(config: PrivacyConfig, results: Sequence[SliceResult]) -> list[str]:
    """Attacks that are configured and have no result."""
    measured = {result.attack for result in results if result.slice_key == OVERALL}
    return [f"The attack '{name}' was not measured on all examples." for name in config.attacks if name not in measured]


def small_slice_warnings(comparisons: Sequence[Comparison], config: PrivacyConfig) -> tuple[str, ...]:
    """Comparisons that stay open without blocking."""
    return tuple(
        f'{c.slice}, {c.attack}: inconclusive on {c.metric} ({c.note}).'
        for c in comparisons
        if c.outcome == UNDECIDED and not _must_be_decided(c, config)
    )
