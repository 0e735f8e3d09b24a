"""A result in a notebook: the verdict and the worst figure of the worst slices; the report is one call away."""

from __future__ import annotations

from markupsafe import Markup

from privacy_component.evaluation.result import PrivacyResult
from privacy_component.report import wording
from privacy_component.report.ranking import Row, ranked_slices

_SLICES_SHOWN = 8
_REASONS_SHOWN = 3
_COLOURS = {'BLESSED': '#0067A3', 'BLOCKED': '#B84A00'}
_CELL = Markup('<td style="text-align: {}; padding: 2px 10px">{}</td>')


def card(result: PrivacyResult) -> str:
    """HTML without scripts and style sheets, whatever names the data hold."""
    word = wording.verdict_word(result.verdict)
    slices = ranked_slices(result)
    reasons = result.verdict.reasons if result.verdict else ()
    items = Markup().join(Markup('<li>{}</li>').format(wording.visible(reason)) for reason in reasons[:_REASONS_SHOWN])
    rows = Markup().join(_row(rows[0]) for rows in slices[:_SLICES_SHOWN])
    left = len(slices) - _SLICES_SHOWN
    more = f'{left:,} more slices. ' if left > 0 else ''
    return str(
        Markup(
            '<div style="border-left: 5px solid {}; padding: 4px 12px; max-width: 60em">'
            '<p style="margin: 0"><strong>{}</strong> {}</p><ul style="margin: 4px 0">{}</ul>'
            '<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>'
            '<p style="margin: 4px 0; opacity: .75">{}<code>.report(path)</code> writes the whole report, '
            '<code>.to_frame()</code> gives every figure.</p></div>'
        ).format(_COLOURS.get(word, '#5B6470'), word, wording.headline(result.verdict), items, _head(), rows, more)
    )


def _head() -> Markup:
    titles = ('slice', 'worst attack', 'AUC', 'interval', 'outcome')
    return Markup().join(Markup('<th style="padding: 2px 10px">{}</th>').format(title) for title in titles)


def _row(row: Row) -> Markup:
    figure = row.figure('auc')
    texts = (row.slice, wording.visible(row.result.attack))
    numbers = (wording.number(figure.value), wording.interval(figure))
    cells = [('left', text) for text in texts] + [('right', text) for text in numbers] + [('left', row.word)]
    return Markup('<tr>{}</tr>').format(Markup().join(_CELL.format(side, text) for side, text in cells))
