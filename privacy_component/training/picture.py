"""A training as a picture: vulnerability and accuracy by epoch, and one against the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from privacy_component.errors import PrivacyInputError
from privacy_component.report.canvas import check_kind, empty_figure
from privacy_component.report.plots import BLUE, GREY, RED
from privacy_component.report.wording import metric_title
from privacy_component.training.epoch_privacy import EpochPrivacy

_MOST_NUMBERS = 12


def draw_epochs(epochs: Sequence[EpochPrivacy], metric: str, limit: float | None, path: Path) -> None:
    """Draws the strongest attack's metric with its interval, and accuracy.

    Args:
      epochs: at least one.
      metric: which metric; the interval is the one of the attack that is the strongest in that epoch.
      limit: drawn as a line; None for none.
      path: a .png or .svg file to write.

    Raises:
      PrivacyInputError: another kind of file, or nothing to draw.
    """
    check_kind(path)
    if not epochs:
        raise PrivacyInputError('there is no epoch to draw: give the callback to fit(callbacks=[...]) first.')
    figure = empty_figure(path, 10.0, 4.2)
    by_epoch, against = figure.subplots(1, 2)
    _by_epoch(by_epoch, epochs, metric)
    _against(against, epochs, metric)
    for axes in (by_epoch, against):
        axes.grid(linewidth=0.4)
        if limit is not None:
            axes.axhline(limit, color=GREY, linewidth=0.9, linestyle='--')
    figure.savefig(path, dpi=150)


def _by_epoch(axes: Axes, epochs: Sequence[EpochPrivacy], metric: str) -> None:
    numbers = [one.epoch for one in epochs]
    values = [one.value(metric) for one in epochs]
    lower, upper = zip(*(one.interval(metric) for one in epochs), strict=True)
    axes.plot(numbers, values, color=RED, marker='D', markersize=4, label=f'strongest attack, {metric_title(metric)}')
    axes.fill_between(numbers, lower, upper, color=RED, alpha=0.15)
    members, others = [one.accuracy_members for one in epochs], [one.accuracy_non_members for one in epochs]
    axes.plot(numbers, members, color=BLUE, marker='o', markersize=4, label='accuracy on members')
    axes.plot(numbers, others, color=GREY, marker='s', markersize=4, label='accuracy on non-members')
    axes.set_xlabel('epoch')
    axes.legend(frameon=False, fontsize=8)


def _against(axes: Axes, epochs: Sequence[EpochPrivacy], metric: str) -> None:
    """Each point an epoch, numbered: what more accuracy costs in privacy."""
    accuracy = [one.accuracy_non_members for one in epochs]
    values = [one.value(metric) for one in epochs]
    axes.plot(accuracy, values, color=RED, marker='D', markersize=4, linewidth=0.8)
    for one, x, y in list(zip(epochs, accuracy, values, strict=True))[:: -(-len(epochs) // _MOST_NUMBERS)]:
        axes.annotate(str(one.epoch), (x, y), textcoords='offset points', xytext=(4, 4), fontsize=7)
    axes.set_xlabel('accuracy on non-members')
    axes.set_ylabel(f'strongest attack, {metric_title(metric)}')
    axes.set_title('vulnerability against accuracy; numbers are epochs', fontsize=9)
