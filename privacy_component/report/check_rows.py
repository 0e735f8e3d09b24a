"""Is the measurement sound? What the checks found, for the report."""

from __future__ import annotations

from collections.abc import Sequence

from privacy_component.checks import CHECKS, NOT_RUN, OK, REFUSED, WARNING, Check
from privacy_component.report.remedies import is_large_gap
from privacy_component.report.wording import visible

_STATUS = {OK: 'ok', WARNING: 'warning', REFUSED: 'refused', NOT_RUN: 'not run'}
_WORST_FIRST = (REFUSED, WARNING)


def check_rows(checks: Sequence[Check]) -> list[dict[str, str]]:
    """One dict of texts for each check: name, status, what was found, what a finding means."""
    return [
        {
            'name': visible(check.name),
            'status': _status(check),
            'found': visible(check.message),
            'meaning': CHECKS[check.name].meaning if check.name in CHECKS else '',
        }
        for check in checks
    ]


def _status(check: Check) -> str:
    """A gap that is no fault of the measurement is still not in order: it is what overfitting looks like."""
    if check.name == 'accuracy_gap' and check.status == OK and is_large_gap(check):
        return 'overfitted'
    return _STATUS.get(check.status, visible(check.status))


def soundness(checks: Sequence[Check]) -> str:
    """'1 refused (duplicates_across_splits), 1 warning (blind_baseline)'; empty where nothing was found."""
    found = {status: [visible(c.name) for c in checks if c.status == status] for status in _WORST_FIRST}
    return ', '.join(f'{len(names)} {_STATUS[status]} ({", ".join(names)})' for status, names in found.items() if names)


def soundness_line(checks: Sequence[Check]) -> str:
    """The same for a terminal, where there were checks."""
    not_run = sum(check.status == NOT_RUN for check in checks)
    rest = f'{sum(_status(check) == _STATUS[OK] for check in checks)} ok' + (f', {not_run} not run' if not_run else '')
    return ', '.join(filter(None, (soundness(checks), rest))) if checks else ''
