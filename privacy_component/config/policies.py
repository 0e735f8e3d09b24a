"""Ready-made policies: limits with a reason for every number, to start from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from privacy_component.config.moved_fields import regrouped, warn_moved
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.config.settings import BLOCK, WARN
from privacy_component.config.thresholds import SAFETY_NOT_SHOWN, Threshold
from privacy_component.errors import PrivacyInputError, did_you_mean
from privacy_component.observations.slicing import SlicingSpec

_ALL_EXAMPLES = (SlicingSpec(),)


def _of_all(metric: str, upper_bound: float, if_undecided: str = BLOCK) -> Threshold:
    """Blocks if more is shown on all examples together: few slices are large enough for these figures."""
    return Threshold(metric, upper_bound, slicing_specs=_ALL_EXAMPLES, if_undecided=if_undecided)


_POLICIES: dict[str, Mapping[str, Any]] = {
    'strict': {
        'thresholds': (
            Threshold('auc', 0.55, slicing_specs=_ALL_EXAMPLES, block_if=SAFETY_NOT_SHOWN),
            Threshold('tpr_at_fpr_0.01', 0.03, slicing_specs=_ALL_EXAMPLES, block_if=SAFETY_NOT_SHOWN),
            Threshold('auc', 0.55),
            _of_all('two_sided_advantage', 0.075),
            _of_all('two_sided_tpr_at_fpr_0.01', 0.03),
            _of_all('two_sided_tpr_at_fpr_0.001', 0.003, WARN),
            _of_all('tnr_at_fnr_0.01', 0.03),
            _of_all('tnr_at_fnr_0.001', 0.005, WARN),
        ),
        'decision': {'small_slices': BLOCK},
    },
    'standard': {
        'thresholds': (
            Threshold('auc', 0.6),
            _of_all('two_sided_advantage', 0.15, WARN),
            _of_all('two_sided_tpr_at_fpr_0.01', 0.05, WARN),
            _of_all('two_sided_tpr_at_fpr_0.001', 0.003, WARN),
            _of_all('tnr_at_fnr_0.01', 0.05, WARN),
            _of_all('tnr_at_fnr_0.001', 0.01, WARN),
        ),
    },
    'report_only': {'report_only': True},
}


def policy(name: str, **changes: Any) -> PrivacyConfig:
    """A ready-made config.

    'standard' blocks when a leak is shown. On every slice the limit is an attack AUC of 0.6: shown one member and one
    non-member, the attacker picks the right one six times in ten; if its scores are two normal distributions, it is
    right about 57 % of single people, where a coin is right about 50 %. An average hides full memorisation of a few and
    leaks that show the other way round, so on all examples there are more limits: a two-sided advantage of 0.15, which
    is that AUC's; a two-sided TPR of 0.05 at an FPR of 0.01 and of 0.003 at 0.001, where among as many members as
    non-members five in six, and three in four, of those pointed at are members; and a TNR of 0.05 at an FNR of 0.01 and
    of 0.01 at 0.001, which foretell what an attacker with reference models would reach. Rates of 0.01 need 1,000
    members and non-members, those of 0.001 need 10,000; with fewer, a warning says that they were not checked.

    'strict' blocks unless safety is shown, on all examples, and lowers the limits to half the distance from guessing:
    an AUC of 0.55 and a TPR of 0.03 at an FPR of 0.01, where three in four of those pointed at are members. The other
    limits on all examples are lowered likewise, and block when more is shown. On slices it blocks when an AUC above
    0.55 is shown, because few slices are large enough to show safety; and slices too small to decide block. For data
    about health, money or children, with some thousand examples on either side.

    'report_only' measures and reports, and blesses nothing: to look at a model, or at what limits would do, before a
    gate is wired.

    Args:
      name: 'strict', 'standard' or 'report_only'.
      **changes: other fields of the PrivacyConfig, in the place of the policy's. Of a group that the policy sets, a
        mapping changes only what it names; an instance would change all of it unseen, and is refused.

    Returns:
      The config, with every limit written out.

    Raises:
      PrivacyInputError: there is no such policy or field, or a value is out of range.

    >>> policy('standard', decision={'min_examples': 50}).thresholds[0].upper_bound
    0.6
    """
    if name not in _POLICIES:
        raise PrivacyInputError(f'policy {name!r} is not one of {", ".join(_POLICIES)}{did_you_mean(name, _POLICIES)}')
    where = f"policy '{name}'"
    given, changes = changes, regrouped(changes, where)
    for group, fields in _groups(name):
        changes[group] = _changed(where, group, fields, changes.get(group, {}))
    config = PrivacyConfig.from_fields({**_POLICIES[name], **changes}, where)
    warn_moved(given)
    return config


def _groups(name: str) -> list[tuple[str, Mapping[str, Any]]]:
    return [(group, fields) for group, fields in _POLICIES[name].items() if isinstance(fields, Mapping)]


def _changed(where: str, group: str, fields: Mapping[str, Any], changes: Any) -> dict[str, Any]:
    """A group of the policy with some of its fields changed."""
    if not isinstance(changes, Mapping):
        raise PrivacyInputError(
            f'{where} sets {group}.{next(iter(fields))}: give {group} as a mapping of what to change, not {changes!r}.'
        )
    return {**fields, **changes}
