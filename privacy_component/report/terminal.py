"""For a terminal: tables of an evaluation, of past ones and of two side by side, and what is being waited for."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from privacy_component.errors import PrivacyInputError
from privacy_component.evaluation.past_evaluation import Pair, PastEvaluation
from privacy_component.evaluation.result import PrivacyResult
from privacy_component.gate.history import BLESSED, BLESSED_OVER_REFUSAL
from privacy_component.gate.verdict import EXCEEDED
from privacy_component.metrics.registry import Estimate
from privacy_component.report.ranking import Row, ranked_slices
from privacy_component.report.summary import summary
from privacy_component.report.wording import (
    MISSING,
    comparison_title,
    comparison_value,
    interval,
    metric_title,
    number,
    verdict_word,
    visible,
)

if TYPE_CHECKING:
    from rich.progress import Progress, Task
    from rich.table import Table

_FIGURES = {
    'worst_auc': 'AUC',
    'overall_auc': 'overall AUC',
    'overall_tnr_at_fnr_0.01': 'TNR at 1 % FNR',
    'accuracy_non_members': 'accuracy',
}
_MOST_SLICES = 20
_WIDTH_OF_A_PIPE = 200  # nobody wants a column cut where the next program reads it


def print_history(past: Sequence[PastEvaluation]) -> None:
    """A row for each evaluation, the oldest first."""
    table = _table('evaluated', 'run', 'model', 'verdict', 'worst slice', 'attack', *_FIGURES.values())
    for one in past:
        word = 'BLESSED' if one.outcome in (BLESSED, BLESSED_OVER_REFUSAL) else one.outcome.upper().replace('_', ' ')
        cells = [one.evaluated, one.run, one.model, word, one.worst_slice, one.worst_attack]
        _add(table, [*cells, *(number(one.figures.get(name)) for name in _FIGURES)], is_bad=word != 'BLESSED')
    _print(table)


def print_result(result: PrivacyResult) -> None:
    """The verdict, and for each slice the attack that speaks most against the model, the worst slices first."""
    print(summary(result))
    slices = ranked_slices(result)
    table = _table('slice', 'attack', 'members / others', 'figure', 'limit', 'outcome')
    table.collapse_padding = True
    for column in table.columns[1], table.columns[3]:
        column.no_wrap = True  # a slice's name is the one to fold where a terminal is narrow
    for row, *_ in slices[:_MOST_SLICES]:
        sizes = f'{row.result.num_members:,} / {row.result.num_non_members:,}'
        cells = [row.slice, row.result.attack, sizes, *_figure(row), row.word]
        _add(table, cells, is_bad=row.outcome == EXCEEDED)
    _print(table)
    if len(slices) > _MOST_SLICES:
        print(f'{len(slices) - _MOST_SLICES:,} more slices are in the report.')


def _figure(row: Row) -> list[str]:
    """What was compared with the limit that speaks most against the model; the AUC where there is none."""
    if row.worst is None:
        auc = row.figure('auc')
        return [f'{metric_title("auc")} {number(auc.value)} {interval(auc)}'.rstrip(), MISSING]
    figure = f'{comparison_title(row.worst)} {comparison_value(row.worst)} {interval(row.worst)}'.rstrip()
    return [figure, f'{row.worst.limit:g}']


@contextlib.contextmanager
def waiting(on_what: Callable[[], str]) -> Iterator[None]:
    """While it lasts, a terminal shows on stderr what is being waited for and how long it has lasted by now."""
    with _progress(lambda _: on_what()) as progress:
        progress.add_task('', total=None)
        yield


def each_attack(attacks: Sequence[str]) -> Iterator[str]:
    """Each attack, while a terminal or a notebook shows which one runs, how many are done and for how long."""
    with _progress(
        lambda task: f'{task.description} ({task.completed:.0f} of {task.total:.0f} attacks done)'
    ) as progress:
        shown = progress.add_task('', total=len(attacks))
        for attack in attacks:
            progress.update(shown, description=attack)
            yield attack
            progress.advance(shown)


def _progress(text_of: Callable[[Task], str]) -> Progress:
    """A line on stderr; `text_of` is asked anew whenever it is drawn."""
    try:
        from rich.console import Console
        from rich.progress import Progress, ProgressColumn, SpinnerColumn, TimeElapsedColumn
        from rich.text import Text
    except ModuleNotFoundError as error:
        raise _needs_rich() from error

    class Words(ProgressColumn):
        """What is under way."""

        def render(self, task: Task) -> Text:
            return Text(visible(text_of(task)), overflow='ellipsis', no_wrap=True)

    console = Console(stderr=True)
    is_seen = console.is_terminal or console.is_jupyter
    columns = (SpinnerColumn(), TimeElapsedColumn(), Words())
    return Progress(*columns, console=console, transient=True, disable=not is_seen)


def print_side_by_side(first: PrivacyResult, second: PrivacyResult, pairs: Sequence[Pair]) -> None:
    """Both verdicts, and the AUC of every slice and attack in either."""
    for name, result in (('first', first), ('second', second)):
        print(f'{name}: {verdict_word(result.verdict)}, {visible(result.record.model_uri or "no model recorded")}')
    table = _table('slice', 'attack', 'first', '', 'second', '', 'change')
    for pair in pairs:
        cells = [*_auc(pair.first), *_auc(pair.second)]
        change = MISSING if pair.change is None else f'{pair.change:+.3f}'
        _add(table, [pair.slice, pair.attack, *cells, change], is_bad=False)
    _print(table)


def _auc(estimate: Estimate | None) -> tuple[str, str]:
    return (MISSING, '') if estimate is None else (number(estimate.value), interval(estimate))


def _table(*columns: str) -> Table:
    try:
        from rich import box
        from rich.table import Table
    except ModuleNotFoundError as error:
        raise _needs_rich() from error
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow='fold')
    return table


def _needs_rich() -> PrivacyInputError:
    return PrivacyInputError("tables need rich: pip install 'privacy-component[report]'.")


def _add(table: Table, cells: Sequence[object], is_bad: bool) -> None:
    from rich.text import Text

    table.add_row(*(Text(visible(cell)) for cell in cells), style='red' if is_bad else '')


def _print(table: Table) -> None:
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE, highlight=False).print(table)
