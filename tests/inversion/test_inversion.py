"""Inversion through real SavedModels: people who are a class each, classes of many, errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from sklearn.datasets import load_digits

from pipelines import inversion
from privacy_component import PrivacyInputError
from privacy_component.inversion import (
    Generator,
    draw_reconstructions,
    identification,
    nearness,
    reconstruct,
    train_generator,
)

DIGITS = load_digits()
IMAGES = (DIGITS.images / 16).astype(np.float32)


def network(one_keras=keras, activation=None, seed=0, copies=30):
    own, others, examples = inversion.people(IMAGES, seed, copies=copies)
    one_keras.utils.set_random_seed(seed)
    layers = [one_keras.layers.Input((8, 8)), one_keras.layers.Flatten(), one_keras.layers.Dense(64, 'relu')]
    model = one_keras.Sequential([*layers, one_keras.layers.Dense(40, activation)])
    loss = one_keras.losses.SparseCategoricalCrossentropy(from_logits=activation is None)
    model.compile(one_keras.optimizers.Adam(3e-3), loss)
    model.fit(*examples, batch_size=100, epochs=15, verbose=0)
    return model, own, others


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """The folder of a model of 40 people, their images and those of 1,000 others."""
    folder = tmp_path_factory.mktemp('people')
    trained, own, others = network()
    trained.export(folder, verbose=False)
    return folder, own, others


def test_people_are_picked_out_of_a_model_without_a_defence(model):
    folder, own, others = model
    found = reconstruct(folder, np.arange(40))
    assert (found.confidence > found.start_confidence).all() and found.confidence.min() > 0.9
    named = identification(found.inputs, own, others)
    assert named.first >= 0.7 and named.lower < named.first < named.upper
    assert named.num_candidates == 1001 and named.chance < 0.001
    assert 'own input first of 1,001 for 0.' in repr(named)
    assert list(named.to_frame()['rank']) == named.ranks.tolist()
    assert np.array_equal(found.inputs, reconstruct(folder, np.arange(40)).inputs)


def test_strong_noise_hides_them():
    row = inversion.measured(IMAGES, 8.0, 0)
    assert row['named'].first <= 0.15 and row['epsilon'] < 1


@pytest.fixture(scope='module')
def generator():
    return train_generator(IMAGES[1040:], code_size=8, units=64, epochs=40)


def test_a_generator_makes_digits_that_the_model_takes_for_the_class(model, generator):
    folder, own, others = model
    found = reconstruct(folder, np.arange(40), generator=generator)
    assert (found.confidence > found.start_confidence).all() and found.confidence.mean() > 0.3
    assert found.inputs.shape == (40, 8, 8) and found.inputs.min() >= 0 and found.inputs.max() <= 1
    # They look like digits: much nearer to a real one than what a descent over pixels shows.
    free = reconstruct(folder, np.arange(40)).inputs
    assert identification(found.inputs, own, others).first < identification(free, own, others).first
    assert likeness(found.inputs) > likeness(free) + 0.1
    assert np.array_equal(found.inputs, reconstruct(folder, np.arange(40), generator=generator).inputs)


def likeness(images):
    """The mean correlation with the most alike of all digits."""
    flat = [(side - side.mean(axis=1, keepdims=True)) for side in (images.reshape(-1, 64), IMAGES.reshape(-1, 64))]
    unit = [side / np.linalg.norm(side, axis=1, keepdims=True) for side in flat]
    return (unit[0] @ unit[1].T).max(axis=1).mean()


def test_generators_that_cannot_be_used_are_named(model, generator):
    other = train_generator(np.zeros((100, 9, 9)), code_size=2, units=4, epochs=1)
    with pytest.raises(PrivacyInputError, match=r'makes inputs of shape \(9, 9\), but .* takes \(8, 8\)'):
        reconstruct(model[0], [0], generator=other)
    lying = Generator(generator.decode, generator.code_size, (9, 9))
    with pytest.raises(PrivacyInputError, match='the generator makes inputs of shape'):
        reconstruct(model[0], [0], generator=lying)
    with pytest.raises(PrivacyInputError, match='generator is a function'):
        reconstruct(model[0], [0], generator=lambda codes: codes)
    with pytest.raises(PrivacyInputError, match='leave them out'):
        reconstruct(model[0], [0], generator=generator, shape=(8, 8))
    for public, words in ((IMAGES[:50], '100 examples'), (IMAGES * 16, r'not in \[0, 1\]')):
        with pytest.raises(PrivacyInputError, match=words):
            train_generator(public)
    with pytest.raises(PrivacyInputError, match='epochs is 0'):
        train_generator(IMAGES, epochs=0)


def test_probabilities_of_keras_2_and_one_target_alone_are_as_all(tmp_path):
    trained, own, others = network(tf_keras, 'softmax', copies=15)
    tf.saved_model.save(trained, str(tmp_path))
    found = reconstruct(tmp_path, np.arange(40))
    assert identification(found.inputs, own, others).first >= 0.7
    alone = reconstruct(tf.saved_model.load(str(tmp_path)), [7])
    assert np.allclose(alone.inputs[0], found.inputs[7], atol=0.02)


def test_classes_of_many_are_as_near_to_members_as_to_others():
    near = inversion.classes_measured(IMAGES, DIGITS.target, 0, num=800)
    assert abs(near.difference) < 0.05
    assert 'no measure of privacy' in str(near)


def test_ranks_are_those_of_correlations_by_hand():
    rng = np.random.default_rng(0)
    found, own, others = rng.normal(size=(3, 5)), rng.normal(size=(3, 5)), rng.normal(size=(20, 5))
    named = identification(found, own, others)
    for row, mine, rank in zip(found, own, named.ranks, strict=True):
        likeness = [np.corrcoef(row, other)[0, 1] for other in others]
        assert rank == 1 + sum(one >= np.corrcoef(row, mine)[0, 1] for one in likeness)
    assert identification(3 * own + 7, own, others).first == 1.0
    assert identification(np.ones((3, 5)), own, others).first == 0.0  # nothing was shown: a tie is no hit


def test_the_picture_and_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(inversion, 'NUM_DRAWN', 3)
    rows = [{'seed': 0} | inversion.measured(IMAGES, 0.0, 0, num_people=4, num_others=50, copies=10)]
    inversion.draw(rows, tmp_path / 'drawn.png')
    assert (tmp_path / 'drawn.png').stat().st_size > 3_000
    near = nearness(IMAGES[:10], DIGITS.target[:10], *[(IMAGES[:100], DIGITS.target[:100])] * 2)
    assert near.difference == 0 and near.members == pytest.approx(1)
    assert '| 0 | 1.000 | 1.000 | +0.000 |' in inversion.page(rows, [near])
    with pytest.raises(PrivacyInputError, match='of one k'):
        draw_reconstructions({'a': IMAGES[:2], 'b': IMAGES[:3]}, tmp_path / 'none.png')
    with pytest.raises(PrivacyInputError, match=r'\.png or \.svg'):
        draw_reconstructions({'a': IMAGES[:2]}, tmp_path / 'none.gif')


def test_the_page_that_is_kept_is_of_these_settings():
    kept = (inversion.DOCS / 'inversion.md').read_text()
    assert kept.startswith(inversion.TEXT)
    table = [line.split(' | ') for line in kept.split(inversion.TEXT)[1].splitlines() if line.count('|') == 7][2:]
    assert [(float(row[0][2:]), int(row[1])) for row in table] == [
        (noise, seed) for noise in inversion.NOISES for seed in range(inversion.SEEDS)
    ]


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'targets': [40]}, 'go from 40 to 40, but the model has 40 classes'),
        ({'targets': []}, 'targets has shape'),
        ({'signature': 'serve_default'}, "did you mean 'serving_default'"),
        ({'output': 'logit'}, "no output 'logit'"),
        ({'shape': (9, 9)}, r'shape \(9, 9\) was asked for, but .* takes \(8, 8\)'),
        ({'bounds': (1.0, 0.0)}, 'bounds is'),
        ({'start': np.full((8, 8), 2.0)}, 'outside the bounds'),
        ({'steps': 0}, 'steps is 0'),
        ({'step_size': 2.0}, 'step_size is 2.0'),
    ],
)
def test_arguments_that_cannot_be_used_are_named(model, changes, words):
    with pytest.raises(PrivacyInputError, match=words):
        reconstruct(**{'model': model[0], 'targets': [0]} | changes)


def served(function, spec, folder):
    module = tf.Module()
    tf.saved_model.save(module, str(folder), signatures=tf.function(function, input_signature=[spec]))
    return folder


def test_models_without_a_gradient_are_named(tmp_path):
    def parsed(examples):
        return {'out': tf.io.parse_example(examples, {'x': tf.io.FixedLenFeature([2], tf.float32)})['x']}

    def argmax(x):
        return {'out': tf.one_hot(tf.argmax(x, axis=1), 3)}

    def one(x):
        return {'out': x[:, :1]}

    numbers = tf.TensorSpec([None, 3], tf.float32)
    with pytest.raises(PrivacyInputError, match=r'examples \(string\): gradients need'):
        reconstruct(served(parsed, tf.TensorSpec([None], tf.string), tmp_path / 'parsed'), [0])
    with pytest.raises(PrivacyInputError, match='no gradient comes through'):
        reconstruct(served(argmax, numbers, tmp_path / 'argmax'), [0])
    with pytest.raises(PrivacyInputError, match='of two or more'):
        reconstruct(served(one, numbers, tmp_path / 'one'), [0])
    with pytest.raises(PrivacyInputError, match='does not tell the shape'):
        reconstruct(served(one, tf.TensorSpec([None, None], tf.float32), tmp_path / 'shape'), [0])
    with pytest.raises(PrivacyInputError, match='without signatures'):
        reconstruct(network, [0])


def test_lineups_that_do_not_fit_are_named():
    with pytest.raises(PrivacyInputError, match='one own input for each'):
        identification(IMAGES[:3], IMAGES[:2], IMAGES[:9])
    with pytest.raises(PrivacyInputError, match='not finite'):
        identification(IMAGES[:2] * np.nan, IMAGES[:2], IMAGES[:9])
    side = (IMAGES[:50], DIGITS.target[:50])
    with pytest.raises(PrivacyInputError, match='as many of either'):
        nearness(IMAGES[:1], [0], side, (IMAGES[:20], DIGITS.target[:20]))
    with pytest.raises(PrivacyInputError, match='no example of class 11'):
        nearness(IMAGES[:1], [11], side, side)
