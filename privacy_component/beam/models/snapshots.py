"""All snapshots of the candidate on a worker: what each says of every example, and where training went from it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from apache_beam.utils import shared
from numpy.typing import NDArray

from privacy_component.beam.models.compared import Asked, outputs_of, signal_of
from privacy_component.beam.models.gradients import PerExample, alignment
from privacy_component.beam.models.served_model import ServedModel
from privacy_component.beam.plan import SnapshotPlan
from privacy_component.errors import PrivacyInputError
from privacy_component.observations.loss_gradients import loss_gradients
from privacy_component.observations.needs import SNAPSHOT_ALIGNMENT, SNAPSHOT_SIGNALS


class ServedSnapshots:
    """S models that take serialized examples; of a batch of n they leave (n, S) float64, however many classes."""

    stage = 'snapshots'

    def __init__(self, plan: SnapshotPlan):
        self._columns = plan.columns
        self._names = [snapshot_title(epoch) for epoch in plan.epochs]
        self._models = [ServedModel(model, name) for model, name in zip(plan.models, self._names, strict=True)]
        self._steps = shared.Shared()

    def load(self) -> None:
        """Loads the models once per worker.

        Raises:
          PrivacyInputError: one cannot be loaded, has other weights than the first, or the same values as the one
            before it; the message says which.
        """
        for model in self._models:
            model.load()
        weights = [model.weights for model in self._models]
        for number, (one, other) in enumerate(itertools.pairwise(weights)):
            self._check_pair(number, one, other)
        self._aligned: list[PerExample] = []
        if SNAPSHOT_ALIGNMENT in self._columns:
            self._held = self._steps.acquire(lambda: _Steps(weights))  # for as long as somebody holds it
            models = zip(self._models, self._held.directions, strict=False)
            self._aligned = [model.per_example(alignment(directions)) for model, directions in models]

    def compare(self, candidate: ServedModel, signals: NDArray | None) -> tuple[str, ...]:
        """What is to be said of the snapshots beside the candidate: warnings.

        Args:
          candidate: the model that is judged, loaded.
          signals: (n, S) of the trial's examples; None where no attack asks for them.

        Raises:
          PrivacyInputError: they have other weights than the candidate, or two that have none say the very same.
        """
        weights = [model.weights for model in self._models]
        if not all(weights):
            self._check_differ(signals)
        if not all(weights) or not candidate.weights:
            return ()
        # Saved in another way, the candidate may name its weights in another order.
        of_last, theirs = (
            sorted(one, key=lambda weight: tuple(weight.shape)) for one in (weights[-1], candidate.weights)
        )
        self._check_shapes(len(weights) - 1, of_last, 'the candidate', theirs)
        if shapes_of(weights[-1]) != shapes_of(candidate.weights):
            return ()
        return self._looks_of_another_training(weights, candidate.weights)

    def columns(self, asked: Asked) -> dict[str, NDArray]:
        """What attacks with snapshots ask for.

        Raises:
          PrivacyInputError: a snapshot cannot be called, or gives another number of outputs; the message says which.
        """
        signals = np.empty((asked.serialized.num_rows, len(self._models)))
        aligned = np.empty((asked.serialized.num_rows, len(self._aligned)))
        for number, (model, name) in enumerate(zip(self._models, self._names, strict=True)):
            outputs = outputs_of(model, name, asked)
            signals[:, number] = signal_of(model, name, outputs, asked)
            if number < len(self._aligned):
                seeds = loss_gradients(outputs, asked.labels, model.output_kind, asked.task)
                aligned[:, number] = model.kept_of_gradients(self._aligned[number], asked.serialized, seeds)[:, 0]
        found = {SNAPSHOT_SIGNALS: signals, SNAPSHOT_ALIGNMENT: aligned}
        return {name: found[name] for name in self._columns}

    def _check_shapes(self, number: int, weights: Sequence[Any], name: str, theirs: Sequence[Any]) -> None:
        shapes, others = shapes_of(weights), shapes_of(theirs)
        if shapes != others:
            raise PrivacyInputError(
                f'{name} has {_in_words(others)}, and {self._names[number]} has {_in_words(shapes)}: they are of '
                'different models. Let the training of the candidate write all snapshots, into a directory of its own.'
            )

    def _check_differ(self, signals: NDArray | None) -> None:
        """Of frozen graphs there are no weights to compare, but what they say."""
        for number, (one, other) in enumerate(itertools.pairwise([] if signals is None else signals.T)):
            if np.array_equal(one, other):
                raise PrivacyInputError(
                    f'{self._names[number + 1]} says the very same of the first {len(one)} examples as '
                    f'{self._names[number]}: nothing was learnt in between, or one was copied. Leave one of them out.'
                )

    def _looks_of_another_training(self, weights: Sequence[Any], theirs: Sequence[Any]) -> tuple[str, ...]:
        """A training moves from its first snapshot to the candidate; one of another training lies as far from all."""
        steps = [_distance(one, other) for one, other in itertools.pairwise(weights)]
        to_candidate = [_distance(one, theirs) for one in weights]
        if min(to_candidate) > max(steps):
            return (
                'The model lies further from every one of its snapshots than any two neighbouring snapshots lie apart. '
                'If they are of another training, attacks with snapshots find too little: wire the model_run of the '
                'Trainer whose model is evaluated. If the training went on long after the last snapshot, all is well.',
            )
        if to_candidate[-1] > to_candidate[0]:
            return (
                f'The model lies nearer to {self._names[0]} than to {self._names[-1]}. If the snapshots are numbered '
                'in another order than that of training, attacks with snapshots find too little; if early stopping '
                'restored earlier weights, all is well.',
            )
        return ()

    def _check_pair(self, number: int, one: Sequence[Any], other: Sequence[Any]) -> None:
        first, second = self._names[number : number + 2]
        self._check_shapes(number, one, second, other)
        if one and all(np.array_equal(a, b) for a, b in _values(one, other)):
            raise PrivacyInputError(
                f'{second} has the same weights as {first}: nothing was learnt in between, or one was copied. Leave '
                'one of them out.'
            )


def snapshot_title(epoch: int) -> str:
    """What errors call a snapshot."""
    return f'snapshot of epoch {epoch}'


class _Steps:
    """Where the training went from each snapshot to the next, (S - 1) tensors for each weight; once in a process."""

    def __init__(self, weights: Sequence[Sequence[Any]]):
        pairs = itertools.pairwise(weights)
        self.directions = [[tf.constant(before - after) for before, after in _values(*pair)] for pair in pairs]


def shapes_of(weights: Sequence[Any]) -> list[tuple[int, ...]]:
    """The shape of each."""
    return [tuple(weight.shape) for weight in weights]


def _distance(one: Sequence[Any], other: Sequence[Any]) -> float:
    """Euclidean, over all weights."""
    squares = (np.sum(np.square(a.astype(np.float64) - b)) for a, b in _values(one, other))
    return float(np.sqrt(sum(squares)))


def _values(one: Sequence[Any], other: Sequence[Any]) -> Iterator[tuple[NDArray, NDArray]]:
    return ((a.numpy(), b.numpy()) for a, b in zip(one, other, strict=True))


def _in_words(shapes: Sequence[tuple[int, ...]]) -> str:
    return f'{len(shapes)} weights of {sum(int(np.prod(shape)) for shape in shapes):,} numbers'
