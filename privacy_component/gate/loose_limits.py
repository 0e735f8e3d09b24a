"""Limits that allow nearly every leak, and what they allow in plain words."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable

from scipy.special import ndtr

from privacy_component.config.thresholds import Threshold

# From where on a limit is loose: where an attack within it may be right about nine single people in ten, or, at a low
# error rate, where it may give half of them away for certain.
_NINE_IN_TEN: dict[str, tuple[float, float, Callable[[float], str]]] = {
    'auc': (0.5, 0.9, lambda x: f'tell a member from a non-member {_percent(x)} of the time'),
    'advantage': (0.0, 0.8, lambda x: f'catch members {_percent(x)} more often than it accuses non-members'),
    'two_sided_advantage': (0.0, 0.8, lambda x: f'catch one side {_percent(x)} more often than the other'),
    'balanced_accuracy': (0.5, 0.9, lambda x: f'be right about {_percent(x)} of single people'),
    'gdp_mu': (0.0, 2.5, lambda x: f'be right about {_percent(float(ndtr(x / 2)))} of single people'),
}
_HALF_AT_A_RATE: dict[str, Callable[[float, str], str]] = {
    'tpr_at_fpr_': lambda x, rate: f'find {_percent(x)} of the members, accusing {rate} of the non-members',
    'two_sided_tpr_at_fpr_': lambda x, rate: f'find {_percent(x)} of the members, accusing {rate} of the non-members',
    'tnr_at_fnr_': lambda x, rate: f'clear {_percent(x)} of the non-members, missing {rate} of the members',
}
_LARGEST_EPSILON = 4.0


def loose_limits(thresholds: Iterable[Threshold]) -> list[str]:
    """A warning for each figure with a limit that allows nearly every leak; of several the loosest is named."""
    loosest: dict[tuple[str, bool], Threshold] = {}
    for threshold in sorted(thresholds, key=lambda one: one.limit):
        loosest[threshold.metric, threshold.is_change] = threshold
    return [_sentence(one, allowed) for one in loosest.values() if (allowed := _allowed(one))]


def _sentence(threshold: Threshold, allowed: str) -> str:
    field = 'absolute' if threshold.is_change else 'upper_bound'
    return (
        f"Threshold('{threshold.metric}', {field}={threshold.limit:g}) allows nearly every leak: within it an attack "
        f'may {allowed}. Lower it, or leave it out if it is no limit.'
    )


def _allowed(threshold: Threshold) -> str:
    """What an attack may achieve within a loose limit; '' for any other."""
    name, limit = threshold.metric, threshold.limit
    if name in _NINE_IN_TEN:
        chance, loose, say = _NINE_IN_TEN[name]
        most = min(limit + chance, 1.0) if threshold.is_change else limit
        return say(most) if most >= loose else ''
    if name.startswith('empirical_epsilon'):
        fold = math.exp(min(limit, 700.0))
        return f'raise the odds that somebody is a member {fold:.3g}-fold' if limit >= _LARGEST_EPSILON else ''
    return _allowed_at_a_rate(name, limit)


def _allowed_at_a_rate(name: str, limit: float) -> str:
    family, rate = re.fullmatch('(.+_)([^_]+)', name).groups()  # type: ignore[union-attr]
    if family == 'ppv_at_fpr_':
        found = limit * float(rate) / max(1 - limit, 1e-9)
        return f'be right about {_percent(limit)} of those it points at' if found >= 0.5 else ''
    return _HALF_AT_A_RATE[family](limit, _percent(float(rate))) if limit >= max(0.5, 3 * float(rate)) else ''


def _percent(share: float) -> str:
    return f'{100 * share:.3g} %'
