"""What may leave the job: slices too small to be named end in the worker that gathers all figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from privacy_component.beam.plan import Plan
from privacy_component.checks.slice_values import measure_slice_values
from privacy_component.errors import PrivacyInputError
from privacy_component.evaluation.result import result_to_json
from privacy_component.gate.suppression import suppress
from privacy_component.metrics.slice_result import SliceResult, in_order
from privacy_component.observations.columns import MISSING_VALUE
from privacy_component.observations.slicing import OVERALL


def reportable(plan: Plan, measured: Sequence[SliceResult]) -> dict[str, Any]:
    """JSON values: 'results' that may be named, 'num_suppressed' of the others, and 'values' of one side only.

    Raises:
      PrivacyInputError: a feature to slice by is in no example.
    """
    results = in_order(measured, plan.config.attacks)
    _check_slices_found(plan, results)
    least = plan.config.people.min_reported_examples
    listed, num_suppressed = suppress(results, least)
    return {
        'results': list(map(result_to_json, listed)),
        'num_suppressed': num_suppressed,
        'values': list(map(dataclasses.asdict, measure_slice_values(results, least))),
    }


def _check_slices_found(plan: Plan, results: Sequence[SliceResult]) -> None:
    """A misspelt feature would otherwise be a slice that nobody looks at."""
    found = {name for result in results for name, value in result.slice_key if value != MISSING_VALUE}
    sizes = {result.slice_key: (result.num_members, result.num_non_members) for result in results}
    for spec in plan.slicing_specs:
        absent = [name for name in spec.feature_keys if name not in found]
        everywhere = [name for name in spec.features if sizes.get(((name, MISSING_VALUE),)) == sizes[OVERALL]]
        absent += [name for name in everywhere if name not in found]  # a group has rows in several slices
        if absent:
            raise PrivacyInputError(
                f"a slicing spec names the feature '{absent[0]}', which no example has: correct "
                'eval_config.slicing_specs or PrivacyConfig.slicing_specs.'
            )
