"""What attacks with reference models find in small Keras models trained on real data, beside the loss.

    python benchmarks/reference_attacks.py                    # writes results/reference_attacks.md
    python benchmarks/reference_attacks.py "tract regularised" --models 4 8

Data and recipes are those of default_attacks.py. One population for each recipe; reference models are trained on its
halves in complementary pairs, and three audited models each on a half of their own.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import default_attacks
import numpy as np

RESULTS = Path(__file__).parent / 'results'
KEPT = Path(tempfile.gettempdir()) / 'privacy_component_reference_attacks'
MODELS = ('fashion overfit', 'tract regularised', 'tips overfit')
ATTACKS = ('loss_threshold', 'difficulty', 'rmia', 'lira', 'bayes', 'stacked')
NUM_AUDITED = 3


def halves(num_rows: int, num_models: int) -> np.ndarray:
    """(num_models, num_rows) bool: models 2p and 2p + 1 are trained on complementary halves."""
    members = np.zeros((num_models, num_rows), bool)
    for pair in range(num_models // 2):
        members[2 * pair, np.random.default_rng(1000 + pair).permutation(num_rows)[: num_rows // 2]] = True
        members[2 * pair + 1] = ~members[2 * pair]
    return members


def outputs(name: str, number: int, x: np.ndarray, y: np.ndarray, is_member: np.ndarray) -> np.ndarray:
    """What model `number` of a recipe says of the population; kept, so that a second run trains nothing."""
    task_name, recipe = name.split(' ', 1)
    path = KEPT / f'{name}-{number}.npy'.replace(' ', '-')
    if not path.exists():
        task = default_attacks.TASKS[task_name]
        started = time.process_time()
        found = default_attacks.predicted(task, task.recipes[recipe], number, x, y, is_member)
        print(f'trained {path.stem} in {time.process_time() - started:.0f} CPU seconds', flush=True)
        KEPT.mkdir(parents=True, exist_ok=True)
        np.save(path, found)
    return np.load(path)


def attacked(name: str, num_models: list[int]) -> dict[tuple[str, int], list[dict[str, float]]] | None:
    """Figures by attack and number of reference models, one for each audited model; None without the data."""
    task_name, recipe = name.split(' ', 1)
    loaded = default_attacks.load(task_name)
    if loaded is None:
        return None
    inputs, labels = loaded[:2]
    count = min(default_attacks.TASKS[task_name].recipes[recipe].members, len(labels) // 2)
    rows = np.random.default_rng(0).permutation(len(labels))[: 2 * count]
    x, y = inputs[rows], labels[rows]
    members = halves(len(rows), max(num_models))
    references = np.stack([outputs(name, number, x, y, side) for number, side in enumerate(members)])
    figures: dict[tuple[str, int], list[dict[str, float]]] = {}
    for audited in range(NUM_AUDITED):
        is_member = np.isin(
            np.arange(len(rows)), np.random.default_rng(audited).permutation(len(rows))[: len(rows) // 2]
        )
        logits = outputs(name, 100 + audited, x, y, is_member)
        for attack in ATTACKS:
            for k in num_models if attack != 'loss_threshold' else [0]:
                found = figures_of(attack, is_member, y, logits, references[:k], members[:k])
                figures.setdefault((attack, k), []).append(found)
    return figures


def figures_of(
    attack: str, is_member: np.ndarray, y: np.ndarray, logits: np.ndarray, references: np.ndarray, members: np.ndarray
) -> dict[str, float]:
    """AUC, TPR at an FPR of 1 % and 0.1 %, and CPU seconds."""
    from privacy_component import PrivacyConfig, evaluate_privacy

    given: dict[str, Any] = {}
    if len(references):
        given = {'reference_logits': references, 'reference_is_member': members}
    config = PrivacyConfig(
        attacks=(attack,), slices={'by_class': False}, outputs={'kind': 'logits'}, checks={'blind_baseline': 'off'}
    )
    started = time.process_time()
    result = evaluate_privacy(is_member=is_member, labels=y, logits=logits, config=config, **given)
    seconds = time.process_time() - started
    curve = result.results[0].curve
    tprs = {
        f'tpr_{r}': curve.true_positives_at(int(curve.num_non_members * r)) / curve.num_members for r in (0.01, 0.001)
    }
    return {'auc': result.rows()[0]['auc'], **tprs, 'cpu_seconds': seconds}


def table(found: dict[str, dict[tuple[str, int], list[dict[str, float]]]]) -> str:
    """The figures as a Markdown page."""
    lines = [
        '# What attacks with reference models find',
        '',
        f'Made by `python benchmarks/reference_attacks.py`; means over {NUM_AUDITED} audited models, with the range of '
        'the AUC.',
        '',
        '| model | attack | reference models | AUC | TPR at 1 % FPR | TPR at 0.1 % FPR | CPU s |',
        '|---|---|--:|--:|--:|--:|--:|',
    ]
    for model, figures in found.items():
        for (attack, k), rows in figures.items():
            mean = default_attacks.means(rows)
            aucs = [row['auc'] for row in rows]
            auc = f'{mean["auc"]:.3f} ({min(aucs):.3f} to {max(aucs):.3f})'
            rates = f'{mean["tpr_0.01"]:.1%} | {mean["tpr_0.001"]:.1%}'
            lines.append(f'| {model} | {attack} | {k or "none"} | {auc} | {rates} | {mean["cpu_seconds"]:.1f} |')
    return '\n'.join([*lines, ''])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('recipes', nargs='*', default=MODELS)
    parser.add_argument('--models', nargs='+', type=int, default=[4, 8])
    chosen = parser.parse_args()
    found = {name: figures for name in chosen.recipes if (figures := attacked(name, chosen.models)) is not None}
    page = table(found)
    print(page)
    (RESULTS / 'reference_attacks.md').write_text(page)


if __name__ == '__main__':
    main()
