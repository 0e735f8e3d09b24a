"""The report's pictures as positions and paths, which the templates draw; they depend on the result alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privacy_component.gate.verdict import EXCEEDED, PASSED, UNDECIDED, Comparison
from privacy_component.metrics.curve import RocCurve
from privacy_component.metrics.registry import DEFAULT_RATES
from privacy_component.metrics.score_histogram import GapCurve, ScoreHistogram
from privacy_component.report.ranking import DIAGNOSTIC, UNJUDGED, Row
from privacy_component.report.wording import MISSING, NOT_SHOWN, interval, number, outcome_word, percent, visible

RED, BLUE, GREY = '#B84A00', '#0067A3', '#5B6470'
SYMBOLS = {EXCEEDED: '◆', PASSED: '●', NOT_SHOWN: '◐', UNDECIDED: '□'}
OTHER_SYMBOL = '○'
_OUTCOMES = {'not ruled out': EXCEEDED, 'inconclusive': UNDECIDED}
WIDTH, HEIGHT = 340.0, 250.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 20.0, 10.0, 38.0
_MOST_STEPS = 6


@dataclasses.dataclass(frozen=True)
class Axis:
    """A linear or logarithmic axis.

    Attributes:
      low, high: its ends.
      is_log: whether it is logarithmic.
    """

    low: float
    high: float
    is_log: bool = False

    def share(self, values: Any) -> NDArray[np.float64]:
        """Where values are between the ends, as shares of the length; those beyond are at an end."""
        inside = np.clip(np.asarray(values, np.float64), self.low, self.high)
        if self.is_log:
            return np.log(inside / self.low) / np.log(self.high / self.low)
        return (inside - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Round values from end to end."""
        if self.is_log:
            return [10.0**power for power in range(int(np.ceil(np.log10(self.low) - 1e-9)), 1)]
        step = _round_step((self.high - self.low) / _MOST_STEPS)
        return [
            float(tick) for tick in np.arange(np.ceil(self.low / step), np.floor(self.high / step + 1e-9) + 1) * step
        ]


def dot_plot(slices: Sequence[Sequence[Row]], metric: str) -> dict[str, Any]:
    """A metric with interval, deciding bound and limit, row under row.

    Args:
      slices: the rows of each slice, in the order to draw.
      metric: by name.

    Returns:
      Positions in percent of the width, and texts.
    """
    rows = [row for rows in slices for row in rows]
    axis = _axis_of([(row, _judged_by(row, metric)) for row in rows], metric)
    groups = [
        {
            'title': rows[0].slice,
            'counts': f'{rows[0].result.num_members:,} members, {rows[0].result.num_non_members:,} non-members',
            'rows': [_dot(row, metric, axis) for row in rows],
        }
        for rows in slices
    ]
    return {'groups': groups, 'ticks': [(_at(axis, tick), f'{tick:g}') for tick in axis.ticks()]}


def tails(rows: Sequence[Row], metrics: Sequence[tuple[str, str, float]]) -> list[dict[str, Any]]:
    """How far the strict ends of the ROC are from guessing, on a logarithmic axis.

    Args:
      rows: attacks on one slice.
      metrics: (name, title, what guessing reaches) of each.
    """
    axis = Axis(1e-4, 1.0, is_log=True)
    return [
        {
            'title': title,
            'ticks': [(_at(axis, tick), percent(tick)) for tick in axis.ticks()],
            'rows': [_dot(row, name, axis, guess) for row in rows if row.figure(name).value is not None],
        }
        for name, title, guess in metrics
    ]


