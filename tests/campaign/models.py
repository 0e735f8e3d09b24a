"""What a model answers: numbers that are none, shapes that do not fit, answers that say nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from privacy_component import PrivacyResult
from tests.campaign import worlds
from tests.campaign.case import BLESSING, ERROR, REFUSAL, Case, Rig
from tests.component import world as w

NOT_FINITE = 'model outputs: not finite'
SHAPES = 'model outputs: shape and type'
SILENT = 'model outputs: little or nothing said'
CLASSES = 'model outputs: 10,000 classes'
SERVED = 'model: what is served is not what is judged'
AGAIN = 'model outputs: others when asked again'

_MARK = 1000.0
_NUM_CLASSES = 10_000

Respond = Callable[[tf.Tensor], dict[str, tf.Tensor]]


def cases() -> Iterator[Case]:
    yield from _not_finite()
    yield from _shapes()
    yield from _silent()
    yield from _many_classes()
    yield from _served()
    yield from _asked_again()


def _model(family: str, name: str, answer: Callable[[tf.Tensor], Any], *mentions: str, **rest: Any) -> Case:
    """A model that answers `answer` of the logits in the example; the later shard ends in a marked example."""
    arguments = rest.pop('arguments', {})

    def spoil(rig: Rig) -> dict[str, Any]:
        rows = worlds.member_rows(3.0 if rest.get('world') == 'leaky' else 0.0)
        rows[-1]['logits'] = [_MARK, 0.0, 0.0]
        worlds.replace(rig, 'train', rows)
        worlds.save(rig, worlds.Scaled(_respond(answer)))
        return arguments

    return Case(family, name, spoil, mentions=mentions, **rest)


def _respond(answer: Callable[[tf.Tensor], Any]) -> Respond:
    def respond(logits: tf.Tensor) -> dict[str, tf.Tensor]:
        answered = answer(logits)
        return answered if isinstance(answered, dict) else {'outputs': answered}

    return respond


def _not_finite() -> Iterator[Case]:
    values = {'NaN': np.nan, 'infinity': np.inf, 'minus infinity': -np.inf}
    for name, bad in values.items():
        yield _model(NOT_FINITE, f'{name}, always', lambda z, b=bad: z * 0 + b, 'finite')
        yield _model(NOT_FINITE, f'{name}, for some', lambda z, b=bad: tf.where(z > 2.5, b, z), 'finite')
        yield _model(
            NOT_FINITE, f'{name}, for one in a later shard', lambda z, b=bad: tf.where(z == _MARK, b, z), 'finite'
        )
    yield _model(NOT_FINITE, 'larger than any sum of squares', lambda z: tf.cast(z, tf.float64) * 1e200, 'finite')


def _shapes() -> Iterator[Case]:
    shape = 'outputs of shape'
    answers: dict[str, tuple[Callable[[tf.Tensor], Any], str]] = {
        'a sequence per example': (lambda z: tf.tile(z[:, None], [1, 4, 1]), shape),
        'one number for all': (tf.reduce_mean, shape),
        'one row for all': (lambda z: tf.reduce_mean(z, 0, keepdims=True), shape),
        'classes by examples': (tf.transpose, shape),
        'ten rows': (lambda z: z[:10], shape),
        'a row too many': (lambda z: tf.concat([z, z[:1]], 0), shape),
        'no column': (lambda z: z[:, :0], 'output'),
        'one column for three classes': (lambda z: z[:, :1], "label_key 'label' holds the class 2"),
        'two columns for three classes': (lambda z: z[:, :2], "label_key 'label' holds the class 2"),
        'text': (tf.strings.as_string, 'not numbers'),
        'complex numbers': (lambda z: tf.cast(z, tf.complex64), 'not numbers'),
        'bfloat16': (lambda z: tf.cast(z, tf.bfloat16), 'not numbers'),
        'two outputs and no prediction_key': (lambda z: {'a': z, 'b': -z}, 'prediction_key'),
        'one column more for a marked example': (_wider, 'outputs for some examples'),
        'an exception': (_refuses, 'signature'),
        'an exception for one in a later shard': (_refuses_marked, 'signature'),
        'half of a softmax': (lambda z: tf.nn.softmax(z) / 2, 'PrivacyConfig.outputs.kind'),
    }
    for name, (answer, words) in answers.items():
        yield _model(SHAPES, name, answer, words)
    some_bad = {'privacy_config': w.config(measurement={'max_bad_record_share': 0.5})}
    yield _model(SHAPES, 'an exception for one in a later shard, where bad records are allowed', _refuses_marked,
                 'are whole tf.Examples', arguments=some_bad)  # fmt: skip
    yield Case(SHAPES, 'it reads a feature that no example has', _reads_pixels, mentions=('signature',))
    wrong = {'privacy_config': w.config(outputs={'kind': 'probabilities'})}
    yield _model(SHAPES, 'logits called probabilities', lambda z: z, "'probabilities'", arguments=wrong)
    yield _model(SHAPES, 'whole numbers', lambda z: tf.cast(z * 10, tf.int32), world='leaky', expects=(REFUSAL,))
    yield _model(
        SHAPES, 'float16', lambda z: tf.cast(tf.minimum(z, 90.0), tf.float16), world='leaky', expects=(REFUSAL,)
    )
    yield _model(SHAPES, 'a class too many', lambda z: tf.pad(z, [[0, 0], [0, 1]]), world='leaky', expects=(REFUSAL,))


def _wider(z: tf.Tensor) -> tf.Tensor:
    return tf.cond(tf.reduce_any(z == _MARK), lambda: tf.concat([z, z[:, :1]], 1), lambda: tf.identity(z))


def _refuses(z: tf.Tensor) -> tf.Tensor:
    with tf.control_dependencies([tf.debugging.assert_less(z, -1e6)]):
        return tf.identity(z)


def _refuses_marked(z: tf.Tensor) -> tf.Tensor:
    with tf.control_dependencies([tf.debugging.assert_less(z, _MARK)]):
        return tf.identity(z)


def _reads_pixels(rig: Rig) -> None:
    for split, rows in (('train', worlds.member_rows(0.0)), ('eval', worlds.other_rows())):
        worlds.replace(rig, split, [{'pixels': row.pop('logits'), **row} for row in rows])


def _silent() -> Iterator[Case]:
    constants: dict[str, Callable[[tf.Tensor], Any]] = {
        'zeros': lambda z: z * 0,
        'one row of logits for all': lambda z: z * 0 + tf.constant([1.0, 2.0, 3.0]),
        'equal probabilities': lambda z: z * 0 + 1 / 3,
        'the same for every class': lambda z: tf.tile(z[:, :1], [1, 3]),
    }
    for name, answer in constants.items():
        yield _model(SILENT, name, answer, world='leaky', expects=(ERROR, REFUSAL))
    leaky: dict[str, Callable[[tf.Tensor], Any]] = {
        'rounded to a tenth': lambda z: tf.round(z * 10) / 10,
        'probabilities rounded to a hundredth of 1': lambda z: _rounded(tf.nn.softmax(z)),
        'saturated probabilities': lambda z: tf.nn.softmax(20 * z),
        'probabilities': tf.nn.softmax,
        'with noise': lambda z: z + tf.random.normal(tf.shape(z), stddev=0.3),
        'dependent on the place in the batch': lambda z: z + 0.01 * tf.cumsum(z, axis=0),
        'the answer only, one-hot': lambda z: tf.one_hot(tf.argmax(z, 1), w.NUM_CLASSES),
        'the answer only, as a logit of ten': lambda z: 10 * tf.one_hot(tf.argmax(z, 1), w.NUM_CLASSES),
        'the largest only': lambda z: tf.where(z == tf.reduce_max(z, 1, keepdims=True), z, 0.0),
    }
    for name, answer in leaky.items():
        yield _model(SILENT, f'a leak, {name}', answer, world='leaky', expects=(REFUSAL,))


def _rounded(p: tf.Tensor) -> tf.Tensor:
    """Two digits, and what is missing to 1 in the first class."""
    digits = tf.round(p * 100) / 100
    missing = 1 - tf.reduce_sum(digits, 1, keepdims=True)
    return tf.concat([digits[:, :1] + missing, digits[:, 1:]], 1)


class ManyClasses(tf.Module):
    """10,000 logits from two numbers of an example: a class, and how sure of it to be."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(self, examples):
        pair = tf.io.parse_example(examples, {'logits': tf.io.FixedLenFeature([2], tf.float32)})['logits']
        return {'outputs': tf.one_hot(tf.cast(pair[:, 0], tf.int32), _NUM_CLASSES) * pair[:, 1:]}


