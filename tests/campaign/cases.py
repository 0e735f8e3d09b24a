"""All cases, family by family."""

from __future__ import annotations

import collections

from tests.campaign import artifacts, files, models, people, rows, settings, slices, upstream
from tests.campaign.case import Case

_MODULES = (files, artifacts, settings, models, rows, people, slices, upstream)


def all_cases() -> list[Case]:
    return [case for module in _MODULES for case in module.cases()]


def numbers() -> collections.Counter[str]:
    """How many cases each family has, those included that are tests of their own."""
    from tests.campaign import test_generated, test_outputs, test_processes

    counted = collections.Counter(case.family for case in all_cases())
    for module in (test_generated, test_outputs, test_processes):
        counted.update(module.NUM_CASES)
    return counted
