"""Training with differential privacy: clipped gradients of single examples, noise, and batches drawn at random."""

from __future__ import annotations

import functools
import types
from typing import Any

import numpy as np

from privacy_component.errors import PrivacyInputError
from privacy_component.training.dp_claim import DPClaim, claim_of
from privacy_component.training.epoch_privacy import Examples
from privacy_component.training.keras_versions import count_loss, keras_of, layers_of

_FIXED = ('batch_size', 'steps_per_epoch', 'shuffle', 'sample_weight', 'class_weight', 'validation_split')


def dp_sgd(
    model: Any,
    *,
    noise_multiplier: float,
    l2_norm_clip: float = 1.0,
    num_examples: int,
    batch_size: int,
    epochs: int,
    delta: float | None = None,
    seed: int | None = None,
) -> Any:
    """A model whose `fit` trains yours with DP-SGD, and whose `claim` says what that guarantees.

        private = dp_sgd(classifier, noise_multiplier=1.0, num_examples=len(y), batch_size=100, epochs=20)
        private.compile(optimizer='adam', loss=SparseCategoricalCrossentropy(from_logits=True))
        private.fit(x, y)
        classifier.export(folder)
        private.claim.save(folder)

    Every example is in a batch independently with probability batch_size / num_examples, as the accountant assumes, so
    sizes of batches differ. Memory: gradients of all weights for each example of a batch.

    Args:
      model: a Keras 2 or 3 model with one output, without batch normalisation and without regularisation losses.
      noise_multiplier: the standard deviation of the noise over the clipping norm; above 0.
      l2_norm_clip: the largest norm of one example's gradient.
      num_examples: of the training data.
      batch_size: the expected size of a batch.
      epochs: `num_examples / batch_size` steps each, rounded up.
      delta: by default 1 / (2 * num_examples).
      seed: of batches and noise, for tests: who knows it can take the noise away. By default it is drawn anew.

    Returns:
      A Keras model of the same Keras, to be compiled with any optimizer and loss; `fit` takes arrays, once.

    Raises:
      PrivacyInputError: an argument cannot be used, dp-accounting is not installed; from `fit`, if data or settings are
        others than the claim's.

    Reference: Abadi et al. 2016, arXiv 1607.00133, algorithm 1; epsilon by privacy loss distributions (dp-accounting).
    """
    keras = keras_of(model)
    _check_layers(model)
    if not (isinstance(epochs, int) and epochs >= 1):
        raise PrivacyInputError(f'epochs is {epochs!r}: give a whole number, 1 or more.')
    steps = -(-num_examples // batch_size) if batch_size else 0
    claim = claim_of(noise_multiplier, l2_norm_clip, num_examples, batch_size, steps * epochs, delta)
    return _model_class(keras)(model, claim, batch_size, epochs, _seed(seed))


def poisson_batches(examples: Examples, rate: float, seed: int) -> Any:
    """An endless tf.data.Dataset of (inputs, labels, weights): each example with probability `rate`, of weight 1.

    The first row of a batch is an example of weight 0, so that none is empty.
    """
    import tensorflow as tf

    def rows() -> Any:
        random = np.random.default_rng(seed)
        while True:
            yield np.concatenate([[0], np.flatnonzero(random.random(len(examples)) < rate)])

    def batch(drawn: Any) -> tuple[Any, Any, Any]:
        weights = tf.cast(tf.range(tf.shape(drawn)[0]) > 0, tf.float32)
        return tf.nest.map_structure(lambda array: tf.gather(array, drawn), inputs), tf.gather(labels, drawn), weights

    inputs, labels = tf.nest.map_structure(tf.constant, examples.inputs), tf.constant(examples.labels)
    signature = tf.TensorSpec([None], tf.int64)
    return tf.data.Dataset.from_generator(rows, output_signature=signature).map(batch)


@functools.cache
def _model_class(keras: types.ModuleType) -> type:
    """The model with the private step, of one Keras."""
    import tensorflow as tf

    class DPModel(keras.Model):  # type: ignore[name-defined]
        """Trains `classifier`, whose outputs and weights are its own."""

        def __init__(self, classifier: Any, claim: DPClaim, batch_size: int, epochs: int, seed: int):
            super().__init__()
            self.classifier = classifier
            self.claim = claim
            self._batch_size, self._epochs, self._seed = batch_size, epochs, seed
            self._is_used_up = False

        def call(self, inputs: Any, training: Any = None) -> Any:
            return self.classifier(inputs, training=training)

        def fit(self, x: Any = None, y: Any = None, **settings: Any) -> Any:
            """Trains once, as claimed; `settings` are those of Keras that leave the claim true."""
            examples = Examples.of('fit(x, y)', (x, y))
            _check_fit(self.claim, len(examples), self._epochs, self._is_used_up, settings)
            self._is_used_up = True
            batches = poisson_batches(examples, self.claim.sampling_rate, self._seed)
            steps = self.claim.steps // self._epochs
            fixed = {'epochs': self._epochs, 'steps_per_epoch': steps, 'shuffle': False}  # batches are drawn by chance
            return super().fit(batches, **{**settings, **fixed})

        @tf.autograph.experimental.do_not_convert
        def train_step(self, data: Any) -> dict[str, Any]:
            """A step along the noised mean of clipped gradients."""
            x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
            variables = self.classifier.trainable_variables
            sums = self.clipped_sums(x, y, weights)
            step = tf.cast(tf.convert_to_tensor(self.optimizer.iterations), tf.int32)
            deviation = self.claim.noise_multiplier * self.claim.l2_norm_clip
            noised = [
                (total + deviation * noise_like(total, self._seed, step, number)) / self._batch_size
                for number, total in enumerate(sums)
            ]
            self.optimizer.apply_gradients(zip(noised, variables, strict=True))
            outputs = self(x, training=False)
            loss = self.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=weights)
            count_loss(keras, self, loss, outputs)
            return self.compute_metrics(x, y, outputs, weights)

        def clipped_sums(self, x: Any, y: Any, weights: Any) -> list[Any]:
            """The sum over examples of their gradients, each clipped and times its weight of 0 or 1."""
            loss_of, variables = keras.losses.get(self.loss), self.classifier.trainable_variables

            def one(example: tuple[Any, Any, Any]) -> list[Any]:
                inputs, label = tf.nest.map_structure(lambda array: array[None], example[:2])
                with tf.GradientTape() as tape:
                    loss = tf.reduce_mean(loss_of(label, self.classifier(inputs, training=True)))
                gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, variables)]
                norm = tf.sqrt(tf.add_n([tf.reduce_sum(tf.square(gradient)) for gradient in gradients]))
                factor = example[2] / tf.maximum(norm / self.claim.l2_norm_clip, 1.0)
                return [factor * gradient for gradient in gradients]

            return [tf.reduce_sum(gradients, axis=0) for gradients in tf.vectorized_map(one, (x, y, weights))]

    return DPModel