def _many_classes() -> Iterator[Case]:
    why = 'nothing leaks'
    yield Case(CLASSES, 'no leak', lambda rig: _classes(rig, 0.0), (BLESSING,), why=why, check=_has_class_slices)
    yield Case(CLASSES, 'a leak', lambda rig: _classes(rig, 3.0), (REFUSAL,), check=_has_class_slices)
    yield Case(CLASSES, 'more slices than allowed', lambda rig: _classes(rig, 0.0, slices={'max_slices': 100}),
               mentions=('100 slices',))  # fmt: skip
    yield Case(CLASSES, 'a label beyond the last', _label_beyond, mentions=('holds the class 10000',))


def _classes(rig: Rig, leak: float, **config: Any) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    for split, more in (('train', leak), ('eval', 0.0)):
        labels = rng.integers(_NUM_CLASSES, size=worlds.NUM_ROWS)
        sure = (8 + more + rng.standard_normal(worlds.NUM_ROWS)).tolist()
        rows = [
            {'logits': [float(k), s], 'color': 'red', 'size': 1, 'label': int(k)}
            for k, s in zip(labels, sure, strict=True)
        ]
        worlds.replace(rig, split, rows)
    worlds.save(rig, ManyClasses())
    return {'privacy_config': w.config(**config)}


