"""What speaks against a blessing besides an exceeded limit, and what should be known all the same; sentences."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.config.settings import BLOCK, WARN
from privacy_component.config.thresholds import LEAK_SHOWN, Threshold
from privacy_component.gate.comparisons import PASSED, UNDECIDED, Comparison
from privacy_component.gate.one_sided import CAUTION, one_sided_slices
from privacy_component.gate.suppression import suppressed_sentence
from privacy_component.gate.worst import excess
from privacy_component.metrics.slice_result import SliceResult
from privacy_component.observations.slicing import OVERALL, SlicingSpec, is_against_all, own_key

_NO_THRESHOLDS = 'PrivacyConfig.thresholds is empty, so nothing was checked: add a Threshold.'
REPORT_ONLY = (
    'Report only (PrivacyConfig.report_only): nothing was judged, so nothing is blessed; wire Pusher to another '
    'blessing.'
)


def passed_above_limits(comparisons: Sequence[Comparison]) -> list[str]:
    """A warning of what passed for want of proof rather than for want of a leak."""
    passed = (c for c in comparisons if c.outcome == PASSED and c.block_if == LEAK_SHOWN)
    above = {c.slice_key for c in passed if (c.value or 0.0) > c.limit}
    if not above:
        return []
    many = f'{len(above):,} slice{"s" if len(above) > 1 else ""}'
    return [
        f'In {many} a figure is above its limit and the corrected bound below it: a leak is neither shown nor ruled '
        'out there.'
    ]


NO_MODEL = (
    'The predictions that the examples hold were judged, and no model was given that they are of, so there is nothing '
    'to bless: pass model to PrivacyEvaluator.'
)


def of_upstream(upstream_blessed: bool | None) -> list[str]:
    """An earlier validator's refusal; None is no validator."""
    return ['The upstream model_blessing is not a blessing.'] if upstream_blessed is False else []


def of_slices_and_attacks(
    config: PrivacyConfig,
    results: Sequence[SliceResult],
    comparisons: Sequence[Comparison],
    slicing_specs: Sequence[SlicingSpec],
) -> list[str]:
    """What should have been measured and was not, or on too few examples."""
    return [
        *of_missing_slices(config, results),
        *of_slices_not_found(slicing_specs, config, results),
        *of_unmeasured_attacks(config, results),
        *of_small_samples(results, comparisons, slicing_specs, config),
    ]


def of_missing_slices(config: PrivacyConfig, results: Sequence[SliceResult]) -> list[str]:
    """No thresholds, and slices that thresholds name and the results do not have."""
    if not config.thresholds:
        return [REPORT_ONLY if config.report_only else _NO_THRESHOLDS]
    return [
        f"A threshold on {_limited(threshold)} names the slice '{spec}', which the data do not have"
        f'{_few(config, ", or only with")}: correct its name, add it to slicing_specs, or give more examples.'
        for threshold in config.thresholds
        for spec in threshold.slicing_specs
        if not _is_found(spec, results)
    ]


def of_slices_not_found(
    slicing_specs: Sequence[SlicingSpec], config: PrivacyConfig, results: Sequence[SliceResult]
) -> list[str]:
    """Slices that were asked for by feature values and have no result."""
    absent = (spec for spec in slicing_specs if spec.feature_values and not _is_found(spec, results))
    return [
        f"The slice '{name}' has no examples{_few(config, ', or')}: correct the feature or its value, give more "
        'examples, or leave it out of slicing_specs.'
        for name in dict.fromkeys(map(str, absent))  # a slice can be asked for in several ways
    ]