def noise_like(array: Any, seed: int, step: Any, number: int) -> Any:
    """Standard normal noise for the variable of a number at a step."""
    import tensorflow as tf

    of_step = tf.random.experimental.stateless_fold_in(tf.constant([seed % 2**31, seed >> 31], tf.int32), step)
    of_variable = tf.random.experimental.stateless_fold_in(of_step, number)
    return tf.random.stateless_normal(tf.shape(array), of_variable, dtype=array.dtype)


def _seed(seed: int | None) -> int:
    drawn = np.random.SeedSequence().generate_state(1, np.uint64)[0] if seed is None else seed
    return int(drawn) % 2**62


def _check_layers(model: Any) -> None:
    mixing = [layer.name for layer in layers_of(model) if 'BatchNormalization' in type(layer).__name__]
    if mixing:
        raise PrivacyInputError(
            f'layer {mixing[0]} is a BatchNormalization, which mixes the examples of a batch and keeps averages '
            'without noise: use LayerNormalization or GroupNormalization.'
        )
    if model.losses:
        raise PrivacyInputError(
            'the model has regularisation losses, which are not clipped by example: leave them out; noise regularises.'
        )


def _check_fit(claim: DPClaim, num_examples: int, epochs: int, is_used_up: bool, settings: dict[str, Any]) -> None:
    if is_used_up:
        raise PrivacyInputError('the model was trained already, and the claim is of one training: call dp_sgd again.')
    if num_examples != claim.num_examples:
        raise PrivacyInputError(
            f'fit was given {num_examples:,} examples, and the claim is for num_examples={claim.num_examples:,}: give '
            'dp_sgd the number of training examples.'
        )
    if settings.get('epochs', epochs) != epochs:
        raise PrivacyInputError(f'epochs is {settings["epochs"]!r}, and the claim is for {epochs}: give it to dp_sgd.')
    for name in _FIXED:
        if settings.get(name) is not None:
            raise PrivacyInputError(f'{name} was given to fit, and would make the claim untrue: leave it out.')
