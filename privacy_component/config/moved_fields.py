"""Fields of PrivacyConfig that have moved into groups: their flat names are read for one more release."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from privacy_component.deprecation import warn_renamed
from privacy_component.errors import PrivacyInputError

MOVED: dict[str, tuple[str, str]] = {
    'slice_by_class': ('slices', 'by_class'),
    'slice_by_correctness': ('slices', 'by_correctness'),
    'slice_by_loss_percentile': ('slices', 'by_loss_percentile'),
    'slice_missing': ('slices', 'missing'),
    'max_slices': ('slices', 'max_slices'),
    'group_key': ('people', 'group_key'),
    'group_aggregation': ('people', 'group_aggregation'),
    'num_most_vulnerable': ('people', 'num_most_vulnerable'),
    'min_reported_examples': ('people', 'min_reported_examples'),
    'task': ('outputs', 'task'),
    'output_kind': ('outputs', 'kind'),
    'folds': ('measurement', 'folds'),
    'seed': ('measurement', 'seed'),
    'max_distinct_scores': ('measurement', 'max_distinct_scores'),
    'max_bad_record_share': ('measurement', 'max_bad_record_share'),
    'confidence_level': ('decision', 'confidence_level'),
    'min_examples': ('decision', 'min_examples'),
    'small_slices': ('decision', 'small_slices'),
    'without_baseline': ('decision', 'without_baseline'),
    'overturns': ('decision', 'refusal_overrides'),
}

_REWORDED = {
    **{f'PrivacyConfig.{old}': f'PrivacyConfig.{group}.{new}' for old, (group, new) in MOVED.items()},
    'add Overturn(': 'add RefusalOverride(',
    'a refusal is not overturned': 'a refusal is not overridden',
    'This blessing overturns': 'This blessing overrides',
}


def reworded(sentence: str) -> str:
    """A sentence that an earlier release wrote, with the names of this one."""
    for old, new in _REWORDED.items():
        sentence = sentence.replace(old, new)
    return sentence


def regrouped(fields: Mapping[str, Any], where: str = 'PrivacyConfig') -> dict[str, Any]:
    """The fields by their new names, each in its group.

    Args:
      fields: of a PrivacyConfig, any of them by their flat names.
      where: what the error is about.

    Raises:
      PrivacyInputError: one is given by both names, or its group as a whole.
    """
    result = {name: value for name, value in fields.items() if name not in MOVED}
    for old in filter(MOVED.__contains__, fields):
        group, new = MOVED[old]
        given = result.get(group, {})
        if not isinstance(given, Mapping) or new in given:
            raise PrivacyInputError(
                f"{where} gives both '{old}' and '{group}': {old} is now {group}.{new}, so write it there only."
            )
        result[group] = {**given, new: fields[old]}
    return result


def warn_moved(fields: Mapping[str, Any]) -> None:
    """One FutureWarning that names the new places of all flat names among the fields; none if there are none."""
    places = [f'{old} is now {".".join(MOVED[old])}' for old in fields if old in MOVED]
    if places:
        warn_renamed(
            f'Fields of PrivacyConfig have moved, and the next release reads them there only: {", ".join(places)}.'
        )
