"""What canaries show of trainings by DP-SGD, right and broken in known ways: lower bounds of epsilon.

    python benchmarks/canaries.py --seeds 3       # writes results/canaries.json and results/canaries.md

Fashion-MNIST (Debian's dataset-fashion-mnist), 3,000 images and 750 bright canaries of value 20, each in by a coin; a
network with 128 hidden units in numpy, Adam, 20 epochs of batches of 100 by Poisson sampling; claims at delta 1e-5.
Canaries are ranked by what the model says of them, and by where the training went from each epoch's snapshot.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import gzip
import json
import statistics
from pathlib import Path

import measured_at
import numpy as np
from scipy.optimize import brentq

RESULTS = Path(__file__).parent / 'results'
FASHION = Path('/usr/share/datasets/fashion-mnist')
NUM_EXAMPLES, NUM_CANARIES, HIDDEN, CLASSES = 3000, 750, 128, 10
BATCH, EPOCHS, CLIP, DELTA, BRIGHT = 100, 20, 1.0, 1e-5, 20.0
NO_NOISE, BATCH_CLIPPING, WRONG_CLIP, ONE_MICROBATCH = (
    'no noise',
    'clipping of the batch',
    'wrong clip',
    'one microbatch',
)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A training: the claim that its noise is made for, and what is done wrong."""

    claim: float
    fault: str = ''
    noise_share: float = 1.0
    epochs: int = EPOCHS


RECIPES = {
    'right, claim of 1': Recipe(1),
    'right, claim of 3': Recipe(3),
    'right, claim of 8': Recipe(8),
    'no noise, claim of 3': Recipe(3, NO_NOISE),
    'clipping of the batch, claim of 1': Recipe(1, BATCH_CLIPPING),
    'clip 100 times that of the noise, claim of 1': Recipe(1, WRONG_CLIP),
    'one microbatch, claim of 3': Recipe(3, ONE_MICROBATCH),
    'a quarter of the noise, claim of 1': Recipe(1, noise_share=0.25),
    'eight times the epochs, claim of 1': Recipe(1, epochs=8 * EPOCHS),
}


@functools.cache
def noise_for(epsilon: float) -> float:
    """The noise multiplier of a right training of EPOCHS epochs."""
    from privacy_component.training.dp_claim import claim_of

    n = NUM_EXAMPLES + NUM_CANARIES // 2
    steps = EPOCHS * n // BATCH
    return brentq(lambda noise: claim_of(noise, CLIP, n, BATCH, steps, DELTA).epsilon - epsilon, 0.4, 20, xtol=1e-3)


def images() -> tuple[np.ndarray, np.ndarray]:
    with gzip.open(FASHION / 'train-images-idx3-ubyte.gz') as file:
        pixels = np.frombuffer(file.read(16 + 60000 * 784), np.uint8, offset=16).reshape(-1, 784)
    with gzip.open(FASHION / 'train-labels-idx1-ubyte.gz') as file:
        return pixels / 255.0, np.frombuffer(file.read(), np.uint8, offset=8).astype(int)


