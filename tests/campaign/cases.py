"""All cases, family by family."""

from __future__ import annotations

from tests.campaign import artifacts, files, models, rows, settings, upstream
from tests.campaign.case import Case

_MODULES = (files, artifacts, settings, models, rows, upstream)


def all_cases() -> list[Case]:
    return [case for module in _MODULES for case in module.cases()]
