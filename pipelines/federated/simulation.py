"""Federated averaging (McMahan et al. 2017, arXiv 1602.05629) of a Keras network over a few parties, in one process."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from pipelines.federated.gradients import mean_gradient

Weights = list[np.ndarray]
VICTIM = 0


@dataclasses.dataclass(frozen=True)
class Parties:
    """Data of a federation.

    Attributes:
      held: (x, labels) of each party; the first is the one that is attacked.
      outside: (x, labels) that nobody was trained on.
    """

    held: tuple[tuple[np.ndarray, np.ndarray], ...]
    outside: tuple[np.ndarray, np.ndarray]

    @property
    def targets(self) -> tuple[np.ndarray, np.ndarray]:
        """What attackers ask about: the first party's examples, then the others."""
        (x, y), (other_x, other_y) = self.held[VICTIM], self.outside
        return np.concatenate([x, other_x]), np.concatenate([y, other_y])

    @property
    def is_member(self) -> np.ndarray:
        """(n,) which of the targets the first party holds."""
        return np.arange(len(self.targets[1])) < len(self.held[VICTIM][1])


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a federation trains: its network, rounds, and what a party does in each of them."""

    units: tuple[int, ...]
    rounds: int
    epochs: int
    rate: float
    dropout: float = 0.0
    batch: int = 32


@dataclasses.dataclass(frozen=True)
class Rounds:
    """What is sent in a federation of P parties.

    Attributes:
      sent: weights that the first party was given in each round.
      uploads: [round][party] weights that came back.
      averaged: the global weights, one more than rounds.
    """

    sent: list[Weights]
    uploads: list[list[Weights]]
    averaged: list[Weights]


def federate(
    parties: Parties, recipe: Recipe, seed: int, is_isolated: bool = False, ascent: float = 0.0, ascends: str = 'server'
) -> Rounds:
    """Trains a network by federated averaging.

    Args:
      parties: who holds what.
      recipe: how they train.
      seed: of the first weights, and of the order of examples.
      is_isolated: the server gives the first party its own weights back, averaged with nobody's, and the others theirs.
      ascent: step up the gradient of the targets' mean loss (Nasr et al. 2019, arXiv 1812.00910, section III-C); 0 for
        an attacker who only looks.
      ascends: 'server', before weights are sent to the first party, or 'participant', the second party, in its upload.
    """
    train, weights = _trainer(parties, recipe, seed)
    sent: list[Weights] = []
    uploads: list[list[Weights]] = []
    averaged, own = [weights], weights
    for number in range(recipe.rounds):
        given = own if is_isolated else averaged[-1]
        if ascent and ascends == 'server':
            given = _up(given, parties, ascent)
        sent.append(given)
        starts = [given if party == VICTIM else averaged[-1] for party in range(len(parties.held))]
        back = [train(start, party, seed * 10_000 + number * 100 + party) for party, start in enumerate(starts)]
        if ascent and ascends == 'participant':
            back[1] = _up(back[1], parties, ascent)
        uploads.append(back)
        own = back[VICTIM]
        averaged.append(mean(back[1:] if is_isolated else back))
    return Rounds(sent, uploads, averaged)


def mean(models: Sequence[Weights]) -> Weights:
    """The mean of several models' weights."""
    return [np.mean(parts, axis=0) for parts in zip(*models, strict=True)]


def _up(weights: Weights, parties: Parties, step: float) -> Weights:
    return [w + step * g for w, g in zip(weights, mean_gradient(weights, *parties.targets), strict=True)]


def _trainer(parties: Parties, recipe: Recipe, seed: int) -> tuple[Callable[[Weights, int, int], Weights], Weights]:
    """What a party does in a round, (weights, party, seed) -> weights; and the first weights."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    layers = [keras.Input(parties.outside[0].shape[1:])]
    for units in recipe.units:
        layers.append(keras.layers.Dense(units, activation='relu'))
        layers.append(keras.layers.Dropout(recipe.dropout))
    num_classes = 1 + max(int(labels.max()) for _, labels in (*parties.held, parties.outside))
    model = keras.Sequential([*layers, keras.layers.Dense(num_classes)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function(reduce_retracing=True)
    def step(x, y):
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        variables = model.trainable_variables
        for variable, gradient in zip(variables, tape.gradient(value, variables), strict=True):
            variable.assign_sub(recipe.rate * gradient)

    held = [(tf.constant(x, tf.float32), tf.constant(y)) for x, y in parties.held]

    def train(weights: Weights, party: int, number: int) -> Weights:
        model.set_weights(weights)
        x, y = held[party]
        rng = np.random.default_rng(number)
        for _ in range(recipe.epochs):
            order = rng.permutation(len(y))
            for start in range(0, len(y), recipe.batch):
                rows = tf.constant(order[start : start + recipe.batch])
                step(tf.gather(x, rows), tf.gather(y, rows))
        return [np.array(one) for one in model.get_weights()]

    return train, model.get_weights()