def roc(rows: Sequence[Row]) -> dict[str, Any] | None:
    """ROC curves of several attacks on logarithmic axes; None where there is none."""
    drawn = [row for row in rows if row.result.curve is not None]
    if not drawn:
        return None
    most = max(row.result.num_non_members for row in drawn)
    axis = Axis(float(10.0 ** -np.clip(np.ceil(np.log10(max(most, 2))), 2, 5)), 1.0, is_log=True)
    lines = [(visible(row.result.attack), _roc_path(row.result.curve, axis)) for row in drawn if row.result.curve]
    ticks = [(tick, percent(tick)) for tick in axis.ticks()]
    found = [f'{visible(row.result.attack)}: {_found(row)}' for row in drawn]
    return {
        **_frame(axis, axis, ticks, ticks),
        'lines': lines,
        'guessing': _path(axis.share([axis.low, 1.0]), axis.share([axis.low, 1.0])),
        'text': f'ROC curves of {drawn[0].slice} on logarithmic axes. Members found, {"; ".join(found)}.',
    }


def histogram(row: Row) -> dict[str, Any] | None:
    """How the scores of members and non-members are spread; None where that was not counted."""
    counted = row.result.histogram
    if counted is None:
        return None
    return spread(
        counted,
        f'Scores of {visible(row.result.attack)} on {row.slice}: half of the members score above '
        f'{_median(counted, counted.members)}, half of the non-members above {_median(counted, counted.non_members)}.',
    )


def spread(counted: ScoreHistogram, text: str) -> dict[str, Any]:
    """How the scores of two sides are spread; `text` says so in words."""
    members, non_members = (_shares(side) for side in (counted.members, counted.non_members))
    x, y = Axis(counted.low, counted.high), Axis(0.0, float(max(members.max(), non_members.max(), 1e-9)) * 1.05)
    ticks = [(tick, f'{tick:.3g}') for tick in x.ticks()], [(tick, percent(tick)) for tick in y.ticks()]
    return {
        **_frame(x, y, *ticks),
        'members': _outline(counted, members, x, y),
        'non_members': _outline(counted, non_members, x, y),
        'text': text,
    }


def gap_plot(row: Row, gap: GapCurve, title: str) -> dict[str, Any]:
    """The two cumulative distributions of `GapCurve`, and where they are farthest apart."""
    axis = Axis(0.0, 1.0)
    ticks = [(tick, percent(tick)) for tick in axis.ticks()]
    at, sides = axis.share(gap.at), (gap.members, gap.non_members)
    widest = int(np.argmax(np.abs(gap.members - gap.non_members)))
    return {
        **_frame(axis, axis, ticks, ticks),
        'members': _path(at, axis.share(gap.members)),
        'non_members': _path(at, axis.share(gap.non_members)),
        'widest': _path(at[[widest, widest]], axis.share([side[widest] for side in sides])),
        'title': title,
        'max_gap': percent(gap.max_gap),
        'mean_gap': percent(gap.mean_gap),
        'text': f'{title} on {row.slice}: the distributions of members and non-members are at most '
        f'{percent(gap.max_gap)} apart, on average {percent(gap.mean_gap)}.',
    }


def _axis_of(rows: Sequence[tuple[Row, Comparison | None]], metric: str) -> Axis:
    """From end to end of all that is drawn, in round steps."""
    figures = [row.figure(metric) for row, _ in rows]
    values = [x for figure in figures for x in (figure.lower, figure.value, figure.upper)]
    values += [x for _, c in rows if c for x in (c.limit, c.corrected_bound)]
    known = [x for x in values if x is not None and np.isfinite(x)] or [0.0, 1.0]
    low, high = min(known), max(known)
    step = _round_step(max(high - low, 0.02) / _MOST_STEPS)
    return Axis(float(np.floor(low / step) * step), float(np.ceil(high / step + 1e-9) * step))


def _judged_by(row: Row, metric: str) -> Comparison | None:
    return next((c for c in row.worst_comparisons if c.metric == metric and not c.change), None)


