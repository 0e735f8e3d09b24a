"""Thresholds on changes: which attacks need a baseline model, and what becomes of them where there is none."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.config.settings import IGNORE
from privacy_component.metrics.slice_result import SliceResult


def attacks_on_baseline(config: PrivacyConfig) -> tuple[str, ...]:
    """The attacks whose change some threshold limits."""
    return _limited(config, None)


def attacks_paired(config: PrivacyConfig) -> tuple[str, ...]:
    """Those of them whose scores of both models have to be counted together: for changes of the AUC."""
    return _limited(config, 'auc')


def checkable(config: PrivacyConfig, results: Sequence[SliceResult]) -> PrivacyConfig:
    """The config without thresholds on changes if no baseline model was attacked."""
    if any(result.baseline is not None for result in results) or not _changes(config):
        return config
    levels = tuple(threshold for threshold in config.thresholds if not threshold.is_change)
    return dataclasses.replace(config, thresholds=levels)


def missing_baseline(config: PrivacyConfig, results: Sequence[SliceResult]) -> tuple[list[str], list[str]]:
    """Objections and warnings about thresholds that were not checked for want of a baseline model."""
    dropped = len(config.thresholds) - len(checkable(config, results).thresholds)
    if not dropped:
        return [], []
    many = (
        f'{dropped} thresholds on changes were'
        if dropped > 1
        else f'the threshold on a change of {_changes(config)} was'
    )
    if config.decision.without_baseline == IGNORE:
        ignored = "PrivacyConfig.decision.without_baseline is 'ignore'"
        return [], [f'There is no baseline model, so {many} not checked: {ignored}.']
    return [
        f'There is no baseline model, so {many} not checked: give baseline_model, or, for the first run of a pipeline, '
        "set PrivacyConfig.decision.without_baseline to 'ignore', which leaves the decision to the other thresholds."
    ], []


def unused_baseline(is_given: bool, config: PrivacyConfig) -> list[str]:
    """A warning where a baseline model is given that nothing asks for."""
    if not is_given or _changes(config):
        return []
    return ['A baseline model is given but no Threshold has `absolute`, so it was not attacked.']


def _changes(config: PrivacyConfig) -> str:
    return ', '.join(dict.fromkeys(threshold.metric for threshold in config.thresholds if threshold.is_change))


def _limited(config: PrivacyConfig, metric: str | None) -> tuple[str, ...]:
    limited = [t for t in config.thresholds if t.is_change and metric in (None, t.metric)]
    return tuple(name for name in config.attacks if any(not t.attacks or name in t.attacks for t in limited))
