"""The report's tables: every slice and attack, every comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from privacy_component.evaluation.result import PrivacyResult
from privacy_component.gate.worst import worst_first
from privacy_component.metrics.slice_result import INCONCLUSIVE
from privacy_component.report import wording
from privacy_component.report.facts import rule
from privacy_component.report.plots import symbol, tone
from privacy_component.report.ranking import Row, severity, slice_word

_STANDARD = (
    'auc', 'advantage', 'tpr_at_fpr_0.1', 'tpr_at_fpr_0.01', 'tpr_at_fpr_0.001', 'tnr_at_fnr_0.01', 'tnr_at_fnr_0.001',
    'empirical_epsilon',
)  # fmt: skip


def metric_names(result: PrivacyResult) -> tuple[list[str], list[str]]:
    """Metrics of the main table, those with a limit among them, and all others."""
    present = dict.fromkeys(name for one in result.results for name in one.metrics)
    compared = {c.metric for c in result.verdict.comparisons} if result.verdict else set()
    main = [name for name in present if name in _STANDARD or name in compared]
    return main, [name for name in present if name not in main]


def slice_rows(slices: Sequence[Sequence[Row]], metrics: Sequence[str], is_short: bool) -> list[dict[str, Any]]:
    """One entry for each slice, by its worst attack, with its attacks folded in.

    Args:
      slices: the rows of each slice, worst first.
      metrics: a cell for each.
      is_short: leaves out intervals of folded attacks but for the AUC, so that a large page stays small.
    """
    return [
        {
            **table_row(rows[0], metrics),
            **_named(slice_word(rows)),
            'features': ' x '.join(
                dict.fromkeys(wording.visible(n.removeprefix('@')) for n, _ in rows[0].result.slice_key)
            ),
            'attacks': [_attack_row(row, metrics, is_short) for row in rows] if len(rows) > 1 else [],
        }
        for rows in slices
    ]


def table_row(row: Row, metrics: Sequence[str]) -> dict[str, Any]:
    """One attack on one slice, with a cell for each of `metrics`."""
    return {
        'slice': row.slice,
        'overall': row.is_overall,
        'attack': wording.visible(row.result.attack),
        'num_members': row.result.num_members,
        'num_non_members': row.result.num_non_members,
        'weights': _weights(row),
        'cells': [_cell(row, metric) for metric in metrics],
        **_outcome(row),
    }


def _attack_row(row: Row, metrics: Sequence[str], is_short: bool) -> dict[str, Any]:
    cells = [_cell(row, metric) for metric in metrics]
    if is_short:
        cells = [
            cell | {'interval': cell['interval'] if metric == 'auc' else '', 'note': ''}
            for cell, metric in zip(cells, metrics, strict=True)
        ]
    return {'attack': wording.visible(row.result.attack), 'cells': cells, **_outcome(row)}


def comparison_rows(result: PrivacyResult) -> list[dict[str, Any]]:
    """The gate's comparisons, worst first."""
    comparisons = result.verdict.comparisons if result.verdict else ()
    ranked = sorted(comparisons, key=worst_first)
    return [
        {
            'slice': wording.readable_slice(c.slice_key, result.record.class_names or ()),
            'attack': wording.visible(c.attack),
            'metric': wording.comparison_title(c),
            'limit': f'{c.limit:g}',
            'rule': rule(c.block_if),
            'value': wording.comparison_value(c),
            'interval': wording.interval(c),
            'raw_bound': wording.number(c.raw_bound),
            'raw_sort': _sort(c.raw_bound),
            'bound': wording.number(c.corrected_bound),
            'sort': _sort(c.value),
            'bound_sort': _sort(c.corrected_bound),
            **_named(wording.outcome_word(c.outcome, [c])),
            'note': wording.visible(c.note),
        }
        for c in ranked
    ]


def vulnerable_rows(result: PrivacyResult) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the members at the highest risk: ids and scores."""
    names = dict.fromkeys(name for member in result.most_vulnerable for name in member)
    rows = [[_plain(member.get(name)) for name in names] for member in result.most_vulnerable]
    return [wording.visible(name).replace('_', ' ') for name in names], rows


def _weights(row: Row) -> list[dict[str, str]]:
    """Cells with the sums of the members' and the non-members' weights; empty where there are none."""
    sums = row.result.sums_of_weights or {}
    return [
        {'text': '', 'sort': ''} if value is None else {'text': wording.weight(value), 'sort': _sort(value)}
        for value in map(sums.get, ('members', 'non_members'))
    ]


def _plain(value: Any) -> str:
    return wording.number(value) if isinstance(value, float) or value is None else wording.visible(value)


def _cell(row: Row, metric: str) -> dict[str, str]:
    figure = row.figure(metric)
    if figure.value is None:
        return {'text': '', 'interval': '', 'sort': '', 'note': wording.why_missing(row.result, metric)}
    return {
        'text': wording.number(figure.value),
        'interval': wording.interval(figure),
        'sort': _sort(figure.value),
        'note': '',
    }


def _sort(value: float | None) -> str:
    return '' if value is None else repr(float(value))


def _outcome(row: Row) -> dict[str, Any]:
    notes = [f'{wording.comparison_title(c)} {wording.outcome_word(c.outcome, [c])}' for c in row.comparisons]
    if row.result.status == INCONCLUSIVE:
        notes = ['too few examples']
    elif len(notes) < 2:
        notes = []
    return {**_named(row.word), 'note': ', '.join(notes)}


def _named(word: str) -> dict[str, Any]:
    """An outcome with its style, its mark, and its place in the order from the worst."""
    return {'outcome': tone(word), 'word': word, 'severity': severity(word), 'label': f'{symbol(word)} {word}'}
