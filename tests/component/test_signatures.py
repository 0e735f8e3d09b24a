"""Signatures as people export them: what fits is called, what does not is refused with what the signature takes."""

import inspect
from pathlib import Path

import pytest
import tensorflow as tf

from privacy_component import PrivacyInputError, PrivacyResult
from tests.component import world as w

LOGITS = {'logits': tf.io.FixedLenFeature([w.NUM_CLASSES], tf.float32)}


class Signature(tf.Module):
    """A function as a model, with inputs of given shapes and types."""

    def __init__(self, answer, **inputs):
        super().__init__()
        specs = [tf.TensorSpec(shape, dtype, name=name) for name, (shape, dtype) in inputs.items()]
        self.serve = tf.function(answer, input_signature=specs)

    def save(self, path):
        tf.saved_model.save(self, str(path), signatures={'serving_default': self.serve})


def with_argument(function, name):
    """A function of one argument, which gets another name."""
    function.__signature__ = inspect.Signature([inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)])
    return function


def parsed(examples):
    return tf.io.parse_example(examples, LOGITS)['logits']


def three(values):
    """Three outputs that follow one number."""
    return {'outputs': tf.reshape(tf.cast(values, tf.float32), [-1, 1]) * tf.constant([[1.0, 0.5, -1.0]])}


@pytest.fixture(scope='module')
def examples(tmp_path_factory):
    """A world whose examples also have a fraction `amount`; each test puts its own model in."""
    world = w.World(tmp_path_factory.mktemp('signatures')).write(leak=False)
    for split, seed in (('train', 1), ('eval', 2)):
        rows = w.make_rows(200, seed, leak=False)
        world.replace_rows(split, [row | {'amount': row['logits'][0]} for row in rows])
    return world


def run(world, answer, inputs, **kwargs):
    Signature(answer, **inputs).save(world.root / 'model' / 'Format-Serving')
    outputs = world.run(**kwargs)
    return PrivacyResult.load(Path(outputs['privacy_metrics'].uri) / 'privacy_metrics.json')


def figures(result):
    return [one.row() for one in result.results]


@pytest.fixture(scope='module')
def expected(examples):
    """What the world's logits give with a signature as trainers export it."""
    return figures(run(examples, lambda examples: {'outputs': parsed(examples)}, {'examples': ([None], tf.string)}))


SERIALIZED = {
    'a batch of 7 and no other': (lambda examples: {'outputs': tf.reshape(parsed(examples), [7, 3])}, [7]),
    'a batch of 1': (
        lambda examples: {'outputs': tf.reshape(parsed(examples), [1, 3]), 'version': tf.constant(3)},
        [1],
    ),
    'a column of 7': (lambda examples: {'outputs': tf.reshape(parsed(examples[:, 0]), [7, 3])}, [7, 1]),
}


@pytest.mark.parametrize('name', SERIALIZED)
def test_serialized_examples_in_any_shape(examples, expected, name):
    answer, shape = SERIALIZED[name]
    found = run(examples, answer, {'examples': (shape, tf.string)}, evaluation=w.eval_config(prediction_key='outputs'))
    assert found.record.model_called == 'directly'
    assert figures(found) == expected


def test_gradients_of_a_fixed_batch(examples):
    class Linear(tf.Module):
        def __init__(self, size):
            super().__init__()
            self.weights = tf.Variable(tf.random.stateless_normal([3, 3], [1, 2]))
            spec = tf.TensorSpec([size, 1] if size else [None], tf.string, name='examples')
            self.serve = tf.function(lambda examples: self._answer(examples, size), input_signature=[spec])

        def _answer(self, examples, size):
            return {'outputs': tf.reshape(parsed(tf.reshape(examples, [-1])), [size or -1, 3]) @ self.weights}

    found = []
    for size in (None, 5):
        model = Linear(size)
        path = str(examples.root / 'model' / 'Format-Serving')
        tf.saved_model.save(model, path, signatures={'serving_default': model.serve})
        outputs = examples.run(privacy_config=w.config(attacks=('gradient_norm',)))
        found.append(figures(PrivacyResult.load(Path(outputs['privacy_metrics'].uri) / 'privacy_metrics.json')))
    assert found[0] == found[1]


