"""Adversarial regularisation: a classifier is trained against an attacker that is trained with it."""

from __future__ import annotations

import functools
import types
from collections.abc import Sequence
from typing import Any

import numpy as np

from privacy_component.errors import PrivacyInputError
from privacy_component.training.epoch_privacy import Examples
from privacy_component.training.keras_versions import count_loss, keras_of
from privacy_component.training.reference_overlap import check_reference, hashes_of

_LEAST_LOG_PROBABILITY = -20.0


def adversarial_regularization(
    model: Any,
    reference: tuple[Any, Any],
    weight: float,
    *,
    from_logits: bool = True,
    attacker_units: Sequence[int] = (64, 32),
    attacker_learning_rate: float = 1e-3,
    attacker_steps: int = 1,
    seed: int = 0,
) -> Any:
    """A model whose `fit` trains yours against an attacker.

    In every step the attacker h learns to tell the batch from reference examples by outputs and labels; then the
    classifier f takes a step down its own loss + weight * E[log h(f(x), y)] over the batch, so that it becomes right in
    a way that h cannot tell from how it is right on examples which it never saw. About three times the cost of plain
    training.

        defended = adversarial_regularization(classifier, (x_reference, y_reference), weight=3.0)
        defended.compile(optimizer='adam', loss=SparseCategoricalCrossentropy(from_logits=True))
        defended.fit(x, y, epochs=20)
        classifier.export(...)  # the weights are yours; the attacker is not in it

    What its own attacker reaches (`attacker_accuracy` in the logs) flatters the model: judge it by the strongest attack
    of an evaluation, on non-members that are not in the reference set.

    Args:
      model: a Keras 2 or 3 model for classes, with (n, classes) outputs, or (n, 1) for two.
      reference: (inputs, labels) of the same kind, no member among them.
      weight: lambda of the paper, 0 or more; 0 is plain training.
      from_logits: whether the outputs are logits; else they are probabilities.
      attacker_units: widths of the attacker's hidden layers.
      attacker_learning_rate: of its Adam.
      attacker_steps: steps of the attacker for each step of the classifier.
      seed: which reference examples are drawn.

    Returns:
      A Keras model of the same Keras, to be compiled; `fit` takes arrays or a tf.data.Dataset, and passes over what it
      is given once before training, to look for reference examples among the members.

    Raises:
      PrivacyInputError: an argument cannot be used; from `fit`, if more than 1 % of the reference set are members.

    Reference: Nasr, Shokri and Houmansadr 2018, arXiv 1807.05852, algorithm 1. Besides outputs and label the attacker
    is given the label's log-probability, floored, and the entropy, without which it misses what a threshold finds.
    """
    keras = keras_of(model)
    examples = Examples.of('reference', reference)
    _check_numbers(weight, attacker_learning_rate, attacker_steps)
    outputs = np.asarray(model(_first(examples.inputs), training=False))
    _check_outputs(outputs, from_logits)
    width = max(outputs.shape[1], 2)
    attacker = Attacker(
        keras, examples, width, from_logits, tuple(attacker_units), attacker_learning_rate, attacker_steps, seed
    )
    return _model_class(keras)(model, attacker, float(weight))


class Attacker:
    """What tells members from the reference set, and how it learns to; no layer of the model it plays against."""

    def __init__(
        self,
        keras: types.ModuleType,
        reference: Examples,
        num_classes: int,
        from_logits: bool,
        units: tuple[int, ...],
        learning_rate: float,
        steps: int,
        seed: int,
    ):
        import tensorflow as tf

        self.reference_hashes = hashes_of(reference.inputs, reference.labels)
        self._count, self._seed, self._steps = len(reference), seed, steps
        self._num_classes, self._from_logits = num_classes, from_logits
        self._inputs = tf.nest.map_structure(tf.constant, reference.inputs)
        self._labels = tf.constant(reference.labels)
        layers = [keras.layers.Dense(width, activation='relu') for width in units]
        self._network = keras.Sequential([keras.Input((2 * num_classes + 2,)), *layers, keras.layers.Dense(1)])
        self._optimizer = keras.optimizers.Adam(learning_rate)
        self._optimizer.build(self._network.trainable_variables)

    def logit(self, outputs: Any, labels: Any) -> Any:
        """(n, 1), higher = member."""
        return self._network(attacker_inputs(outputs, labels, self._num_classes, self._from_logits), training=True)

    def learn(self, model: Any, inputs: Any, labels: Any) -> Any:
        """Takes its steps on a batch of members; returns its balanced accuracy before the last of them."""
        import tensorflow as tf

        members = model(inputs, training=False)
        accuracy = tf.constant(0.5)
        for _ in range(self._steps):
            others, other_labels = self._draw(tf.shape(members)[0])
            outside = model(others, training=False)
            with tf.GradientTape() as tape:
                told = self.logit(members, labels), self.logit(outside, other_labels)
                loss = -tf.reduce_mean(tf.math.log_sigmoid(told[0])) - tf.reduce_mean(tf.math.log_sigmoid(-told[1]))
            variables = self._network.trainable_variables
            self._optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            right = [tf.reduce_mean(tf.cast(side, tf.float32)) for side in (told[0] > 0, told[1] <= 0)]
            accuracy = (right[0] + right[1]) / 2
        return accuracy

    def _draw(self, count: Any) -> tuple[Any, Any]:
        """As many reference examples, drawn with replacement by the seed and the number of the attacker's step."""
        import tensorflow as tf

        step = tf.cast(tf.convert_to_tensor(self._optimizer.iterations), tf.int32)
        rows = tf.random.stateless_uniform([count], [self._seed, step], 0, self._count, tf.int32)
        return tf.nest.map_structure(lambda array: tf.gather(array, rows), self._inputs), tf.gather(self._labels, rows)


