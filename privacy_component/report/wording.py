"""Numbers, names and verdicts in words that a release board reads."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, TypeGuard

from privacy_component.config.thresholds import LEAK_SHOWN
from privacy_component.errors import PrivacyInputError, printable
from privacy_component.gate.verdict import EXCEEDED, PASSED, UNDECIDED, Comparison, Verdict
from privacy_component.metrics.change import PAIRED, TWO_LIMITS
from privacy_component.metrics.registry import Estimate, metric_named
from privacy_component.metrics.slice_result import SliceResult
from privacy_component.observations.columns import SliceValue
from privacy_component.observations.slicing import CLASS_FEATURE, SliceKey, slice_name

MISSING = '\N{EN DASH}'
_AT_A_RATE = {
    'tpr_at_fpr_': 'Wrongly accusing {rate} of the non-members, the attacker finds {percent} of the members; '
    'guessing: {rate}.',
    'two_sided_tpr_at_fpr_': 'Wrongly accusing {rate} of the non-members, the attacker, or one who turns the attack '
    'round, finds {percent} of the members; guessing: {rate}.',
    'tnr_at_fnr_': 'Of the non-members, {percent} look less like members than all but {rate} of the members do; '
    'guessing: {rate}.',
}
_TITLES = {
    'auc': 'AUC',
    'advantage': 'Advantage',
    'two_sided_advantage': 'Two-sided advantage',
    'empirical_epsilon': 'Empirical ε',
    'gdp_mu': 'GDP μ',
    'max_ppv': 'Largest PPV',
}
NOT_SHOWN = 'not shown'
LONGEST_NAME = 60
_SLICE_WORDS = {
    EXCEEDED: 'above a limit',
    PASSED: 'within the limits',
    NOT_SHOWN: 'where a leak above a limit is not shown, nor ruled out',
    'not ruled out': 'where a leak above a limit is not ruled out',
    'inconclusive': 'not wholly decided, for want of examples',
    'no limit': 'without a limit',
    'diagnostic': 'for diagnosis only',
}
_REPORT_ONLY = 'A report only: no limits were applied, so nothing is decided and nothing is blessed.'
_MEANINGS = {
    'auc': 'Shown a member and a non-member, the attacker tells which is which {percent} of the time; guessing: 50 %.',
    'advantage': "The attacker's best threshold catches members {percent} more often than non-members; guessing: 0 %.",
    'empirical_epsilon': 'The attack succeeds as often as an epsilon of at least {number} would allow; guessing: 0.',
}

_CHANGE_INTERVALS = {
    PAIRED: 'interval of the paired difference',
    TWO_LIMITS: 'interval from a limit of either model, valid however they depend on each other',
}


def visible(text: Any) -> str:
    """One printable line."""
    return printable(str(text))


def readable_slice(key: SliceKey, class_names: Sequence[str] = ()) -> str:
    """A slice's name as one printable line, a class with what it is called: 'class = 1 (no tip), hour = 3'."""
    return ', '.join(_with_class_name(one, class_names) for one in key) or visible(slice_name(key))


def _with_class_name(one: tuple[str, SliceValue], class_names: Sequence[str]) -> str:
    (feature, value), name = one, visible(slice_name((one,)))
    is_named = feature == CLASS_FEATURE and isinstance(value, int) and 0 <= value < len(class_names)
    return f'{name} ({shorten(visible(class_names[int(value)]), LONGEST_NAME)})' if is_named else name


def shorten(text: str, length: int) -> str:
    """At most `length` characters, the middle left out."""
    half = (length - 1) // 2
    return text if len(text) <= length else f'{text[:half]}…{text[-half:]}'


def number(value: float | None) -> str:
    """Three decimals, four below 0.01."""
    if value is None or not math.isfinite(value):
        return MISSING if value is None else str(value)
    return f'{value:.4f}' if 0 < abs(value) < 0.01 else f'{value:.3f}'


def weight(total: float) -> str:
    """A sum of weights: 12,345, or 12.35."""
    return f'{total:,.0f}' if total >= 1000 else f'{total:.4g}'


def percent(rate: float) -> str:
    """0.123 as '12.3 %'."""
    return f'{100 * rate:.3g} %'


def interval(figure: Estimate | Comparison) -> str:
    """'[0.690, 0.733]', or nothing where one end is unknown."""
    if figure.lower is None or figure.upper is None:
        return ''
    return f'[{number(figure.lower)}, {number(figure.upper)}]'


def metric_title(name: str) -> str:
    """'TPR at 1 % FPR' for 'tpr_at_fpr_0.01', 'TNR at 1 % FNR' for 'tnr_at_fnr_0.01'."""
    found = re.fullmatch('(two_sided_)?([a-z]+)_at_(fpr|fnr)_(.+)', name)
    try:
        return _title_at_rate(*found.groups()) if found else _TITLES[name]
    except (ValueError, KeyError):
        words = visible(name).replace('_', ' ')
        return words[:1].upper() + words[1:]


def _title_at_rate(two_sided: str | None, figure: str, error: str, rate: str) -> str:
    title = f'{figure.upper()} at {percent(float(rate))} {error.upper()}'
    return f'Two-sided {title}' if two_sided else title


def comparison_title(c: Comparison) -> str:
    """What was compared: 'AUC', or 'AUC, rise over the baseline'."""
    return f'{metric_title(c.metric)}, rise over the baseline' if c.change else metric_title(c.metric)


def change_interval(c: Comparison) -> str:
    """How the interval of a change was made; nothing for a level."""
    return _CHANGE_INTERVALS.get(c.change, '')


