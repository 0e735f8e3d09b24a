"""A result as pictures for a notebook or a paper, drawn by matplotlib."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from privacy_component.errors import PrivacyInputError
from privacy_component.evaluation.result import PrivacyResult
from privacy_component.report.plots import BLUE, GREY, RED
from privacy_component.report.ranking import Row, ranked_slices, worst_row
from privacy_component.report.wording import metric_title, visible

_SLICES_SHOWN = 20
_LINES = ('-', '--', '-.', ':')  # so that lines are told apart without colours


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture that a notebook shows as it is.

    Attributes:
      figure: matplotlib's, to change or to save.
    """

    figure: Figure

    def _repr_svg_(self) -> str:
        out = io.StringIO()
        with rc_context({'svg.hashsalt': 'privacy'}):  # the same result, the same bytes
            FigureCanvasSVG(self.figure).print_svg(out, metadata={'Date': None})
        return out.getvalue()

    def save(self, path: str | Path) -> None:
        """Writes it; the ending of the name says as what: .png, .svg or .pdf."""
        self.figure.savefig(path, dpi=150)


def plot_slices(result: PrivacyResult, metric: str = 'auc') -> Picture:
    """A metric with its interval in every slice, the worst attack of each, worst slices first.

    Raises:
      PrivacyInputError: no slice has the metric.
    """
    rows = [rows[0] for rows in ranked_slices(result) if rows[0].figure(metric).value is not None][:_SLICES_SHOWN]
    if not rows:
        raise PrivacyInputError(f"no slice has the metric '{metric}': name one of those in result.to_frame().")
    figure = Figure(figsize=(7, 1.2 + 0.3 * len(rows)), layout='constrained')
    axes = figure.subplots()
    for place, row in enumerate(rows):
        _dot(axes, place, row, metric)
    axes.set_yticks(range(len(rows)), [f'{row.slice} · {visible(row.result.attack)}' for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel(metric_title(metric))
    axes.grid(axis='x', linewidth=0.4)
    return Picture(figure)


def plot_roc(result: PrivacyResult) -> Picture:
    """The ROC of every attack on all examples, on logarithmic axes."""
    rows = _of_all_examples(result, lambda row: row.result.curve is not None)
    figure = Figure(figsize=(6, 5), layout='constrained')
    axes = figure.subplots()
    for number, row in enumerate(rows):
        curve = row.result.curve
        assert curve is not None
        style = _LINES[number // 10 % len(_LINES)]
        false_positives = np.asarray(curve.false_positives) / curve.num_non_members
        true_positives = np.asarray(curve.true_positives) / curve.num_members
        axes.plot(false_positives, true_positives, style, drawstyle='steps-post', label=visible(row.result.attack))
    least = 1 / max(row.result.num_non_members for row in rows)
    axes.plot([least, 1], [least, 1], color=GREY, linewidth=0.8, linestyle=':', label='guessing')
    axes.set(xscale='log', yscale='log', xlim=(least, 1), ylim=(least, 1))
    axes.set(xlabel='false positive rate: non-members accused', ylabel='true positive rate: members found')
    axes.legend(fontsize=8)
    return Picture(figure)


def plot_scores(result: PrivacyResult, attack: str = '') -> Picture:
    """How an attack's scores of members and of non-members are spread, on all examples.

    Args:
      result: of an evaluation.
      attack: by name; the worst one's if left out.
    """
    worst, _ = worst_row(result, ranked_slices(result))
    wanted = attack or (worst.result.attack if worst else '')
    rows = _of_all_examples(result, lambda row: row.result.histogram is not None and row.result.attack == wanted)
    histogram = rows[0].result.histogram
    assert histogram is not None
    figure = Figure(figsize=(6, 4), layout='constrained')
    axes = figure.subplots()
    for counts, label, colour, style in (
        (histogram.members, 'members', RED, '-'),
        (histogram.non_members, 'non-members', BLUE, '--'),
    ):
        shares = np.asarray(counts) / max(sum(counts), 1)
        axes.stairs(shares, histogram.edges, label=label, color=colour, linestyle=style)
    axes.set(xlabel=f'score of {visible(wanted)}', ylabel='share of the side')
    axes.legend()
    return Picture(figure)


def _of_all_examples(result: PrivacyResult, is_wanted: Callable[[Row], bool]) -> Sequence[Row]:
    rows = [row for rows in ranked_slices(result) for row in rows if row.is_overall and is_wanted(row)]
    if not rows:
        raise PrivacyInputError('there is nothing to draw of all examples together: no such attack was measured there.')
    return rows


def _dot(axes: Axes, place: int, row: Row, metric: str) -> None:
    figure, worst = row.figure(metric), row.worst
    is_bad = worst is not None and worst.outcome == 'exceeded'
    colour, marker = (RED, 'D') if is_bad else (BLUE, 'o')
    if figure.lower is not None and figure.upper is not None:
        axes.plot([figure.lower, figure.upper], [place, place], color=colour, linewidth=1.5)
    assert figure.value is not None
    axes.plot([figure.value], [place], marker, color=colour)
    for comparison in row.comparisons:
        if comparison.metric == metric and not comparison.change:
            axes.plot([comparison.limit], [place], '|', color=GREY, markersize=14)
