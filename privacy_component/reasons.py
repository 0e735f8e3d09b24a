"""Why a model is blessed or not, in sentences."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from privacy_component.comparisons import Comparison
from privacy_component.config.thresholds import LEAK_SHOWN


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
    excess = (c.corrected_bound or 0.0) - c.limit
    return -excess, -(c.value or 0.0), c.slice, c.metric, c.limit, c.block_if, c.change, c.note


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
