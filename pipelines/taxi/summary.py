"""What people read at the end of a run."""

import os

from rich import box
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from privacy_component.gate.worst import worst_comparison

MAX_REASONS = 4


def verdict_panel(outcome):
    """Returns a panel that says whether the model may be pushed, and why not."""
    verdict = outcome.privacy.verdict
    shown = [escape(reason) for reason in verdict.reasons[:MAX_REASONS]]
    if len(verdict.reasons) > MAX_REASONS:
        shown.append(f'... and {len(verdict.reasons) - MAX_REASONS} more in the report.')
    return Panel('\n'.join(shown), title=f'{outcome.name}: {_verdict(outcome)}', title_align='left')


def table(outcomes):
    """Returns a table with a column per run."""
    rows = Table('', *(outcome.name for outcome in outcomes), box=box.SIMPLE_HEAD)
    for heading, cell in _CELLS.items():
        rows.add_row(heading, *(cell(outcome) for outcome in outcomes))
    return rows


def paths(outcomes):
    """Returns one line for each file to look at."""
    reports = [f'Report on {outcome.name}: {os.path.relpath(outcome.report)}' for outcome in outcomes]
    models = [
        f'Pushed {outcome.name} to {os.path.relpath(outcome.pushed_to)}' for outcome in outcomes if outcome.pushed_to
    ]
    return escape('\n'.join(reports + models))


def _worst(outcome):
    """What report and ML Metadata call the worst, too."""
    return worst_comparison(outcome.privacy.verdict.comparisons)


def _worst_figure(outcome):
    worst = _worst(outcome)
    return f'{worst.metric} {worst.value:.3f} [{worst.lower:.3f}, {worst.upper:.3f}]'


def _verdict(outcome):
    return '[green]BLESSED[/]' if outcome.privacy.verdict.blessed else '[red]BLOCKED[/]'


_CELLS = {
    'accuracy on eval': lambda outcome: f'{outcome.accuracy:.3f}',
    'DP-SGD epsilon': lambda outcome: f'{outcome.epsilon:.2f}' if outcome.epsilon is not None else 'none',
    'worst slice': lambda outcome: escape(_worst(outcome).slice),
    'worst attack': lambda outcome: _worst(outcome).attack,
    'figure': lambda outcome: escape(_worst_figure(outcome)),
    'limit': lambda outcome: f'{_worst(outcome).limit:g}',
    'verdict': _verdict,
    'pushed': lambda outcome: 'yes' if outcome.pushed_to else 'no',
}
