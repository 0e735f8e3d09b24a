"""What core.py measured, as a page and as a chart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from measured_at import sentence

OURS, THEIRS = 'privacy_component', 'TF Privacy'


def ratio(figures: dict[str, dict], ours: str, name: str) -> str:
    theirs = ours.replace(' ours ', ' theirs ')
    return f'{figures[theirs][name] / figures[ours][name]:.0f} x'


def table(figures: dict[str, dict]) -> str:
    """The figures as a Markdown page."""
    lines = [
        '# Measured cost, beside TF Privacy 0.9 / tensorflow-empirical-privacy 0.1',
        '',
        'Made by `python benchmarks/core.py`; one thread, CPU seconds, medians. '
        + sentence(one['commit'] for one in figures.values()),
        '',
        f'| case | {OURS} | {THEIRS} | ratio | {OURS}, peak MB | {THEIRS}, peak MB |',
        '|---|--:|--:|--:|--:|--:|',
    ]
    for case in figures:
        theirs = case.replace(' ours ', ' theirs ')
        if ' ours ' in case and theirs in figures:
            a, b = figures[case], figures[theirs]
            cost = f'{a["cpu_seconds"]:.2f} s | {b["cpu_seconds"]:.2f} s | {ratio(figures, case, "cpu_seconds")}'
            lines.append(f'| {label(case)} | {cost} | {a["peak_mb"]:.0f} | {b["peak_mb"]:.0f} |')
    return '\n'.join([*lines, *_scale_table(figures), *_epsilon_table(figures), ''])


def label(case: str) -> str:
    kind, _, what = case.split()
    if kind == 'trained':
        return f'{what.replace("_", " ")}, 10k + 10k'
    return f'2 attacks x 23 slices, {int(what):,} + {int(what):,}'


def _sizes(figures: dict[str, dict], case: str) -> list[int]:
    """The sizes that a case was measured at."""
    return sorted(int(name.split()[2]) for name in figures if name.startswith(f'{case} '))


def _scale_table(figures: dict[str, dict]) -> list[str]:
    lines = [
        '',
        f'| {OURS}, 2 attacks x 23 slices | CPU s | CPU s per million examples | peak MB |',
        '|---|--:|--:|--:|',
    ]
    for n in _sizes(figures, 'threshold ours'):
        f = figures[f'threshold ours {n}']
        per_million = f['cpu_seconds'] / (2 * n / 1e6)
        lines.append(f'| {n:,} + {n:,} | {f["cpu_seconds"]:.2f} | {per_million:.2f} | {f["peak_mb"]:.0f} |')
    return lines


def _epsilon_table(figures: dict[str, dict]) -> list[str]:
    head = f'| no leak, n a side | {OURS}: epsilon above 0 "at 95 %" | {THEIRS} | runs |'
    lines = ['', head, '|---|--:|--:|--:|']
    for n in _sizes(figures, 'epsilon both'):
        f = figures[f'epsilon both {n}']
        rates = f'{f["ours_false_alarm_rate"]:.1%} | {f["theirs_false_alarm_rate"]:.1%}'
        lines.append(f'| {n:,} | {rates} | {f["runs"]:.0f} |')
    return lines


def chart(figures: dict[str, dict], path: Path) -> None:
    """CPU seconds side by side, and how ours grow."""
    import matplotlib

    matplotlib.use('Agg')
    import matplotlib.pyplot as plt

    pairs = [case for case in figures if ' ours ' in case and case.replace(' ours ', ' theirs ') in figures]
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), width_ratios=(3, 2))
    _bars(left, figures, pairs)
    sizes = _sizes(figures, 'threshold ours')
    right.loglog(
        [2 * n for n in sizes], [figures[f'threshold ours {n}']['cpu_seconds'] for n in sizes], 'o-', color='#1f6f8b'
    )
    right.set(xlabel='examples', ylabel='CPU seconds', title='2 attacks x 23 slices')
    right.grid(alpha=0.3)
    fig.tight_layout()
    fig.savefig(path, metadata={'Date': None})


def _bars(axes: Any, figures: dict[str, dict], pairs: list[str]) -> None:
    rows = np.arange(len(pairs))
    for offset, name, colour, who in ((0.2, OURS, '#1f6f8b', 'ours'), (-0.2, THEIRS, '#c9c9c9', 'theirs')):
        seconds = [figures[case.replace(' ours ', f' {who} ')]['cpu_seconds'] for case in pairs]
        axes.barh(rows + offset, seconds, 0.4, label=name, color=colour)
        for row, value in zip(rows, seconds, strict=True):
            axes.text(value * 1.1, row + offset, f'{value:.3g} s', va='center', fontsize=8)
    axes.set_yticks(rows, [label(case) for case in pairs], fontsize=8)
    axes.set(xscale='log', xlabel='CPU seconds, one thread')
    axes.margins(x=0.15)
    axes.legend(loc='center right', bbox_to_anchor=(1.0, 0.42), fontsize=8)
