"""Does the tail of the loss, which costs nothing, predict what an attacker with reference models reaches?

    python benchmarks/tail.py      # writes results/tail.md and results/tail.svg

Models and reference models are those of reference_attacks.py. For every audited model: the TNR at an FNR of 1 % of the
plain loss, beside the TPR at an FPR of 1 % of `stacked` with eight reference models.
"""

from __future__ import annotations

from pathlib import Path

import default_attacks
import numpy as np
import reference_attacks
from scipy.stats import spearmanr

RESULTS = Path(__file__).parent / 'results'
MODELS = tuple(f'{task} {recipe}' for task in ('fashion', 'tract', 'tips') for recipe in ('overfit', 'regularised'))
NUM_REFERENCES, RATE = 8, 0.01


def figures(name: str) -> list[tuple[float, float, float]]:
    """TNR of the loss, TPR of the loss, TPR of `stacked`, for each audited model of a recipe."""
    task_name, recipe = name.split(' ', 1)
    loaded = default_attacks.load(task_name)
    if loaded is None:
        return []
    inputs, labels = loaded[:2]
    count = min(default_attacks.TASKS[task_name].recipes[recipe].members, len(labels) // 2)
    rows = np.random.default_rng(0).permutation(len(labels))[: 2 * count]
    x, y = inputs[rows], labels[rows]
    members = reference_attacks.halves(len(rows), NUM_REFERENCES)
    references = np.stack([reference_attacks.outputs(name, k, x, y, side) for k, side in enumerate(members)])
    found = []
    for audited in range(reference_attacks.NUM_AUDITED):
        order = np.random.default_rng(audited).permutation(len(rows))
        is_member = np.isin(np.arange(len(rows)), order[: len(rows) // 2])
        logits = reference_attacks.outputs(name, 100 + audited, x, y, is_member)
        nothing = np.zeros((0, *logits.shape))
        stacked = reference_attacks.figures_of('stacked', is_member, y, logits, references, members)
        loss = reference_attacks.figures_of('loss_threshold', is_member, y, logits, nothing, members[:0])
        found.append((tail(is_member, y, logits), loss['tpr_0.01'], stacked['tpr_0.01']))
    return found


def tail(is_member: np.ndarray, y: np.ndarray, logits: np.ndarray) -> float:
    """The share of non-members whose loss is above that of 99 % of the members."""
    from privacy_component.observations.observations import Observations
    from privacy_component.observations.signals import compute

    loss = compute('loss', Observations(is_member, np.arange(len(y), dtype=np.uint64), y, logits))
    members = np.sort(loss[is_member])
    return float(np.mean(loss[~is_member] > members[int(np.ceil(len(members) * (1 - RATE))) - 1]))


def draw(found: dict[str, list[tuple[float, float, float]]], path: Path) -> None:
    """A scatter plot, one mark for each recipe."""
    from matplotlib.figure import Figure

    picture = Figure((6, 4.2), layout='constrained')
    axes = picture.add_subplot()
    for marker, (name, rows) in zip('osD^vP', found.items(), strict=False):
        tails, _, stacked = np.array(rows).T
        axes.plot(100 * tails, 100 * stacked, marker, label=name)
    axes.set_xlabel('TNR of the loss at an FNR of 1 %, in %')
    axes.set_ylabel('TPR of `stacked` at an FPR of 1 %, in %')
    axes.axhline(1, color='grey', linewidth=0.8)
    axes.axvline(1, color='grey', linewidth=0.8)
    axes.legend(fontsize='small')
    picture.savefig(path, metadata={'Date': None})


def main() -> None:
    found = {name: rows for name in MODELS if (rows := figures(name))}
    tails, losses, stacked = np.array([row for rows in found.values() for row in rows]).T
    lines = [
        '# The tail of the loss, and what reference models find',
        '',
        f'Made by `python benchmarks/tail.py`: {len(tails)} audited models, {NUM_REFERENCES} reference models each. '
        f"Rank correlation (Spearman) of the loss's TNR at an FNR of 1 % with the TPR of `stacked` at an FPR of 1 %: "
        f"**{spearmanr(tails, stacked).statistic:.2f}**; of the loss's own TPR at an FPR of 1 % with it: "
        f'{spearmanr(losses, stacked).statistic:.2f}.',
        '',
        "| models | TNR of the loss at FNR 1 % | the loss's TPR at FPR 1 % | TPR of `stacked` at FPR 1 % |",
        '|---|--:|--:|--:|',
    ]
    for name, rows in found.items():
        cells = [' '.join(f'{100 * value:.1f}' for value in column) for column in np.array(rows).T]
        lines.append(f'| {name} | {" | ".join(cells)} |')
    (RESULTS / 'tail.md').write_text('\n'.join([*lines, '']), encoding='utf-8')
    draw(found, RESULTS / 'tail.svg')
    print((RESULTS / 'tail.md').read_text(encoding='utf-8'))


if __name__ == '__main__':
    main()
