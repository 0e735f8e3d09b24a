"""All snapshots of the candidate on a worker: what each says of every example, and where training went from it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
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

    def load(self) -> None:
        """Loads the models once per worker.

        Raises:
          PrivacyInputError: one cannot be loaded, has other weights than the first, or the same values as the one
            before it; the message says which.
        """
        for model in self._models:
            model.load()
        weights = [model.weights for model in self._models]
        self._aligned: list[PerExample] = []
        for number, (one, other) in enumerate(itertools.pairwise(weights)):
            self._check_pair(number, one, other)
            if SNAPSHOT_ALIGNMENT in self._columns:
                directions = [tf.constant(before - after) for before, after in _values(one, other)]
                self._aligned.append(self._models[number].per_example(alignment(directions)))

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

    def _check_pair(self, number: int, one: Sequence[Any], other: Sequence[Any]) -> None:
        first, second = self._names[number : number + 2]
        shapes, theirs = ([tuple(weight.shape) for weight in weights] for weights in (one, other))
        if shapes != theirs:
            raise PrivacyInputError(
                f'{second} has {_in_words(theirs)}, and {first} has {_in_words(shapes)}: they are of different models. '
                'Let one training write all snapshots, into a directory of its own.'
            )
        if shapes and all(np.array_equal(a, b) for a, b in _values(one, other)):
            raise PrivacyInputError(
                f'{second} has the same weights as {first}: nothing was learnt in between, or one was copied. Leave '
                'one of them out.'
            )


def snapshot_title(epoch: int) -> str:
    """What errors call a snapshot."""
    return f'snapshot of epoch {epoch}'


def _values(one: Sequence[Any], other: Sequence[Any]) -> Iterator[tuple[NDArray, NDArray]]:
    return ((a.numpy(), b.numpy()) for a, b in zip(one, other, strict=True))


def _in_words(shapes: Sequence[tuple[int, ...]]) -> str:
    return f'{len(shapes)} weights of {sum(int(np.prod(shape)) for shape in shapes):,} numbers'