def _label_beyond(rig: Rig) -> None:
    _classes(rig, 0.0)
    rows = [{'logits': [1.0, 2.0], 'color': 'red', 'size': 1, 'label': _NUM_CLASSES}]
    worlds.replace(rig, 'eval', rows * worlds.NUM_ROWS)


def _has_class_slices(rig: Rig, result: PrivacyResult) -> None:
    assert result.record.output_evidence.num_outputs == _NUM_CLASSES


class Signatures(tf.Module):
    """A signature for each answer; what `predict` says is judged, if there is one."""

    def __init__(self, answers: dict[str, Respond]):
        super().__init__()
        self._spec = {'logits': tf.io.FixedLenFeature([w.NUM_CLASSES], tf.float32)}
        self._scale = tf.Variable(1.0)
        self.served = {name: self._signature(answer) for name, answer in answers.items()}

    def _signature(self, answer: Respond) -> Any:
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def serve(examples):
            return answer(tf.io.parse_example(examples, self._spec)['logits'] * self._scale)

        return serve


def _harmless(z: tf.Tensor) -> tf.Tensor:
    """Which class, and digits of the logits that nobody learns anything from."""
    return tf.one_hot(tf.argmax(z, 1), w.NUM_CLASSES) + tf.math.floormod(1000 * z, 1.0)


def _served() -> Iterator[Case]:
    judged = _respond(_harmless)
    leaks: dict[str, Callable[[tf.Tensor], Any]] = {
        'logits': tf.identity,
        'probabilities': tf.nn.softmax,
        'scaled down': lambda z: z / 1000,
        'half precision': lambda z: tf.cast(tf.minimum(z, 90.0), tf.bfloat16),
        'the surest probability only': lambda z: tf.reduce_max(tf.nn.softmax(z), 1),
        'whole numbers': lambda z: tf.cast(z * 10, tf.int32),
    }
    named = {'evaluation': w.eval_config(signature_name='quiet')}
    keyed = {'evaluation': w.eval_config(prediction_key='quiet')}
    for name, leak in leaks.items():
        loud = _respond(leak)
        yield _signatures(f'{name}, by serving_default beside predict', {'predict': judged, 'serving_default': loud})
        yield _signatures(
            f'{name}, beside a signature that is named', {'quiet': judged, 'serving_default': loud}, named
        )
        both = {'serving_default': lambda z, leak=leak: {'quiet': _harmless(z), 'other': leak(z)}}
        yield _signatures(f'{name}, in an output that is not named', both, keyed)
    loud = _respond(tf.identity)
    yield _signatures('a third signature', {'quiet': judged, 'serving_default': judged, 'extra': loud}, named)


def _signatures(name: str, answers: dict[str, Respond], arguments: dict[str, Any] | None = None) -> Case:
    def spoil(rig: Rig) -> dict[str, Any] | None:
        model = Signatures(answers)
        worlds.save(rig, model, **model.served)
        return arguments

    words = ('another answer that this evaluation does not judge',)
    return Case(SERVED, name, spoil, (REFUSAL,), mentions=words, world='leaky')


def _asked_again() -> Iterator[Case]:
    changing: dict[str, Callable[[tf.Tensor], Any]] = {
        'noise': lambda z: z + tf.random.normal(tf.shape(z), stddev=3.0),
        'little noise': lambda z: z + tf.random.normal(tf.shape(z), stddev=0.003),
        'dropout': lambda z: tf.nn.dropout(z, 0.3),
        'a class drawn by its probability': _drawn,
        'batch statistics': lambda z: (z - tf.reduce_mean(z, 0)) / tf.math.reduce_std(z, 0),
        'ranks within the batch': lambda z: tf.cast(tf.argsort(tf.argsort(z, 0), 0), tf.float32),
    }
    for name, answer in changing.items():
        yield _model(AGAIN, name, answer, 'asked about again', world='leaky', expects=(REFUSAL,))


def _drawn(z: tf.Tensor) -> tf.Tensor:
    return tf.one_hot(tf.random.categorical(z, 1)[:, 0], w.NUM_CLASSES) * 5.0
