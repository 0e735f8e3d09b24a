"""A result in a few lines, for a terminal, a log or a prompt."""

from __future__ import annotations

from privacy_component.evaluation.result import PrivacyResult
from privacy_component.gate.verdict import Comparison
from privacy_component.report import check_rows, wording
from privacy_component.report.ranking import Row, ranked_slices, worst_row

_REASONS_SHOWN = 3


def summary(result: PrivacyResult) -> str:
    """The verdict, the first reasons and the worst figure."""
    lines = [f'Privacy: {wording.verdict_word(result.verdict)}. {wording.headline(result.verdict)}']
    reasons, warnings = (result.verdict.reasons, result.verdict.warnings) if result.verdict else ((), ())
    lines += [f'  - {wording.visible(reason)}' for reason in reasons[:_REASONS_SHOWN]]
    lines += [f'  - and {len(reasons) - _REASONS_SHOWN:,} more reasons'] if len(reasons) > _REASONS_SHOWN else []
    row, worst = worst_row(result, ranked_slices(result))
    lines += [f'  Worst: {figure_line(row, worst)}'] if row else []
    checked = check_rows.soundness_line(result.checks)
    lines += [f'  Is the measurement sound? {checked}'] if checked else []
    lines += [f'  Warnings: {len(warnings):,}, the first: {wording.visible(warnings[0])}'] if warnings else []
    return '\n'.join(lines)


def figure_line(row: Row, worst: Comparison | None) -> str:
    """The worst figure with its place, interval and limit."""
    metric = worst.metric if worst else 'auc'
    figure = row.figure(metric)
    limit = f', limit {worst.limit:g}' if worst else ''
    place = f'{row.slice}, {wording.visible(row.result.attack)}'
    if worst and worst.change:
        figures = f'{wording.comparison_value(worst)} {wording.interval(worst)}'.rstrip()
        return f'{place}: change of {metric} over the baseline = {figures}, allowed {worst.limit:g}'
    return f'{place}: {metric} = {wording.number(figure.value)} {wording.interval(figure)}'.rstrip() + limit