def of_small_samples(
    results: Sequence[SliceResult],
    comparisons: Sequence[Comparison],
    slicing_specs: Sequence[SlicingSpec],
    config: PrivacyConfig,
) -> list[str]:
    """Too few examples altogether, or in a slice that has to be decided because somebody named it."""
    overall = [r for r in results if r.slice_key == OVERALL]
    least = config.decision.min_examples
    too_small = [r for r in overall if min(r.num_members, r.num_non_members) < least]
    if too_small or not overall:
        sizes = f'{too_small[0].num_members:,} and {too_small[0].num_non_members:,}' if too_small else '0 and 0'
        return [f'The data have {sizes} members and non-members; at least {least:,} each are needed.']
    named = _named(slicing_specs, config)
    rounded = [c for c in comparisons if _is_rounded(c)]
    must = [c for c in comparisons if c.outcome == UNDECIDED and _is_named(c, named) and not _is_rounded(c)]
    return [
        *(f'{what}: too few examples to decide on {_figure(c)} ({c.note}).' for what, c in _by_slice(must)),
        *(f'{what}: cannot decide on {_figure(c)} ({c.note}).' for what, c in _by_slice(rounded)),
    ]


def of_unchecked_thresholds(judged: Sequence[tuple[Threshold, Comparison]], config: PrivacyConfig) -> list[str]:
    """Thresholds that no slice could be held against; those that may stay undecided only if no other was checked."""
    decided = (one for one in judged if one[1].outcome != UNDECIDED and not is_against_all(one[1].slice_key))
    checked = {id(threshold) for threshold, _ in decided}
    checked |= {id(threshold) for threshold in config.thresholds if checked and threshold.if_undecided == WARN}
    return [
        f'The threshold on {_limited(threshold)} could be checked on no slice: every slice it applies to is missing or '
        'too small.'
        for threshold in config.thresholds
        if id(threshold) not in checked
    ]


def by_what_undecided_means(judged: Sequence[tuple[Threshold, Comparison]]) -> tuple[list[Comparison], list[str]]:
    """The comparisons, without those that may stay undecided and did, and a warning for each of these."""
    left = [t.if_undecided == WARN and c.outcome == UNDECIDED and not _is_rounded(c) for t, c in judged]
    required = [c for (_, c), is_left in zip(judged, left, strict=True) if not is_left]
    left_open = [c for (_, c), is_left in zip(judged, left, strict=True) if is_left]
    return required, [
        f'{what}: inconclusive on {_figure(c)} ({c.note}); Threshold.if_undecided leaves it to the other limits.'
        for what, c in _by_slice(left_open)
    ]


def of_unmeasured_attacks(config: PrivacyConfig, results: Sequence[SliceResult]) -> list[str]:
    """Attacks that are configured and have no result."""
    measured = {result.attack for result in results if result.slice_key == OVERALL}
    return [f"The attack '{name}' was not measured on all examples." for name in config.attacks if name not in measured]


def small_slices(
    results: Sequence[SliceResult],
    comparisons: Sequence[Comparison],
    slicing_specs: Sequence[SlicingSpec],
    config: PrivacyConfig,
    num_suppressed: int,
) -> tuple[list[str], list[str]]:
    """Slices that nobody named and that are too small to decide: reasons and warnings.

    PrivacyConfig.decision.small_slices says which of both they are; suppressed slices that no threshold can apply to
    only warn.
    """
    named = _named(slicing_specs, config)
    one_sided = dict(one_sided_slices(results, config))
    judged = {own_key(c.slice_key) for c in comparisons}
    found = [c for c in comparisons if c.outcome == UNDECIDED and not _is_named(c, named) and not _is_rounded(c)]
    found = [c for c in found if own_key(c.slice_key) not in one_sided]
    open_ = [f'{what}: inconclusive on {_figure(c)} ({c.note}).' for what, c in _by_slice(found)]
    open_ += [sentence for key, sentence in one_sided.items() if key in judged]
    hidden = [suppressed_sentence(num_suppressed, config.people.min_reported_examples)] if num_suppressed else []
    if config.decision.small_slices != BLOCK:
        return [], open_ + hidden
    return (open_ + hidden, []) if _judges_found_slices(config) else (open_, hidden)


def _is_found(spec: SlicingSpec, results: Sequence[SliceResult]) -> bool:
    return any(spec.matches(result.slice_key) for result in results)


def _few(config: PrivacyConfig, lead: str) -> str:
    """Said of missing slices too, so that nobody can tell those from suppressed ones."""
    few = config.people.min_reported_examples
    return f'{lead} fewer than {few:,} members or non-members' if few else ''


