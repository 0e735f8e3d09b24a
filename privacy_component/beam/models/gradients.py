"""Gradients of single examples through a signature of a SavedModel.

Weights are the signature's own `trainable_variables`, which every way to export a model fills; those of the loaded
object are missing for several. Examples go through one by one (`tf.map_fn`), which takes about twenty times as long as
a forward pass of a batch, in memory that does not grow with the batch, and works where the signature parses examples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import tensorflow as tf

from privacy_component.beam.models.signature_inputs import as_input, fixed_batch
from privacy_component.errors import PrivacyInputError

Gradient: TypeAlias = tf.Tensor | tf.IndexedSlices
# From the gradients of one example, one for each weight (None where none reaches it), to (k,) float64.
Summary = Callable[[Sequence[Gradient | None]], tf.Tensor]
PerExample = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def per_example(model: Any, signature: str, prediction_key: str, summary: Summary) -> PerExample:
    """A function (serialized (n,), d loss / d outputs (n, k)) -> (n, m) of what is kept of each example's gradients.

    Raises:
      PrivacyInputError: the signature has no weights, as in a frozen graph; or, when called, none that outputs follow.
    """
    call = model.signatures[signature]
    weights = call.trainable_variables
    if not weights:
        raise PrivacyInputError(
            f"the model's signature '{signature}' has no trainable variables (its graph is frozen, or all of them were "
            'exported as constants), so it has no gradients: leave attacks that need gradients out of '
            'PrivacyConfig.attacks, or export the model with its variables.'
        )
    ((argument, spec),) = call.structured_input_signature[1].items()
    size = fixed_batch(spec) or 1

    def of_one(example_and_gradient: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        example, output_gradient = example_and_gradient
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            outputs = call(**{argument: as_input(tf.repeat(example, size), spec)})
            chosen = (outputs[prediction_key] if prediction_key else next(iter(outputs.values())))[:1]
        seed = tf.cast(tf.reshape(output_gradient, tf.shape(chosen)), chosen.dtype)
        gradients = tape.gradient(chosen, weights, output_gradients=seed)
        if all(gradient is None for gradient in gradients):
            raise PrivacyInputError(
                f"no gradient reaches the weights of the model's signature '{signature}': leave attacks that need "
                'gradients out of PrivacyConfig.attacks, or export outputs that can be differentiated (no argmax or '
                'rounding).'
            )
        return summary(gradients)

    # Without autograph, whose wrapping would hide our own errors.
    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string), tf.TensorSpec([None, None], tf.float32)], autograph=False
    )
    def of_each(serialized: tf.Tensor, output_gradients: tf.Tensor) -> tf.Tensor:
        return tf.map_fn(of_one, (serialized, output_gradients), fn_output_signature=tf.float64)

    return of_each


def norm(gradients: Sequence[Gradient | None]) -> tf.Tensor:
    """(1,) over all weights together."""
    return tf.sqrt(tf.add_n([sum_of_squares(one) for one in gradients if one is not None]))[tf.newaxis]


def norms_by_layer(layers: Sequence[Sequence[int]]) -> Summary:
    """A summary (layers + 1,): the norm over all weights, and over those of each layer, given by their positions."""

    def norms(gradients: Sequence[Gradient | None]) -> tf.Tensor:
        squares = [tf.zeros([], tf.float64) if one is None else sum_of_squares(one) for one in gradients]
        by_layer = [tf.add_n([squares[position] for position in layer]) for layer in layers]
        return tf.sqrt(tf.stack([tf.add_n(squares), *by_layer]))

    return norms


def alignment(directions: Sequence[tf.Tensor]) -> Summary:
    """A summary (1,): how far a step along directions, one for each weight, goes down the gradient of unit length.

    Of an example whose gradient is 0 everywhere it is 0.
    """

    def aligned(gradients: Sequence[Gradient | None]) -> tf.Tensor:
        pairs = [(one, way) for one, way in zip(gradients, directions, strict=True) if one is not None]
        length = tf.sqrt(tf.add_n([sum_of_squares(one) for one, _ in pairs]))
        return tf.math.divide_no_nan(tf.add_n([_dot(one, way) for one, way in pairs]), length)[tf.newaxis]

    return aligned


def sum_of_squares(gradient: Gradient) -> tf.Tensor:
    """Of an embedding, rows that the example looks up twice are added up before they are squared.

    In float64: in float32 the squares of what a confident model has, 1e-23 say, are 0.
    """
    if isinstance(gradient, tf.IndexedSlices):
        rows, position = tf.unique(gradient.indices)
        gradient = tf.math.unsorted_segment_sum(gradient.values, position, tf.size(rows))
    return tf.reduce_sum(tf.square(tf.cast(gradient, tf.float64)))


def _dot(gradient: Gradient, direction: tf.Tensor) -> tf.Tensor:
    """Of an embedding, only the rows that were looked up; those that are looked up twice count twice."""
    if isinstance(gradient, tf.IndexedSlices):
        gradient, direction = gradient.values, tf.gather(direction, gradient.indices)
    return tf.reduce_sum(tf.cast(gradient, tf.float64) * tf.cast(direction, tf.float64))
