"""What attacks with 2, 4, 8 and 16 reference models find in small overfit networks.

    python benchmarks/reference_attacks.py [FOLDER]

Six targets and sixteen reference models, in pairs, are trained on halves of 2,000 pictures of Fashion-MNIST, from the
Debian package dataset-fashion-mnist or the FOLDER that holds its files. Two minutes on one core; prints the table of
docs/attacks.md.
"""

from __future__ import annotations

import gzip
import sys
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from privacy_component.attacks import attack_named
from privacy_component.metrics.counts import roc
from privacy_component.observations.observations import Observations

FASHION = Path('/usr/share/datasets/fashion-mnist')
ATTACKS = {'loss_threshold': 0, 'difficulty': 2, 'rmia': 2, 'lira': 4, 'bayes': 4, 'stacked': 4}
NUM_MODELS = (2, 4, 8, 16)
POOL, TARGETS = 2_000, 6


def pictures(folder: Path) -> tuple[NDArray, NDArray]:
    with (
        gzip.open(folder / 'train-images-idx3-ubyte.gz') as images,
        gzip.open(folder / 'train-labels-idx1-ubyte.gz') as labels,
    ):
        pixels = np.frombuffer(images.read(), np.uint8, offset=16).reshape(-1, 784) / 255.0
        return pixels, np.frombuffer(labels.read(), np.uint8, offset=8).astype(np.int64)


def half(rng: np.random.Generator) -> NDArray[np.bool_]:
    return rng.permutation(POOL) % 2 == 0


def logits(x: NDArray, y: NDArray, is_in: NDArray[np.bool_], seed: int) -> NDArray[np.float64]:
    """(POOL, 10) of a network that has been trained on the examples that are in."""
    model = MLPClassifier((128,), batch_size=32, max_iter=40, random_state=seed, tol=0, n_iter_no_change=1_000)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # that it could be trained for longer is known
        model.fit(x[is_in], y[is_in])
    hidden = np.maximum(x @ model.coefs_[0] + model.intercepts_[0], 0)
    return hidden @ model.coefs_[1] + model.intercepts_[1]


def found(name: str, observations: Observations) -> tuple[float, float]:
    """AUC and TPR at 1 % FPR."""
    info = attack_named(name)
    seen = observations.only(info.needs)
    scores, is_member = info.fit(seen).score(seen), observations.is_member
    others = np.sort(scores[~is_member])
    auc = roc.auc(roc.count_scores(roc.score_keys(scores), is_member))
    return auc, float(np.mean(scores[is_member] > others[-1 - len(others) // 100]))


def cell(name: str, num_models: int, targets: list[Observations]) -> str:
    """Means over the targets; nothing where the attack needs more models, or none and they have been told."""
    if num_models < ATTACKS[name] or (ATTACKS[name] == 0 and num_models > NUM_MODELS[0]):
        return ''
    auc, tpr = np.mean([found(name, _with_models(target, num_models)) for target in targets], axis=0)
    return f'{auc:.3f}, {100 * tpr:.1f} %'.removeprefix('0')


def main() -> None:
    rng = np.random.default_rng(0)
    x, y = pictures(Path(sys.argv[1]) if len(sys.argv) > 1 else FASHION)
    rows = rng.permutation(len(x))[:POOL]
    x, y = x[rows], y[rows]
    firsts = [half(rng) for _ in range(NUM_MODELS[-1] // 2)]
    knows = [is_in for first in firsts for is_in in (first, ~first)]
    members = [half(rng) for _ in range(TARGETS)]
    outputs = [logits(x, y, is_in, seed) for seed, is_in in enumerate([*members, *knows])]
    columns = {
        'reference_outputs': np.stack(outputs[TARGETS:], axis=1),
        'reference_is_member': np.stack(knows, axis=1),
    }
    ids = np.arange(POOL, dtype=np.uint64)
    targets = [
        Observations(is_in, ids, y, seen, columns=columns)
        for is_in, seen in zip(members, outputs[:TARGETS], strict=True)
    ]
    print(f'| attack | {" | ".join(f"K = {number}" for number in NUM_MODELS)} |')
    print('|---' * (1 + len(NUM_MODELS)) + '|')
    for name in ATTACKS:
        print(f'| `{name}` | {" | ".join(cell(name, number, targets) for number in NUM_MODELS)} |', flush=True)


def _with_models(observations: Observations, num_models: int) -> Observations:
    columns = {name: column[:, :num_models] for name, column in observations.columns.items()}
    return Observations(
        observations.is_member, observations.example_id, observations.labels, observations.outputs, columns=columns
    )


if __name__ == '__main__':
    with threadpool_limits(1):
        main()
