"""The report's two plots, as inline SVG whose bytes depend on the result alone."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from privacy_component.gate.verdict import EXCEEDED, PASSED, UNDECIDED
from privacy_component.metrics.registry import DEFAULT_RATES
from privacy_component.report.ranking import Row
from privacy_component.report.wording import interval, number, percent, shorten

RED, BLUE, GREY, INK = '#B84A00', '#0067A3', '#5B6470', '#1A1F26'
COLOURS = {EXCEEDED: RED, PASSED: BLUE}
SYMBOLS = {EXCEEDED: '◆', PASSED: '●', UNDECIDED: '□'}
OTHER_SYMBOL = '○'
_MARKERS = {'◆': 'D', '●': 'o', '□': 's', '○': 'o'}
_STYLE = {
    'svg.fonttype': 'none',  # text stays text: small, selectable, read aloud
    'svg.hashsalt': 'privacy_component',
    'font.family': 'DejaVu Sans',
    'font.size': 8.5,
    'text.parse_math': False,  # a slice name may hold dollar signs
    'text.color': INK,
    'axes.edgecolor': '#8A929C',
    'xtick.color': INK,
    'ytick.color': INK,
}


def forest(slices: Sequence[Sequence[Row]], limits: Sequence[float]) -> str:
    """AUC with interval of every row, slice under slice.

    Args:
      slices: the rows of each slice, in the order to draw.
      limits: AUC limits to mark.

    Returns:
      An <svg> element.
    """
    height = sum(len(rows) + 1.25 for rows in slices)
    with _style():
        figure = Figure(figsize=(6.2, 0.2 * height + 0.75))
        inches = figure.get_figheight()
        bottom, span = 0.42 / inches, 1 - 0.75 / inches
        page = figure.add_axes((0, bottom, 1, span), ylim=(height, 0), xlim=(0, 1))
        axes = figure.add_axes((0.27, bottom, 0.46, span), ylim=(height, 0))
        page.axis('off')
        _forest_frame(axes)
        top = 0.0
        for rows in slices:
            _forest_slice(page, axes, rows, top, limits)
            top += len(rows) + 1.25
        return _svg(figure, 'forest')


def roc(rows: Sequence[Row]) -> str:
    """ROC curves on logarithmic axes, with TPR at 10, 1 and 0.1 % FPR.

    Args:
      rows: one or two rows; those without a curve are left out.

    Returns:
      An <svg> element.
    """
    drawn = [row for row in rows if row.result.curve is not None]
    most = max((row.result.num_non_members for row in drawn), default=1000)
    lowest = 10.0 ** -np.clip(np.ceil(np.log10(most)), 2, 5)
    with _style():
        figure = Figure(figsize=(4.6, 4.5))
        axes = figure.add_axes((0.165, 0.11, 0.785, 0.86))
        _roc_frame(axes, lowest)
        for row, (colour, line, marker) in zip(
            drawn, [(COLOURS.get(rows[0].outcome, GREY), '-', 'D'), (INK, '--', 'o')], strict=False
        ):
            _roc_curve(axes, row, lowest, colour, line)
            _roc_points(axes, row, colour, marker)
        axes.legend(loc='upper left', frameon=False, fontsize=8.5, handlelength=1.6)
        return _svg(figure, 'roc')


def _forest_frame(axes: Axes) -> None:
    axes.patch.set_visible(False)
    axes.tick_params(axis='y', left=False, labelleft=False)
    axes.tick_params(axis='x', top=True, labeltop=True)
    axes.spines[['left', 'right']].set_visible(False)
    axes.set_xlabel('AUC: how well the attack tells members from non-members')


def _forest_slice(page: Axes, axes: Axes, rows: Sequence[Row], top: float, limits: Sequence[float]) -> None:
    page.axhspan(top + 0.1, top + 1.05, color='#EEF1F5', lw=0)
    result = rows[0].result
    counts = f'{result.num_members:,} members / {result.num_non_members:,} non-members'
    page.text(0.012, top + 0.6, shorten(rows[0].slice, 46), va='center', weight='bold')
    page.text(0.99, top + 0.6, counts, va='center', ha='right', color=GREY, fontsize=7.5)
    ends = top + 1.1, top + 1.15 + len(rows)
    axes.vlines(0.5, *ends, color=GREY, linestyle=':', lw=1.2)
    axes.vlines(list(limits), *ends, color=RED, linestyle='--', lw=1.2)
    for i, row in enumerate(rows):
        _forest_row(page, axes, row, top + 1.6 + i)


def _forest_row(page: Axes, axes: Axes, row: Row, y: float) -> None:
    auc = row.figure('auc')
    page.text(0.025, y, shorten(row.result.attack, 25), va='center', fontsize=8)
    if auc.value is None:
        page.text(0.75, y, 'not measured', va='center', color=GREY, fontsize=8)
        return
    colour = COLOURS.get(row.outcome, GREY)
    if auc.lower is not None and auc.upper is not None:
        axes.plot([auc.lower, auc.upper], [y, y], color=colour, lw=1.8, solid_capstyle='butt')
    symbol = SYMBOLS.get(row.outcome, OTHER_SYMBOL)
    fill = colour if symbol in '◆●' else 'white'
    axes.plot([auc.value], [y], _MARKERS[symbol], color=colour, markerfacecolor=fill, markersize=5.5)
    weight = 'bold' if row.outcome == EXCEEDED else 'normal'
    page.text(0.75, y, f'{number(auc.value)} {interval(auc)}', va='center', fontsize=8, weight=weight)


def _roc_frame(axes: Axes, lowest: float) -> None:
    axes.set(xscale='log', yscale='log', xlim=(lowest, 1.15), ylim=(lowest, 1.15))
    ticks = 10.0 ** np.arange(round(np.log10(lowest)), 1)
    axes.set_xticks(ticks, [percent(tick) for tick in ticks])
    axes.set_yticks(ticks, [percent(tick) for tick in ticks])
    axes.minorticks_off()
    axes.grid(color='#E1E5EA', lw=0.8)
    axes.set_axisbelow(True)
    axes.spines[['top', 'right']].set_visible(False)
    axes.plot([lowest, 1], [lowest, 1], color=GREY, linestyle=':', lw=1.2, label='guessing')
    axes.set_xlabel('Non-members wrongly accused (FPR)')
    axes.set_ylabel('Members found (TPR)')


def _roc_curve(axes: Axes, row: Row, lowest: float, colour: str, line: str) -> None:
    curve = row.result.curve
    assert curve is not None
    # Zeros have no place on logarithmic axes: they are drawn on, or below, the frame.
    first = np.searchsorted(curve.false_positives, 0, side='right') - 1
    fpr = np.maximum(curve.false_positives[first:] / curve.num_non_members, lowest)
    tpr = np.maximum(curve.true_positives[first:] / curve.num_members, lowest / 10)
    axes.step(fpr, tpr, where='post', color=colour, linestyle=line, lw=1.8, label=shorten(row.slice, 44))


def _roc_points(axes: Axes, row: Row, colour: str, marker: str) -> None:
    for rate in DEFAULT_RATES:
        figure = row.figure(f'tpr_at_fpr_{rate:g}')
        if figure.value:
            if figure.lower is not None and figure.upper is not None:
                axes.plot([rate, rate], [figure.lower, figure.upper], color=colour, lw=1, alpha=0.6)
            axes.plot([rate], [figure.value], marker, color=colour, markersize=6, markeredgecolor='white')


@contextmanager
def _style() -> Iterator[None]:
    """Our style alone, whatever the user's matplotlibrc says, and no warnings about glyphs that browsers have."""
    with warnings.catch_warnings(), matplotlib.rc_context():
        warnings.filterwarnings('ignore', message='.*[Gg]lyph.*')
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def _svg(figure: Figure, name: str) -> str:
    text = io.StringIO()
    nothing: dict[str, Any] = dict.fromkeys(('Creator', 'Date', 'Format', 'Type'))
    FigureCanvasSVG(figure).print_svg(text, metadata=nothing)
    svg = text.getvalue()
    root, rest = svg[svg.index('<svg') :].split('>', 1)
    root = re.sub(r' (?:width|height)="[^"]*"', '', root)  # the page decides how wide it is
    return re.sub(r'<[^>]*>', lambda tag: _with_own_ids(tag[0], name), f'{root}>{rest}').strip()


def _with_own_ids(tag: str, name: str) -> str:
    """Two plots on a page must not share ids; matplotlib escapes '>' in attributes, so a match is a whole tag."""
    return re.sub(r'(\bid="|href="#|url\(#)', rf'\g<1>{name}-', tag)