class Network:
    """One hidden layer; gradients of single examples are outer products, so their norms and sums are cheap."""

    def __init__(self, rng: np.random.Generator):
        sizes = ((785, HIDDEN), (HIDDEN + 1, CLASSES))
        self.weights = [rng.standard_normal(size) * np.sqrt(2 / size[0]) for size in sizes]
        self.means, self.squares, self.steps = [0.0, 0.0], [0.0, 0.0], 0

    def parts(self, x: np.ndarray, y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each layer its inputs and the gradients with respect to its outputs, (n, ...) each."""
        inputs = with_one(x)
        hidden = np.maximum(inputs @ self.weights[0], 0)
        seen = with_one(hidden)
        errors = softmax(seen @ self.weights[1]) - np.eye(CLASSES)[y]
        return [(inputs, errors @ self.weights[1][:-1].T * (hidden > 0)), (seen, errors)]

    def log_odds(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(n,) of the label."""
        hidden = np.maximum(with_one(x) @ self.weights[0], 0)
        p = softmax(with_one(hidden) @ self.weights[1])[np.arange(len(y)), y]
        return np.log(np.maximum(p, 1e-300)) - np.log(np.maximum(1 - p, 1e-300))

    def adam(self, gradients: list[np.ndarray], rate: float = 2e-3) -> None:
        """One step."""
        self.steps += 1
        for layer, gradient in enumerate(gradients):
            self.means[layer] = 0.9 * self.means[layer] + 0.1 * gradient
            self.squares[layer] = 0.999 * self.squares[layer] + 0.001 * gradient**2
            mean, square = self.means[layer] / (1 - 0.9**self.steps), self.squares[layer] / (1 - 0.999**self.steps)
            self.weights[layer] = self.weights[layer] - rate * mean / (np.sqrt(square) + 1e-8)


def train(recipe: Recipe, x: np.ndarray, y: np.ndarray, seed: int, see) -> Network:
    rng = np.random.default_rng(seed)
    network, noise = Network(rng), recipe.noise_share * noise_for(recipe.claim)
    per_epoch = len(x) // BATCH
    for step in range(recipe.epochs * per_epoch):
        if step % per_epoch == 0:
            see(network)
        batch = np.flatnonzero(rng.random(len(x)) < BATCH / len(x))
        parts = network.parts(x[batch], y[batch])
        factors = shortened(parts, recipe.fault)
        gradients = [inputs.T @ (errors * factors[:, None]) for inputs, errors in parts]
        network.adam([one / BATCH for one in disturbed(gradients, noise, recipe.fault, rng)])
    see(network)
    return network


def shortened(parts: list[tuple[np.ndarray, np.ndarray]], fault: str) -> np.ndarray:
    """By how much each example's gradient is shortened."""
    norms = norms_of(parts)
    if fault in (BATCH_CLIPPING, ONE_MICROBATCH):
        return np.ones(len(norms))
    return np.minimum(1, CLIP * (100 if fault == WRONG_CLIP else 1) / np.maximum(norms, 1e-12))


def disturbed(gradients: list[np.ndarray], noise: float, fault: str, rng: np.random.Generator) -> list[np.ndarray]:
    norm = np.sqrt(sum((one**2).sum() for one in gradients))
    if fault == BATCH_CLIPPING:  # the sum, to what all examples together may have
        gradients = [one * min(1, CLIP * BATCH / norm) for one in gradients]
    if fault == ONE_MICROBATCH:  # the mean, to what one example may have, as num_microbatches=1 of TensorFlow Privacy
        gradients = [one * min(1, CLIP * BATCH / norm) for one in gradients]
        return [one + noise * CLIP * BATCH * rng.standard_normal(one.shape) for one in gradients]
    if fault == NO_NOISE:
        return gradients
    return [one + noise * CLIP * rng.standard_normal(one.shape) for one in gradients]


def aligned(
    before: list[np.ndarray], after: list[np.ndarray], parts: list[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """(m,) the step along each canary's own gradient, of unit length."""
    dots = sum(
        ((inputs @ (one - other)) * errors).sum(axis=1)
        for one, other, (inputs, errors) in zip(before, after, parts, strict=True)
    )
    return dots / np.maximum(norms_of(parts), 1e-12)


def norms_of(parts: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    return np.sqrt(sum((inputs**2).sum(axis=1) * (errors**2).sum(axis=1) for inputs, errors in parts))


def with_one(x: np.ndarray) -> np.ndarray:
    return np.hstack([x, np.ones((len(x), 1))])


def softmax(z: np.ndarray) -> np.ndarray:
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def bounds(recipe: Recipe, seed: int) -> dict[str, float]:
    """The lower bound by either score."""
    from privacy_component import audit_canaries

    rng = np.random.default_rng(100 + seed)
    pixels, labels = images()
    rows = rng.permutation(len(labels))[:NUM_EXAMPLES]
    canaries = np.zeros((NUM_CANARIES, 784))
    canaries[np.arange(NUM_CANARIES), rng.permutation(784)[:NUM_CANARIES]] = BRIGHT
    canary_labels, is_in = rng.integers(CLASSES, size=NUM_CANARIES), rng.random(NUM_CANARIES) < 0.5
    x = np.concatenate([pixels[rows], canaries[is_in]])
    y = np.concatenate([labels[rows], canary_labels[is_in]])
    last: list[tuple[list[np.ndarray], list]] = []
    total = np.zeros(NUM_CANARIES)

    def see(network: Network) -> None:
        nonlocal total
        if last:
            total = total + aligned(last[0][0], network.weights, last[0][1])
        last[:] = [([*network.weights], network.parts(canaries, canary_labels))]

    network = train(recipe, x, y, seed, see)
    scores = {'loss': network.log_odds(canaries, canary_labels), 'alignment': total}
    claim = {'claimed_epsilon': recipe.claim, 'delta': DELTA}
    return {name: audit_canaries(one, is_in, score=name, **claim).lower_bound for name, one in scores.items()}


def page(found: dict[str, list[dict[str, float]]], commit: str) -> str:
    lines = [
        '# What canaries show',
        '',
        'Made by `python benchmarks/canaries.py`: Fashion-MNIST, 3,000 images and 750 bright canaries, lower bounds of '
        f'epsilon at 95 % and delta 1e-5, of {len(next(iter(found.values())))} seeds. {commit}',
        '',
        '| training | by the loss | by alignment over snapshots |',
        '|---|---|---|',
    ]
    for name, seeds in found.items():
        cells = [', '.join(f'{value:.2f}' for value in sorted(one[score] for one in seeds)) for score in seeds[0]]
        lines.append(f'| {name} | {" | ".join(cells)} |')
    return '\n'.join([*lines, ''])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--seeds', type=int, default=3)
    seeds = range(parser.parse_args().seeds)
    found = {}
    for name, recipe in RECIPES.items():
        found[name] = [bounds(recipe, seed) for seed in seeds]
        print(name, {score: round(statistics.mean(one[score] for one in found[name]), 2) for score in found[name][0]})
    commit = measured_at.commit()
    RESULTS.joinpath('canaries.json').write_text(json.dumps({'commit': commit, 'bounds': found}, indent=1) + '\n')
    RESULTS.joinpath('canaries.md').write_text(page(found, measured_at.sentence([commit])))


if __name__ == '__main__':
    main()
