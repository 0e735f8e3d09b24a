"""What each role of a federation can tell of the first party's examples; scores (n,), higher = more likely held."""

from __future__ import annotations

import numpy as np

from pipelines.federated.gradients import alignment, passed
from pipelines.federated.simulation import VICTIM, Parties, Rounds, Weights


def outsider(parties: Parties, seen: Rounds) -> dict[str, np.ndarray]:
    """Who is given the global models."""
    steps = zip(seen.averaged, seen.averaged[1:], strict=False)
    return {
        'loss': -passed(seen.averaged[-1], *parties.targets).losses,
        'alignment': _aligned(parties, [(before, _less(before, after)) for before, after in steps]),
    }


def server(parties: Parties, seen: Rounds) -> dict[str, np.ndarray]:
    """Who receives each party's weights, and knows what it sent."""
    uploads = [parts[VICTIM] for parts in seen.uploads]
    steps = [(before, _less(before, after)) for before, after in zip(seen.sent, uploads, strict=True)]
    return {'loss': -passed(uploads[-1], *parties.targets).losses, 'alignment': _aligned(parties, steps)}


def participant(parties: Parties, seen: Rounds) -> dict[str, np.ndarray]:
    """The second party, who takes its own weights out of the average and sees that of the others."""
    count, steps, others = len(parties.held), [], seen.averaged[-1]
    for before, after, uploads in zip(seen.averaged, seen.averaged[1:], seen.uploads, strict=False):
        others = [(count * a - own) / (count - 1) for a, own in zip(after, uploads[1], strict=True)]
        steps.append((before, _less(before, others)))
    return {'loss': -passed(others, *parties.targets).losses, 'alignment': _aligned(parties, steps)}


def ascent_of_server(parties: Parties, seen: Rounds) -> dict[str, np.ndarray]:
    """Who sent weights that were moved up the targets' loss: the first party's training takes its own down again."""
    after = [passed(parts[VICTIM], *parties.targets).losses for parts in seen.uploads]
    return {'loss': -np.mean(after[len(after) // 2 :], axis=0), 'alignment': server(parties, seen)['alignment']}


def accuracy(parties: Parties, weights: Weights) -> float:
    """Of a model on what nobody was trained on."""
    x, labels = parties.outside
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        sums = x @ kernel + bias
        x = np.maximum(sums, 0)
    return float((sums.argmax(axis=1) == labels).mean())


def _less(before: Weights, after: Weights) -> Weights:
    return [one - other for one, other in zip(before, after, strict=True)]


def _aligned(parties: Parties, steps: list[tuple[Weights, Weights]]) -> np.ndarray:
    return np.sum([alignment(before, update, *parties.targets) for before, update in steps], axis=0)
