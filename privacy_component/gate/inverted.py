"""Attacks that would work if they were turned round: a sign that splits are exchanged or labels are another file's."""

from __future__ import annotations

from collections.abc import Sequence

from privacy_component.attacks import is_known_to_learn
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.metrics.confidence import auc_lower
from privacy_component.metrics.slice_result import SliceResult
from privacy_component.observations.derived import is_made_of_outputs
from privacy_component.observations.slicing import is_against_all

_AUC = 'auc'
# Beyond what a small difference between honest splits makes of 0.5.
_LARGEST_LIMIT = 0.6


def inverted_reasons(config: PrivacyConfig, results: Sequence[SliceResult]) -> list[str]:
    """A sentence on the slice where non-members look most like members, if that is shown to be beyond the AUC's limit.

    No upper limit forbids an AUC far below 0.5, yet it tells members from non-members as well as one far above, and
    what makes it (member_splits and non_member_splits exchanged, labels that do not belong to the outputs) hides any
    leak there is. Attacks that learn turn themselves round, and are left out.

    The AUC of the reversed attack is held to the smallest limit on an AUC, or 0.6, by a lower confidence limit that
    Bonferroni's correction holds at a family-wise error of `1 - confidence_level`, besides the gate's own.
    """
    levels = [threshold.upper_bound for threshold in config.thresholds if threshold.metric == _AUC]
    limits = [limit for limit in levels if limit is not None]
    limit = max(min([*limits, _LARGEST_LIMIT]), 0.5)
    looked_at = [result for result in results if _can_be_reversed(result, config)]
    alpha = (1 - config.decision.confidence_level) / max(len(looked_at), 1)
    bounds = [(auc_lower(result.curve.reversed(), alpha), result) for result in looked_at if result.curve is not None]
    bound, worst = max(bounds, key=lambda one: one[0], default=(0.0, None))
    if worst is None or bound <= limit:
        return []
    return [
        f'{worst.slice}, {worst.attack}: auc = {worst.metrics[_AUC].value:.3f}, so non-members look like members '
        f'(reversed, it is at least {bound:.3f}; the limit is {limit:g}), which hides any leak: check that '
        'member_splits and non_member_splits are not exchanged, and that labels and examples belong together in both.'
    ]


def _can_be_reversed(result: SliceResult, config: PrivacyConfig) -> bool:
    is_large = min(result.num_members, result.num_non_members) >= config.decision.min_examples
    # A harder slice, too, makes its members look like non-members beside all of these.
    is_told = is_made_of_outputs(result.slice_key) or is_against_all(result.slice_key)
    return is_large and result.curve is not None and not is_told and not is_known_to_learn(result.attack)