def _dot(row: Row, metric: str, axis: Axis, guess: float | None = None) -> dict[str, Any]:
    figure, judged = row.figure(metric), _judged_by(row, metric)
    bound = judged.corrected_bound if judged else None
    word = outcome_word(judged.outcome, [judged]) if judged else UNJUDGED
    texts = [f'{number(figure.value)} {interval(figure)}'.strip()]
    texts += [f'bound {number(bound)}, limit {judged.limit:g}'] if judged and bound is not None else []
    return {
        'label': visible(row.result.attack),
        'word': word,
        'tone': tone(word),
        'symbol': symbol(word),
        'text': '; '.join(texts) if figure.value is not None else 'not measured',
        'value': _at(axis, figure.value),
        'lower': _at(axis, figure.lower),
        'upper': _at(axis, figure.upper),
        'bound': _at(axis, bound),
        'limit': _at(axis, judged.limit) if judged else '',
        'guess': _at(axis, guess),
    }


def _at(axis: Axis, value: float | None) -> str:
    return '' if value is None or not np.isfinite(value) else f'{100 * float(axis.share(value)):.2f}%'


def _found(row: Row) -> str:
    figures = [(rate, row.figure(f'tpr_at_fpr_{rate:g}').value) for rate in DEFAULT_RATES]
    return ', '.join(
        f'{MISSING if value is None else percent(value)} at {percent(rate)} wrongly accused' for rate, value in figures
    )


def _roc_path(curve: RocCurve, axis: Axis) -> str:
    """As steps; what is at zero has no place on logarithmic axes and is drawn at their ends."""
    fpr, tpr = curve.false_positives / curve.num_non_members, curve.true_positives / curve.num_members
    return _path(np.repeat(axis.share(fpr), 2)[1:], np.repeat(axis.share(tpr), 2)[:-1])


def _outline(counted: ScoreHistogram, shares: NDArray[np.float64], x: Axis, y: Axis) -> str:
    return _path(np.repeat(x.share(counted.edges), 2), np.concatenate([[0.0], np.repeat(y.share(shares), 2), [0.0]]))


def _shares(side: Sequence[int]) -> NDArray[np.float64]:
    counts = np.array(side, np.float64)
    return counts / max(counts.sum(), 1.0)


def _median(counted: ScoreHistogram, side: Sequence[int]) -> str:
    return f'{counted.edges[int(np.searchsorted(np.cumsum(side), sum(side) / 2))]:.3g}'


def _frame(
    x: Axis, y: Axis, x_ticks: Iterable[tuple[float, str]], y_ticks: Iterable[tuple[float, str]]
) -> dict[str, Any]:
    return {
        'x_ticks': [(f'{_x(x.share(tick)):.1f}', label) for tick, label in x_ticks],
        'y_ticks': [(f'{_y(y.share(tick)):.1f}', label) for tick, label in y_ticks],
    }


def _path(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    """An SVG path through shares of the frame's width and height, without points that no pixel tells apart."""
    points = [f'{a:.1f} {b:.1f}' for a, b in zip(_x(x), _y(y), strict=True)]
    kept = [point for i, point in enumerate(points) if i == 0 or point != points[i - 1]]
    return f'M{"L".join(kept)}'


def _x(share: NDArray[np.float64]) -> NDArray[np.float64]:
    return _LEFT + share * (WIDTH - _LEFT - _RIGHT)


def _y(share: NDArray[np.float64]) -> NDArray[np.float64]:
    return HEIGHT - _BOTTOM - share * (HEIGHT - _BOTTOM - _TOP)


def _round_step(about: float) -> float:
    """1, 2 or 5 times a power of ten, at least so large."""
    power = 10.0 ** np.floor(np.log10(about))
    return float(power * next(times for times in (1, 2, 5, 10) if times * power >= about * (1 - 1e-9)))


def symbol(word: str) -> str:
    """The mark of an outcome in words, which is readable without colour."""
    return SYMBOLS.get(_OUTCOMES.get(word, word), OTHER_SYMBOL)


def tone(word: str) -> str:
    """The style of an outcome in words."""
    return _OUTCOMES.get(word, word).replace(' ', '-')


def is_drawn(rows: Sequence[Row]) -> bool:
    """Whether a slice is drawn: those by loss are for diagnosis alone."""
    return rows[0].outcome != DIAGNOSTIC
