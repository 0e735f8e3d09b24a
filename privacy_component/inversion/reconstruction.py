"""The input of a class, found by gradients through a signature of a SavedModel."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from privacy_component.errors import PrivacyInputError, did_you_mean
from privacy_component.inversion.generator import Generator

_TINY = 1e-12
_CODE_WIDTH = 4.0  # codes of nearly all inputs are within two standard deviations to either side of 0


@dataclasses.dataclass(frozen=True, eq=False)
class Reconstruction:
    """What the model was made to show.

    Attributes:
      inputs: (k, ...) one for each target, as the model takes them.
      targets: (k,) class numbers.
      confidence: (k,) the model's probability of the target for it.
      start_confidence: (k,) the same before the first step.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.int64]
    confidence: NDArray[np.float64]
    start_confidence: NDArray[np.float64]

    def __repr__(self) -> str:
        return (
            f'reconstructions of {len(self.targets)} classes, of shape {self.inputs.shape[1:]}: mean probability of '
            f'the class {self.start_confidence.mean():.3f} before, {self.confidence.mean():.3f} after'
        )


def reconstruct(
    model: Any,
    targets: ArrayLike,
    *,
    shape: Sequence[int] | None = None,
    signature: str = 'serving_default',
    output: str = '',
    bounds: tuple[float, float] = (0.0, 1.0),
    start: ArrayLike | None = None,
    steps: int = 150,
    step_size: float = 0.06,
    generator: Generator | None = None,
) -> Reconstruction:
    """Looks for the input that the model takes for a class with the most confidence.

    Projected gradient descent on -log p of the target, in steps of one length, from one grey input. All targets go
    through the model as one batch. Fredrikson et al. descend 1 - p, whose gradient vanishes where p does; both have
    their minima at the same inputs.

    What comes out is what the class has that others have not: an average of its examples. It gives a person away where
    the class is a person, and says nothing of who was a member of a class of many; see `identification` and `nearness`.

    Args:
      model: the folder of a SavedModel, or what tf.saved_model.load returned.
      targets: (k,) class numbers.
      shape: of one input; only needed where the signature does not tell it.
      signature: one that takes one tensor of floating-point numbers, (n, ...).
      output: the name of the outputs (n, classes), logits or probabilities; only needed where there are several.
      bounds: the least and the largest number of an input.
      start: one input to begin with; by default the middle of the bounds.
      steps: of the descent.
      step_size: length of a step, times the root of the input's size and the width of the bounds.
      generator: what makes inputs of codes, trained on public data of the same kind (`train_generator`); then the
        descent is over codes, and what comes out looks like such data. It begins with the code 0, and `start` and
        `bounds` are not used.

    Returns:
      The inputs that had the highest probability on the way.

    Raises:
      PrivacyInputError: an argument cannot be used, or no gradient comes through the signature.

    Reference: Fredrikson, Jha and Ristenpart 2015, CCS, https://doi.org/10.1145/2810103.2813677, algorithm 1.
    """
    _loaded, call, argument, spec = _taken(model, signature)  # variables are deleted with the loaded object
    low, high = _checked(bounds, steps, step_size)
    if generator is None:
        decode: Callable[[tf.Tensor], tf.Tensor] = tf.identity
        begin = _start(spec, shape, start, low, high, signature)
    else:
        _check_generator(generator, spec, shape, start, signature)
        low, high = -_CODE_WIDTH / 2, _CODE_WIDTH / 2
        begin, decode = np.zeros(generator.code_size), lambda codes: tf.cast(generator.decode(codes), spec.dtype)
    wanted = np.asarray(targets)
    if wanted.ndim != 1 or not len(wanted) or wanted.dtype.kind not in 'iu':
        raise PrivacyInputError(f'targets has shape {wanted.shape} and type {wanted.dtype}; give (k,) class numbers.')
    answer = _answers(call, argument, spec, output, signature)
    first = answer(decode(tf.constant(begin[None], spec.dtype)))
    _check_outputs(first, wanted, signature)
    is_probability = _are_probabilities(first.numpy())
    labels = tf.constant(wanted, tf.int64)

    # Without autograph, whose wrapping would hide our own errors.
    @tf.function(autograph=False)
    def look(inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            cost = -_log_probability(answer(decode(inputs)), labels, is_probability)
        return cost, tape.gradient(cost, inputs)

    inputs = tf.constant(np.repeat(begin[None], len(wanted), axis=0), spec.dtype)
    length = step_size * (high - low) * float(np.sqrt(begin.size))
    best, least, begun = inputs.numpy(), np.full(len(wanted), np.inf), None
    for _ in range(steps + 1):
        cost, gradient = look(inputs)
        if gradient is None:
            raise PrivacyInputError(
                f"no gradient comes through the signature '{signature}': export one whose outputs can be "
                'differentiated (no argmax, rounding or look-up).'
            )
        costs = cost.numpy().astype(np.float64)
        if not np.isfinite(costs).all():
            raise PrivacyInputError(f"the outputs of the signature '{signature}' are not finite: check the bounds.")
        begun = costs if begun is None else begun
        better = costs < least
        best[better], least[better] = inputs.numpy()[better], costs[better]
        inputs = tf.clip_by_value(inputs - length * _directions(gradient), low, high)
    assert begun is not None
    best = decode(tf.constant(best, spec.dtype)).numpy()
    return Reconstruction(best.astype(np.float32), wanted.astype(np.int64), np.exp(-least), np.exp(-begun))


def _taken(model: Any, signature: str) -> tuple[Any, Any, str, tf.TensorSpec]:
    loaded = tf.saved_model.load(os.fspath(model)) if isinstance(model, str | os.PathLike) else model
    signatures = getattr(loaded, 'signatures', None)
    if signatures is None:
        raise PrivacyInputError(
            f'the model is a {type(model).__name__} without signatures: export it (model.export(folder)), and give the '
            'folder.'
        )
    if signature not in signatures:
        raise PrivacyInputError(
            f"the model has no signature '{signature}'{did_you_mean(signature, signatures)}; it has "
            f'{", ".join(sorted(signatures)) or "none"}.'
        )
    call = signatures[signature]
    arguments = call.structured_input_signature[1]
    floating = {name: spec for name, spec in arguments.items() if spec.dtype.is_floating}
    if len(arguments) != 1 or not floating:
        kinds = ', '.join(f'{name} ({spec.dtype.name})' for name, spec in arguments.items())
        raise PrivacyInputError(
            f"the signature '{signature}' takes {kinds}: gradients need one tensor of floating-point numbers. Export a "
            'signature of the network itself, behind parsing and look-ups.'
        )
    ((argument, spec),) = floating.items()
    return loaded, call, argument, spec


def _checked(bounds: Any, steps: Any, step_size: Any) -> tuple[float, float]:
    low, high = map(float, bounds)
    if not (np.isfinite([low, high]).all() and low < high):
        raise PrivacyInputError(f'bounds is {bounds!r}: give the least and the largest number of an input, (0.0, 1.0).')
    if not (isinstance(steps, int) and steps >= 1):
        raise PrivacyInputError(f'steps is {steps!r}: give a whole number, 1 or more.')
    if not 0 < step_size < 1:
        raise PrivacyInputError(f'step_size is {step_size!r}: give a number in (0, 1).')
    return low, high


def _start(
    spec: tf.TensorSpec, shape: Sequence[int] | None, start: ArrayLike | None, low: float, high: float, signature: str
) -> NDArray[np.float64]:
    """One input to begin with."""
    known = None if spec.shape.rank is None else spec.shape.as_list()[1:]
    given = list(shape) if shape is not None else known
    if start is not None:
        begin = np.asarray(start, np.float64)
        given = list(begin.shape)
    if given is None or None in given:
        raise PrivacyInputError(f"the signature '{signature}' does not tell the shape of an input: give shape=.")
    if known is not None and not tf.TensorShape(known).is_compatible_with(given):
        raise PrivacyInputError(
            f"an input of shape {tuple(given)} was asked for, but the signature '{signature}' takes {tuple(known)}."
        )
    begin = np.full(given, (low + high) / 2) if start is None else begin
    if not ((begin >= low) & (begin <= high)).all():
        raise PrivacyInputError(f'start has numbers outside the bounds ({low:g}, {high:g}).')
    return begin


def _check_generator(
    generator: Any, spec: tf.TensorSpec, shape: Sequence[int] | None, start: ArrayLike | None, signature: str
) -> None:
    """Raises PrivacyInputError unless it makes what the signature takes."""
    if not isinstance(generator, Generator):
        raise PrivacyInputError(f'generator is a {type(generator).__name__}: give what train_generator returns.')
    if shape is not None or start is not None:
        raise PrivacyInputError('shape and start are of a descent over inputs: leave them out, or generator.')
    made = tuple(generator.decode(tf.zeros([1, generator.code_size], spec.dtype)).shape)[1:]
    if made != tuple(generator.shape) or not tf.TensorShape([None, *made]).is_compatible_with(spec.shape):
        takes = None if spec.shape.rank is None else tuple(spec.shape.as_list()[1:])
        raise PrivacyInputError(
            f"the generator makes inputs of shape {made}, but the signature '{signature}' takes {takes}: train it on "
            'public data of the shape that the model takes.'
        )


def _answers(
    call: Any, argument: str, spec: tf.TensorSpec, output: str, signature: str
) -> Callable[[tf.Tensor], tf.Tensor]:
    names = sorted(call.structured_outputs)
    if output and output not in names:
        raise PrivacyInputError(f"the signature '{signature}' has no output '{output}'; it has {', '.join(names)}.")
    if not output and len(names) > 1:
        raise PrivacyInputError(f"the signature '{signature}' has several outputs: name one, {', '.join(names)}.")
    return lambda inputs: call(**{argument: inputs})[output or names[0]]


def _check_outputs(outputs: tf.Tensor, targets: NDArray, signature: str) -> None:
    if outputs.shape.rank != 2 or outputs.shape[1] < 2:
        raise PrivacyInputError(
            f"the signature '{signature}' returns shape {tuple(outputs.shape)}; (n, classes) of two or more is needed."
        )
    if targets.min() < 0 or targets.max() >= outputs.shape[1]:
        raise PrivacyInputError(
            f'targets go from {targets.min()} to {targets.max()}, but the model has {outputs.shape[1]} classes, from 0.'
        )


def _are_probabilities(rows: NDArray) -> bool:
    return bool((rows >= 0).all() and np.allclose(rows.sum(axis=1), 1, atol=1e-3))


def _log_probability(outputs: tf.Tensor, labels: tf.Tensor, is_probability: bool) -> tf.Tensor:
    """(n,) log p of the labels."""
    if is_probability:
        return tf.math.log(tf.gather(outputs, labels, axis=1, batch_dims=1) + _TINY)
    return -tf.nn.sparse_softmax_cross_entropy_with_logits(labels, outputs)


def _directions(gradient: tf.Tensor) -> tf.Tensor:
    """Each row's gradient over its length; 0 where it has none."""
    rows = tf.reshape(gradient, [tf.shape(gradient)[0], -1])
    lengths = tf.norm(rows, axis=1, keepdims=True)
    return tf.reshape(tf.math.divide_no_nan(rows, lengths), tf.shape(gradient))
