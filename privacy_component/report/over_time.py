"""Past evaluations as a table for a terminal and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from privacy_component.errors import PrivacyInputError
from privacy_component.evaluation.past_evaluation import PastEvaluation
from privacy_component.gate.history import BLESSED, BLESSED_OVER_REFUSAL
from privacy_component.report.canvas import check_kind, empty_figure
from privacy_component.report.plots import BLUE, GREY, RED

_LINES = (
    ('worst_auc', 'worst slice, AUC', RED, 'D'),
    ('overall_auc', 'all examples, AUC', BLUE, 'o'),
    ('overall_tnr_at_fnr_0.01', 'all examples, TNR at 1 % FNR', GREY, 's'),
)
_ACCURACY = (
    ('accuracy_members', 'accuracy on members', BLUE, 'o'),
    ('accuracy_non_members', 'accuracy on non-members', GREY, 's'),
)


def draw_history(past: Sequence[PastEvaluation], path: Path) -> None:
    """Draws figures and accuracy of evaluations, the oldest on the left.

    Args:
      past: at least one.
      path: a .png or .svg file to write.

    Raises:
      PrivacyInputError: another kind of file, or nothing to draw.
    """
    check_kind(path)
    if not past:
        raise PrivacyInputError('there is no evaluation to draw: the metadata store has none of that pipeline.')
    figure = empty_figure(path, max(6.0, 2.5 + 0.5 * len(past)), 5.5)
    leaks, accuracy = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    _draw(leaks, past, _LINES)
    _draw(accuracy, past, _ACCURACY)
    leaks.axhline(0.5, color=GREY, linewidth=0.8, linestyle=':')
    accuracy.set_xticks(range(len(past)), [_tick(one) for one in past], rotation=30, ha='right')
    figure.savefig(path, dpi=150)


def is_blessed(one: PastEvaluation) -> bool:
    """Whether an evaluation ended with a blessing."""
    return one.outcome in (BLESSED, BLESSED_OVER_REFUSAL)


def _draw(axes: Axes, past: Sequence[PastEvaluation], lines: Sequence[tuple[str, str, str, str]]) -> None:
    for name, label, colour, marker in lines:
        values = [one.figures.get(name, float('nan')) for one in past]
        axes.plot(range(len(past)), values, color=colour, marker=marker, linewidth=1.2, markersize=5, label=label)
    axes.set_ylim(-0.02, 1.02)
    axes.grid(axis='y', linewidth=0.4)
    axes.legend(loc='upper left', bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)


def _tick(one: PastEvaluation) -> str:
    return f'{one.evaluated[:16].replace("T", " ")}\nmodel {one.model}: {"blessed" if is_blessed(one) else "BLOCKED"}'
