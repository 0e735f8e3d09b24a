"""A generator of inputs that look like real ones: a small variational autoencoder, trained on public data."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from privacy_component.errors import PrivacyInputError

FEWEST_EXAMPLES = 100


@dataclasses.dataclass(frozen=True, eq=False)
class Generator:
    """From codes to inputs.

    Attributes:
      decode: (n, code_size) tensor -> (n, *shape) tensor, differentiable; a Keras model, say. Codes of usual inputs are
        like draws from a standard normal distribution.
      code_size: numbers in a code.
      shape: of one input.
    """

    decode: Any
    code_size: int
    shape: tuple[int, ...]


def train_generator(
    public: ArrayLike,
    *,
    code_size: int = 16,
    units: int = 128,
    epochs: int = 40,
    batch_size: int = 100,
    learning_rate: float = 2e-3,
    seed: int = 0,
) -> Generator:
    """Trains a small variational autoencoder, and returns its decoder.

    Args:
      public: (n, ...) inputs of the kind that the attacked model takes, in [0, 1], and none of its training data.
      code_size: numbers in a code.
      units: width of the one hidden layer of encoder and decoder.
      epochs, batch_size, learning_rate: of the training, by Adam.
      seed: of weights, order and noise.

    Raises:
      PrivacyInputError: an argument cannot be used.

    Reference: Kingma and Welling 2013, arXiv 1312.6114; as a prior of inversion Zhang et al. 2020, arXiv 1911.07135.
    """
    images = _checked(public, code_size=code_size, units=units, epochs=epochs, batch_size=batch_size)
    shape = images.shape[1:]
    rows = tf.constant(images.reshape(len(images), -1))
    encoder, decoder = _networks(rows.shape[1], code_size, units, seed)
    optimizer = tf.keras.optimizers.Adam(learning_rate)
    variables = encoder.trainable_variables + decoder.trainable_variables
    optimizer.build(variables)

    @tf.function(autograph=False)
    def step(batch: tf.Tensor, noise: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            mean, log_variance = tf.split(encoder(batch), 2, axis=1)
            logits = decoder(mean + tf.exp(log_variance / 2) * noise)
            likelihood = tf.nn.sigmoid_cross_entropy_with_logits(labels=batch, logits=logits)
            divergence = (tf.exp(log_variance) + mean**2 - 1 - log_variance) / 2
            loss = tf.reduce_mean(tf.reduce_sum(likelihood, axis=1) + tf.reduce_sum(divergence, axis=1))
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        order = rng.permutation(len(images))
        for chosen in np.array_split(order, max(1, len(images) // batch_size)):
            step(tf.gather(rows, chosen), tf.constant(rng.normal(size=(len(chosen), code_size)), tf.float32))

    def decode(codes: tf.Tensor) -> tf.Tensor:
        return tf.reshape(tf.sigmoid(decoder(tf.cast(codes, tf.float32))), [-1, *shape])

    return Generator(decode, code_size, shape)


def _networks(size: int, code_size: int, units: int, seed: int) -> tuple[Any, Any]:
    layers = tf.keras.layers

    def network(inputs: int, outputs: int, number: int) -> Any:
        starts = [tf.keras.initializers.GlorotUniform(1_000_003 * seed + 2 * number + one) for one in range(2)]
        hidden = layers.Dense(units, 'relu', kernel_initializer=starts[0])
        return tf.keras.Sequential(
            [layers.Input((inputs,)), hidden, layers.Dense(outputs, kernel_initializer=starts[1])]
        )

    return network(size, 2 * code_size, 0), network(code_size, size, 1)


def _checked(public: ArrayLike, **numbers: int) -> NDArray[np.float32]:
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise PrivacyInputError(f'{name} is {value!r}: give a whole number, 1 or more.')
    images = np.asarray(public)
    if images.ndim < 2 or images.dtype.kind not in 'fiub' or len(images) < FEWEST_EXAMPLES:
        raise PrivacyInputError(
            f'public has shape {images.shape} and type {images.dtype}: give (n, ...) numbers, {FEWEST_EXAMPLES} '
            'examples or more.'
        )
    images = images.astype(np.float32)
    if not ((images >= 0) & (images <= 1)).all():
        raise PrivacyInputError('public has numbers that are not in [0, 1]: scale them.')
    return images