BY_NAME = {
    'a fraction as a column': ('amount', [None, 1], tf.float32),
    'a whole number into float64, as Keras names it': ('size_input', [None, 1], tf.float64),
    'a whole number into int32': ('size', [None], tf.int32),
    'a text': ('color', [None], tf.string),
}


@pytest.mark.parametrize('name', BY_NAME)
def test_features_by_name(examples, name):
    feature, shape, dtype = BY_NAME[name]

    def answer(values):
        return three(tf.strings.length(values) if dtype == tf.string else values)

    found = run(examples, with_argument(answer, feature), {feature: (shape, dtype)})
    assert found.record.model_called == "by TFMA's extractors"
    column = feature.removesuffix('_input')

    def as_examples(examples):
        kind = {'amount': tf.float32, 'size': tf.int64, 'color': tf.string}[column]
        values = tf.io.parse_example(examples, {column: tf.io.FixedLenFeature([], kind)})[column]
        return three(tf.strings.length(values) if kind == tf.string else values)

    assert figures(found) == figures(run(examples, as_examples, {'examples': ([None], tf.string)}))
    sizes = {type(value) for one in found.results for name, value in one.slice_key if name == 'size'}
    assert sizes == {int}, 'slices keep the values that the examples have'


REFUSED = {
    'no feature': (
        lambda amout: three(amout),
        {'amout': ([None, 1], tf.float32)},
        r"takes 'amout' \(float32, shape \(None, 1\)\), but 'amout' is no feature of the examples "
        r"\(amount, color, label, logits, size\); did you mean 'amount'\?\. Name another in .*signature_name",
    ),
    'text into a number, and too many': (
        lambda color, logits: three(color),
        {'color': ([None, 1], tf.float32), 'logits': ([None, 5], tf.float32)},
        r"takes 'color' \(.*'logits' \(float32, shape \(None, 5\)\), but 'color' is text in the examples; "
        "'logits' has 3 values in each example",
    ),
    'a number into text': (
        lambda size: three(tf.strings.length(size)),
        {'size': ([None, 1], tf.string)},
        "'size' is int64 in the examples",
    ),
    'fractions into whole numbers': (
        lambda amount: three(amount),
        {'amount': ([None, 1], tf.int64)},
        "'amount' is float in the examples",
    ),
    'one example at a time': (
        lambda examples: {'outputs': parsed(examples[None])},
        {'examples': ([], tf.string)},
        r"takes 'examples' \(string, shape \(\)\), but 'examples' is no feature",
    ),
    'a fixed batch by name': (
        lambda logits: {'outputs': tf.reshape(logits, [7, 3])},
        {'logits': ([7, 3], tf.float32)},
        r"takes 'logits' \(float32, shape \(7, 3\): a batch of 7 and no other\), but 'logits' takes one size",
    ),
    'examples of another kind': (
        lambda examples: {'outputs': tf.io.parse_example(examples, {'x': tf.io.FixedLenFeature([3], tf.float32)})['x']},
        {'examples': ([None], tf.string)},
        r"takes 'examples' \(string, shape \(None,\)\), and could not be called with these examples: Feature: x",
    ),
}  # fmt: skip


@pytest.mark.parametrize('name', REFUSED)
def test_what_does_not_fit_is_refused_with_what_the_signature_takes(examples, name):
    answer, inputs, message = REFUSED[name]
    with pytest.raises(PrivacyInputError, match=message):
        run(examples, answer, inputs)


def ragged(logits):
    return tf.RaggedTensor.from_tensor(logits, tf.cast(tf.math.floormod(logits[:, 0], 2) + 1, tf.int64))


