"""What to draw of a result: which slices, which attacks, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from privacy_component.evaluation.gaps import CONFIDENCE, ENTROPY, gap_of
from privacy_component.evaluation.result import PrivacyResult
from privacy_component.gate.worst import guessing
from privacy_component.report import plots, wording
from privacy_component.report.ranking import Row

_SLICES_IN_PLOT = 15
_ATTACKS_IN_PLOT = 2
_TAILS = ('tpr_at_fpr_0.01', 'tpr_at_fpr_0.001', 'tnr_at_fnr_0.01', 'tnr_at_fnr_0.001')
_GAPS = {CONFIDENCE: 'Confidence in the label', ENTROPY: 'Uncertainty (normalised entropy)'}


def pictures(result: PrivacyResult, slices: Sequence[Sequence[Row]], worst: Row | None) -> dict[str, Any]:
    """All pictures of the page, as positions and texts."""
    looked_at = _looked_at(slices, worst)
    return {
        'forest': _forest(result, slices),
        'rocs': [(rows[0].slice, drawn) for rows in looked_at if (drawn := plots.roc(rows))],
        'histograms': [
            (f'{rows[0].slice} · {wording.visible(row.result.attack)}', drawn)
            for rows in looked_at
            for row in _attack_of(rows, worst)
            if (drawn := plots.histogram(row))
        ],
        'gaps': [drawn for rows in looked_at for row in rows for drawn in _gap(result, row)],
        'tails': _tails(looked_at),
    }


def _looked_at(slices: Sequence[Sequence[Row]], worst: Row | None) -> list[Sequence[Row]]:
    """All examples, and the worst slice if that is another."""
    return [rows for rows in slices if rows[0].is_overall or (worst is not None and worst in rows)]


def _attack_of(rows: Sequence[Row], worst: Row | None) -> list[Row]:
    """The worst attack's row, on whichever slice."""
    wanted = worst.result.attack if worst else rows[0].result.attack
    return [row for row in rows if row.result.attack == wanted]


def _forest(result: PrivacyResult, slices: Sequence[Sequence[Row]]) -> dict[str, Any]:
    shown = [list(rows[:_ATTACKS_IN_PLOT]) for rows in slices if plots.is_drawn(rows)][:_SLICES_IN_PLOT]
    comparisons = result.verdict.comparisons if result.verdict else ()
    limited = dict.fromkeys(c.metric for c in comparisons if not c.change)
    metric = 'auc' if 'auc' in limited else next(iter(limited), 'auc')
    drawn = plots.dot_plot(shown, metric)
    words = dict.fromkeys(row['word'] for group in drawn['groups'] for row in group['rows'])
    return {
        **drawn,
        'metric': wording.metric_title(metric),
        'words': [(plots.tone(word), plots.symbol(word), word) for word in words],
        'is_cut': sum(map(len, shown)) < len(result.results),
        'limits': [
            f'{limit:g}' for limit in sorted({c.limit for c in comparisons if c.metric == metric and not c.change})
        ],
        'has_changes': any(c.change for c in comparisons),
    }


def _gap(result: PrivacyResult, row: Row) -> list[dict[str, Any]]:
    gap = gap_of(row.result, result.record)
    return [] if gap is None else [plots.gap_plot(row, gap, _GAPS[row.result.attack]) | {'slice': row.slice}]


def _tails(looked_at: Sequence[Sequence[Row]]) -> list[tuple[str, list[dict[str, Any]]]]:
    metrics = [(name, wording.metric_title(name), guessing(name)) for name in _TAILS]
    drawn = [(rows[0].slice, [one for one in plots.tails(rows, metrics) if one['rows']]) for rows in looked_at]
    return [(title, plots_of) for title, plots_of in drawn if plots_of]
