"""A section for a model card: what was attacked and what was found, as JSON for Model Card Toolkit and as Markdown."""

from __future__ import annotations

import json
from typing import Any

from privacy_component.evaluation.result import PrivacyResult
from privacy_component.report.ranking import Row, ranked_slices
from privacy_component.report.wording import comparison_title, headline, interval, number, verdict_word, visible

_TITLE = 'Membership inference'
_WHAT = (
    'An attacker who sees what the model answers tries to tell examples that it was trained on from others. AUC 0.5 is '
    'guessing. What an attack finds is a lower limit of what can be found, no guarantee.'
)
_SLICES_SHOWN = 20


def model_card_json(result: PrivacyResult) -> str:
    """JSON with the fields `considerations` and `quantitative_analysis` of a Model Card Toolkit card (schema 0.0.2)."""
    metrics = [
        _metric(rows[0]) for rows in ranked_slices(result)[:_SLICES_SHOWN] if rows[0].figure('auc').value is not None
    ]
    risk = {'name': f'{_TITLE}: {verdict_word(result.verdict)}', 'mitigation_strategy': ' '.join(_sentences(result))}
    card = {
        'considerations': {'ethical_considerations': [risk]},
        'quantitative_analysis': {'performance_metrics': metrics},
    }
    return json.dumps(card, indent=1)


def model_card_markdown(result: PrivacyResult) -> str:
    """A section in Markdown."""
    lines = [
        f'## {_TITLE}',
        '',
        _WHAT,
        '',
        f'**{verdict_word(result.verdict)}.** {_cell(headline(result.verdict))}',
        '',
    ]
    lines += [f'- {_cell(sentence)}' for sentence in _sentences(result)[1:]]
    lines += ['', '| slice | attack | AUC | interval | outcome |', '|---|---|--:|---|---|']
    for rows in ranked_slices(result)[:_SLICES_SHOWN]:
        row, figure = rows[0], rows[0].figure('auc')
        cells = (row.slice, row.result.attack, number(figure.value), interval(figure), row.word)
        lines.append(f'| {" | ".join(map(_cell, cells))} |')
    record = result.record
    known = [('Model', record.model_fingerprint), ('Evaluated', record.started), ('Limits', _limits(result))]
    lines += ['', *(f'{name}: {_cell(value)}  ' for name, value in known if value)]
    return '\n'.join([*lines, ''])


def _metric(row: Row) -> dict[str, Any]:
    figure = row.figure('auc')
    found = {'type': f'attack AUC of {visible(row.result.attack)}', 'value': number(figure.value), 'slice': row.slice}
    if figure.lower is None or figure.upper is None:
        return found
    return found | {
        'confidence_interval': {'lower_bound': number(figure.lower), 'upper_bound': number(figure.upper)},
    }


def _sentences(result: PrivacyResult) -> list[str]:
    reasons = result.verdict.reasons if result.verdict else ()
    return [_WHAT, *map(visible, reasons[:5])]


def _limits(result: PrivacyResult) -> str:
    limits = {f'{comparison_title(c)} {c.limit:g}' for c in (result.verdict.comparisons if result.verdict else ())}
    return ', '.join(sorted(limits))


def _cell(text: str) -> str:
    """Text that is no markup, whatever names the data hold."""
    for mark in ('\\', '|', '*', '_', '`', '[', ']', '#'):
        text = text.replace(mark, f'\\{mark}')
    return visible(text).replace('<', '&lt;')
