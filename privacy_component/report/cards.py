"""The few figures beside the verdict, each with its meaning in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from privacy_component.gate.verdict import Comparison
from privacy_component.report import wording
from privacy_component.report.ranking import Row, beside


def cards(slices: Sequence[Sequence[Row]], row: Row | None, worst: Comparison | None) -> list[dict[str, str]]:
    """What to show beside the verdict.

    Args:
      slices: all rows, slice by slice.
      row: the worst row, if any.
      worst: the worst comparison, if any; its metric is shown.

    Returns:
      Cards of texts: title, figure, detail, where, meaning.
    """
    if row is None:
        return []
    metric = worst.metric if worst else 'auc'
    first = _change_card(row, worst) if worst and worst.change else _figure_card('Worst figure', row, metric, worst)
    others = [other for other in beside(row, slices) if other.figure('auc').value is not None]
    return [
        first,
        *(_figure_card('All examples' if o.is_overall else 'Worst other slice', o, 'auc', None) for o in others),
    ]


def _figure_card(title: str, row: Row, metric: str, comparison: Comparison | None) -> dict[str, str]:
    figure = row.figure(metric)
    assert figure.value is not None
    limit = f'limit\N{NO-BREAK SPACE}{comparison.limit:g}' if comparison else ''
    bound = comparison.corrected_bound if comparison else None
    decides = f'deciding bound\N{NO-BREAK SPACE}{wording.number(bound)}' if bound is not None else ''
    return {
        'title': title,
        'figure': f'{wording.metric_title(metric)} {wording.number(figure.value)}',
        'detail': ' · '.join(filter(None, (wording.interval(figure), decides, limit))),
        'where': f'{row.slice} · {wording.visible(row.result.attack)}',
        'meaning': wording.meaning(metric, figure.value),
    }


def _change_card(row: Row, c: Comparison) -> dict[str, str]:
    interval = wording.interval(c)
    return {
        'title': 'Worst change',
        'figure': f'{wording.metric_title(c.metric)} {wording.comparison_value(c)}',
        'detail': ' · '.join(filter(None, (interval, f'allowed\N{NO-BREAK SPACE}{c.limit:g}'))),
        'where': f'{row.slice} · {wording.visible(row.result.attack)}',
        'meaning': 'By how much the attack finds more in this model than in the baseline model, on the same examples.',
    }