def attacker_inputs(outputs: Any, labels: Any, num_classes: int, from_logits: bool) -> Any:
    """(n, 2 * classes + 2): probabilities, the label one-hot, its log-probability, and the entropy over its largest."""
    import tensorflow as tf

    outputs = tf.cast(outputs, tf.float32)
    if outputs.shape[-1] == 1:
        other = tf.zeros_like(outputs) if from_logits else 1 - outputs
        outputs = tf.concat([other, outputs], axis=1)
    log_p = tf.nn.log_softmax(outputs) if from_logits else tf.math.log(tf.maximum(outputs, 1e-9))
    log_p = tf.maximum(log_p, _LEAST_LOG_PROBABILITY)
    p = tf.exp(log_p)
    is_class = tf.one_hot(tf.cast(tf.reshape(labels, [-1]), tf.int32), num_classes)
    of_label = tf.reduce_sum(is_class * log_p, axis=1, keepdims=True)
    entropy = -tf.reduce_sum(p * log_p, axis=1, keepdims=True) / np.log(num_classes)
    return tf.concat([p, is_class, of_label, entropy], axis=1)


@functools.cache
def _model_class(keras: types.ModuleType) -> type:
    """The model with the two-player step, of one Keras."""
    import tensorflow as tf

    class AdversariallyRegularized(keras.Model):  # type: ignore[name-defined]
        """Trains `classifier`, whose outputs and weights are its own."""

        def __init__(self, classifier: Any, attacker: Attacker, weight: float):
            super().__init__()
            self.classifier = classifier
            self._attacker, self._weight = attacker, weight
            self._accuracy = keras.metrics.Mean(name='attacker_accuracy')

        def call(self, inputs: Any, training: Any = None) -> Any:
            return self.classifier(inputs, training=training)

        def fit(self, x: Any = None, y: Any = None, **settings: Any) -> Any:
            """As of any Keras model, after a look for reference examples among the members."""
            check_reference(self._attacker.reference_hashes, x, y, settings.get('steps_per_epoch'))
            return super().fit(x, y, **settings)

        @tf.autograph.experimental.do_not_convert
        def train_step(self, data: Any) -> dict[str, Any]:
            """A step of the attacker, then one of the classifier."""
            x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
            self._accuracy.update_state(self._attacker.learn(self.classifier, x, y))
            with tf.GradientTape() as tape:
                outputs = self(x, training=True)
                own = self.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=sample_weight)
                gain = tf.reduce_mean(tf.math.log_sigmoid(self._attacker.logit(outputs, y)))
                loss = own + self._weight * gain
            variables = self.classifier.trainable_variables
            self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            count_loss(keras, self, own, outputs)
            return self.compute_metrics(x, y, outputs, sample_weight)

    return AdversariallyRegularized


def _first(inputs: Any) -> Any:
    """The first rows, to see what the model makes of them."""
    import tensorflow as tf

    return tf.nest.map_structure(lambda array: tf.constant(array[:32]), inputs)


def _check_numbers(weight: float, learning_rate: float, steps: int) -> None:
    if not (isinstance(weight, (int, float)) and 0 <= weight < np.inf):
        raise PrivacyInputError(f'weight is {weight!r}: give 0 or more; 0 is plain training, 1 to 10 are usual.')
    if not 0 < learning_rate < np.inf:
        raise PrivacyInputError(f'attacker_learning_rate is {learning_rate!r}: give a number above 0.')
    if not (isinstance(steps, int) and steps >= 1):
        raise PrivacyInputError(f'attacker_steps is {steps!r}: give a whole number, 1 or more.')


def _check_outputs(outputs: Any, from_logits: bool) -> None:
    if outputs.ndim != 2:
        raise PrivacyInputError(f'the model has outputs of shape {outputs.shape}: it needs (n, classes), or (n, 1).')
    inside = bool(((outputs >= 0) & (outputs <= 1)).all())
    sums_to_1 = outputs.shape[1] == 1 or np.allclose(outputs.sum(axis=1), 1, atol=1e-3)
    if not from_logits and not (inside and sums_to_1):
        raise PrivacyInputError('the outputs are no probabilities, and from_logits is False: set it to True.')
    if from_logits and outputs.shape[1] > 1 and inside and sums_to_1:
        raise PrivacyInputError('the outputs are probabilities, and from_logits is True: set it to False.')