def comparison_value(c: Comparison) -> str:
    """Its figure, with a sign if it is a change."""
    return f'+{number(c.value)}' if c.change and (c.value or 0.0) > 0 else number(c.value)


def meaning(metric: str, value: float) -> str:
    """What a figure says about an attacker, in a sentence; nothing for a metric without a plain reading."""
    for prefix, sentence in _AT_A_RATE.items():
        if metric.startswith(prefix):
            return sentence.format(rate=percent(float(metric.removeprefix(prefix))), percent=percent(value))
    return _MEANINGS.get(metric, '').format(percent=percent(value), number=number(value))


def why_missing(result: SliceResult, metric: str) -> str:
    """Why a result has no figure for a metric."""
    if result.curve is None:
        return 'no non-members' if result.num_members else 'no members'
    try:
        named = metric_named(metric)
    except PrivacyInputError:
        return 'unsupported'
    if named.num_members_needed > result.num_members:
        return f'unsupported: needs {named.num_members_needed:,} members'
    needed = named.num_non_members_needed
    return f'unsupported: needs {needed:,} non-members' if needed > result.num_non_members else 'unsupported'


def is_judged(verdict: Verdict | None) -> TypeGuard[Verdict]:
    """Whether the figures were held against limits; not so without a verdict and in a report only."""
    return verdict is not None and verdict.judged


def headline(verdict: Verdict | None) -> str:
    """The verdict's meaning in a sentence, counted in slices."""
    if not is_judged(verdict):
        return 'No limits were applied, so nothing is decided.' if verdict is None else _REPORT_ONLY
    exceeded = [c for c in verdict.comparisons if c.outcome == EXCEEDED]
    shown = [c for c in exceeded if c.block_if == LEAK_SHOWN]
    if shown and all(c.change for c in shown):
        return f'The model leaks more than its baseline: above the allowed rise in {_of(exceeded, verdict)}.'
    if shown:
        return f'The model leaks who was in its training data: above the limit in {_of(shown, verdict)}.'
    if exceeded:
        return f'The model is not shown to keep its training data private enough in {_of(exceeded, verdict)}.'
    if not verdict.blessed:
        return 'No limit is exceeded, but the model may not be pushed: see the reasons.'
    return _blessed_headline(verdict)


def consequence(verdict: Verdict | None) -> str:
    """What follows from the verdict for somebody who has to sign it."""
    if not is_judged(verdict):
        return 'Nothing here says that the model may be released.'
    if verdict.blessed:
        return (
            'The model may be released as far as this test goes. A pass is no proof that nothing leaks: other attacks '
            'and other data can find more.'
        )
    if any(c.outcome == EXCEEDED and c.block_if == LEAK_SHOWN for c in verdict.comparisons):
        return (
            'Do not release it: who can query the model can tell, more often than your limits allow, whether a record '
            'was used to train it.'
        )
    return 'Do not release it yet: what your limits ask for has not been shown.'


def outcome_counts(outcomes: Sequence[str]) -> str:
    """'3 exceeded, 20 passed, 1 undecided', without zeros."""
    counts = {name: outcomes.count(name) for name in (EXCEEDED, PASSED, UNDECIDED)}
    return ', '.join(f'{count:,} {name}' for name, count in counts.items() if count) or 'none'


def verdict_word(verdict: Verdict | None) -> str:
    """'BLESSED', 'BLOCKED' or 'REPORT ONLY'."""
    if not is_judged(verdict):
        return 'REPORT ONLY'
    return 'BLESSED' if verdict.blessed else 'BLOCKED'


def outcome_word(outcome: str, comparisons: Sequence[Comparison]) -> str:
    """An outcome as a reader understands it, which says no more than was shown.

    Under the strict rule a limit can block without being exceeded; under the other a leak can be above the limit for
    all that is known, where the figure's interval reaches above it.
    """
    blocking = [c for c in comparisons if c.outcome == EXCEEDED]
    if outcome == EXCEEDED and blocking and all(c.block_if != LEAK_SHOWN for c in blocking):
        return 'not ruled out'
    if outcome == PASSED and any(map(_is_open, comparisons)):
        return NOT_SHOWN
    return 'inconclusive' if outcome == UNDECIDED else outcome


def slice_counts(words: Sequence[str]) -> str:
    """'9 slices exceeded, 40 not shown, 2 inconclusive': every slice in one of them, by its worst attack."""
    counts = [f'{words.count(word):,} {_SLICE_WORDS.get(word, word)}' for word in dict.fromkeys(words)]
    return ', '.join(counts)


def _is_open(c: Comparison) -> bool:
    return c.outcome == PASSED and c.block_if == LEAK_SHOWN and (c.upper is None or c.upper > c.limit)


def _blessed_headline(verdict: Verdict) -> str:
    passed = [c for c in verdict.comparisons if c.outcome == PASSED]
    undecided = {c.slice_key for c in verdict.comparisons if c.outcome == UNDECIDED}
    rest = f'; {len(undecided):,} of them could not be wholly decided, for want of examples' if undecided else ''
    slices = _slices(len({c.slice_key for c in verdict.comparisons}))
    if all(c.block_if != LEAK_SHOWN for c in passed):
        return f'Shown to stay within the limits, in {slices}{rest}.'
    return f'No leak above the limits is shown, in {slices}{rest}.'


def _slices(total: int) -> str:
    return f'{total:,} slice{"" if total == 1 else "s"}'


def _of(some: Sequence[Comparison], verdict: Verdict) -> str:
    count, total = (len({c.slice_key for c in those}) for those in (some, verdict.comparisons))
    return f'{count:,} of {_slices(total)}'