def _named(slicing_specs: Sequence[SlicingSpec], config: PrivacyConfig) -> list[SlicingSpec]:
    """Specs that name one slice by its feature values."""
    of_thresholds = (spec for threshold in config.thresholds for spec in threshold.slicing_specs)
    named = (spec for spec in (*of_thresholds, *slicing_specs) if not spec.feature_keys)
    return list({repr(spec): spec for spec in named}.values())  # a thousand thresholds may name the same


def _is_named(comparison: Comparison, named: Sequence[SlicingSpec]) -> bool:
    key = own_key(comparison.slice_key)
    return key == OVERALL or any(spec.matches(key) for spec in named)


def _is_rounded(c: Comparison) -> bool:
    """Undecided because scores were rounded, which more examples would not change and a setting does."""
    return c.outcome == UNDECIDED and c.corrected_bound is not None


def _judges_found_slices(config: PrivacyConfig) -> bool:
    return any(not t.slicing_specs or any(spec.feature_keys for spec in t.slicing_specs) for t in config.thresholds)


def _figure(c: Comparison) -> str:
    return f'the change of {c.metric}' if c.change else c.metric


def _limited(threshold: Threshold) -> str:
    return f'the change of {threshold.metric}' if threshold.is_change else threshold.metric


def _by_slice(comparisons: Sequence[Comparison]) -> Iterator[tuple[str, Comparison]]:
    """'slice, attack and attack' with the first of the comparisons that differ in nothing but the attack."""
    for _, alike in itertools.groupby(comparisons, key=lambda c: (c.slice_key, _figure(c), c.limit, c.note)):
        group = list(alike)
        yield f'{group[0].slice}, {" and ".join(c.attack for c in group)}', group[0]


def exceeded_sentences(exceeded: Sequence[Comparison]) -> list[str]:
    """One sentence for each limit that is exceeded, the surest first.

    Attacks with the same figure on the same slice (for two classes, loss and scaled logit rank alike) share a sentence.
    """
    ordered = sorted(exceeded, key=_surest_first)
    return [_exceeded_sentence(list(alike)) for _, alike in itertools.groupby(ordered, key=_surest_first)]


def passed_sentence(num_comparisons: int) -> str:
    """What speaks for a model that nothing speaks against."""
    return f'None of {num_comparisons:,} comparisons of attacks on slices exceeds its limit.'


def _surest_first(c: Comparison) -> tuple:
    return -excess(c), -(c.value or 0.0), c.slice, c.metric, c.limit, c.block_if, c.change, c.note


def _exceeded_change(c: Comparison, attacks: str) -> str:
    value = c.value or 0.0
    moved = f'rose by {value:.3f} over' if value >= 0 else f'fell by {-value:.3f} below'
    figure = (
        f'{c.slice}, {attacks}: {c.metric} {moved} the baseline [{c.lower:.3f}, {c.upper:.3f}], allowed {c.limit:g}'
    )
    if c.block_if == LEAK_SHOWN:
        return f'{figure}: a larger rise is shown (corrected lower bound {c.corrected_bound:.3f}).'
    return f'{figure}: a larger rise is not ruled out (corrected upper bound {c.corrected_bound:.3f}).'


def _exceeded_sentence(alike: Sequence[Comparison]) -> str:
    caution = f' {CAUTION}' if is_against_all(alike[0].slice_key) else ''
    return _exceeded_figure(alike) + caution


def _exceeded_figure(alike: Sequence[Comparison]) -> str:
    c = alike[0]
    attacks = ' and '.join(one.attack for one in alike)
    upper = '' if c.upper is None else f', {c.upper:.3f}'
    if c.change:
        return _exceeded_change(c, attacks)
    figure = f'{c.slice}, {attacks}: {c.metric} = {c.value:.3f} [{c.lower:.3f}{upper}]'
    if c.block_if == LEAK_SHOWN:
        shown = f'a leak is shown (corrected lower bound {c.corrected_bound:.3f})'
        return f'{figure} is above the limit of {c.limit:g}: {shown}.'
    note = f'; {c.note}' if c.note else ''
    bound = f'corrected upper bound {c.corrected_bound:.3f}{note}'
    return f'{figure} is not shown to be below the limit of {c.limit:g} ({bound}).'