NOT_DENSE = {
    'ragged': (ragged, r"is a ragged tensor, .*; its outputs are 'other' \(float32, shape \(None, 3\)\), 'outputs' "
               r'\(ragged float32\): name a dense one with .*prediction_key, or .* to_tensor\(shape=...\)\.$'),
    'sparse': (tf.sparse.from_dense, 'is a sparse tensor.* tf.sparse.to_dense'),
}  # fmt: skip


@pytest.mark.parametrize('by_name', [False, True])
@pytest.mark.parametrize('name', NOT_DENSE)
def test_an_output_without_a_number_for_each_class(examples, name, by_name):
    answer, message = NOT_DENSE[name]
    make, inputs = {
        False: (parsed, {'examples': ([None], tf.string)}),
        True: (tf.identity, {'logits': ([None, 3], tf.float32)}),
    }[by_name]
    (argument,) = inputs

    def outputs(given):
        return {'outputs': answer(make(given)), 'other': make(given)}

    message = f"the output 'outputs' of the model's signature 'serving_default' {message}"
    with pytest.raises(PrivacyInputError, match=message):
        run(examples, with_argument(outputs, argument), inputs, evaluation=w.eval_config(prediction_key='outputs'))


def test_what_does_not_fit_is_known_before_the_job(examples):
    with pytest.raises(PrivacyInputError, match="'size' is int64"):
        run(
            examples,
            *REFUSED['a number into text'][:2],
            beam_args=['--runner=there is none'],
        )


LABELS = {'label_key': '', 'label_keys': {'whole': 'label', 'turned': 'other_label'}}


@pytest.fixture(scope='module')
def two_outputs(tmp_path_factory):
    """A model with two outputs, each for a label of its own, and a weight for the second."""
    world = w.World(tmp_path_factory.mktemp('outputs')).write(respond=lambda z: {'whole': z, 'turned': z[:, ::-1]})
    for split, seed in (('train', 1), ('eval', 2)):
        rows = w.make_rows(200, seed, leak=seed == 1)
        world.replace_rows(split, [row | {'other_label': 2 - row['label'], 'weight': 0.5} for row in rows])
    return world


def judged(world, **spec):
    outputs = world.run(evaluation=w.eval_config(**spec), privacy_config=w.config(checks={'other_signatures': 'off'}))
    return PrivacyResult.load(Path(outputs['privacy_metrics'].uri) / 'privacy_metrics.json')


@pytest.mark.parametrize('output', LABELS['label_keys'])
def test_the_label_of_the_output_that_is_judged(two_outputs, output):
    weights = {'example_weight_keys': {'turned': 'weight'}} if output == 'turned' else {}
    found = judged(two_outputs, prediction_key=output, **LABELS, **weights)
    assert found.record.judged_output == output
    label = LABELS['label_keys'][output]
    weight = {'example_weight_key': 'weight'} if weights else {}
    assert figures(found) == figures(judged(two_outputs, prediction_key=output, label_key=label, **weight))
    assert (found.results[0].sums_of_weights is not None) == bool(weights)


def test_one_output_with_a_label_needs_no_name(two_outputs):
    found = judged(two_outputs, label_key='', label_keys={'turned': 'other_label'})
    assert found.record.judged_output == 'turned'


@pytest.mark.parametrize(
    ('spec', 'message'),
    [
        ({}, r'label_keys has the outputs turned, whole, but no prediction_key says which of them is judged: name one'),
        ({'prediction_key': 'third'}, "label_keys has the outputs turned, whole, but prediction_key is 'third': name"),
        ({'prediction_keys': {'whole': 'whole'}}, 'no prediction_key says .* name one with prediction_key, without'),
    ],
)
def test_several_outputs_of_which_none_is_named(two_outputs, spec, message):
    with pytest.raises(PrivacyInputError, match=message):
        judged(two_outputs, **LABELS, **spec)
