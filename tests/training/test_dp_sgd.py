"""DP-SGD in real trainings of Keras 2 and Keras 3, beside the optimizer of TensorFlow Privacy."""

import json
import sys

import dp_accounting
import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from privacy_component import PrivacyInputError
from privacy_component.training import DPClaim, dp_sgd
from privacy_component.training.dp_training import noise_like, poisson_batches
from privacy_component.training.epoch_privacy import Examples
from tests.training.data import classifier, compile_for_classes, sides

EITHER = pytest.mark.parametrize('one_keras', [keras, tf_keras], ids=['keras_3', 'keras_2'])
X, Y = sides(200, 300)[0]
SETTINGS = {'noise_multiplier': 1.0, 'num_examples': 200, 'batch_size': 50, 'epochs': 3}


def private(one_keras, model=None, **changes):
    wrapped = dp_sgd(model or classifier(one_keras), **SETTINGS | {'seed': 1} | changes)
    compile_for_classes(one_keras, wrapped)
    return wrapped


def test_without_noise_a_step_is_that_of_tensorflow_privacy():
    vars(sys)['skip_tf_privacy_import'] = True  # or it imports Estimators, which TensorFlow no longer has
    dp_optimizer_keras_vectorized = pytest.importorskip(
        'tensorflow_privacy.privacy.optimizers.dp_optimizer_keras_vectorized', reason='no release for this Python'
    )

    model, theirs = classifier(tf_keras), classifier(tf_keras)
    clip, rate, rows = 0.5, 0.1, 40
    make = dp_optimizer_keras_vectorized.make_vectorized_keras_optimizer_class(tf_keras.optimizers.legacy.SGD)
    loss = tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction='none')
    theirs.compile(make(clip, 0.0, learning_rate=rate), loss, run_eagerly=True)
    theirs.train_on_batch(X[:rows], Y[:rows])
    sums = private(tf_keras, model, l2_norm_clip=clip).clipped_sums(X[:rows], Y[:rows], tf.ones(rows))
    ours = [weights - rate * total / rows for weights, total in zip(model.get_weights(), sums, strict=True)]
    assert not np.allclose(ours[0], model.get_weights()[0], atol=1e-4)
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(ours, theirs.get_weights(), strict=True))


@EITHER
def test_no_example_moves_the_sum_by_more_than_the_clip(one_keras):
    wrapped = private(one_keras, l2_norm_clip=0.01)
    for weight in (0.0, 1.0):
        total = wrapped.clipped_sums(X[:1], Y[:1], tf.constant([weight]))
        assert float(tf.linalg.global_norm(total)) == pytest.approx(0.01 * weight, rel=1e-4)


@EITHER
def test_training_learns_and_tells_what_it_claims(one_keras, tmp_path):
    model = classifier(one_keras, learning_rate=1e-2)
    wrapped = private(one_keras, model, epochs=15, noise_multiplier=0.7)
    history = wrapped.fit(X, Y, verbose=0).history
    assert len(history['loss']) == 15 and history['loss'][-1] < history['loss'][0]
    assert np.mean(np.argmax(model(X), axis=1) == Y) > 0.5
    wrapped.claim.save(tmp_path)
    told = json.loads((tmp_path / 'dp_claim.json').read_text())
    assert (told['steps'], told['sampling_rate'], told['delta']) == (60, 0.25, 1 / 400)
    assert DPClaim.load(tmp_path) == wrapped.claim
    by_moments = dp_accounting.rdp.RdpAccountant().compose(
        dp_accounting.PoissonSampledDpEvent(0.25, dp_accounting.GaussianDpEvent(0.7)), 60
    )
    assert 0.5 * by_moments.get_epsilon(1 / 400) < told['epsilon'] < by_moments.get_epsilon(1 / 400)


def test_a_seed_repeats_a_training_and_without_one_no_two_are_alike():
    weights = []
    for seed in (1, 1, None):
        model = classifier(keras)
        private(keras, model, seed=seed, epochs=1).fit(X, Y, verbose=0)
        weights.append(np.concatenate([array.ravel() for array in model.get_weights()]))
    assert np.array_equal(weights[0], weights[1]) and not np.allclose(weights[0], weights[2])


def test_noise_is_standard_normal_and_new_for_every_variable_and_step():
    drawn = [noise_like(tf.zeros([20_000]), 5, tf.constant(step), number) for step in range(2) for number in range(2)]
    together = np.stack(drawn)
    assert np.abs(together.mean(axis=1)).max() < 0.03 and np.abs(together.std(axis=1) - 1).max() < 0.02
    assert np.abs(np.corrcoef(together) - np.eye(4)).max() < 0.03


def test_batches_are_poisson_samples():
    batches = poisson_batches(Examples.of('x', (np.arange(50.0)[:, None], np.arange(50))), 0.2, seed=3)
    drawn = list(batches.take(400).as_numpy_iterator())
    sizes = np.array([int(weights.sum()) for _, _, weights in drawn])
    assert all(weights[0] == 0 and np.array_equal(x[:, 0], y) for x, y, weights in drawn)
    # Binomial(50, 0.2): mean 10, variance 8; the bounds are four standard errors.
    assert abs(sizes.mean() - 10) < 4 * np.sqrt(8 / 400) and abs(sizes.var() - 8) < 4 * 8 * np.sqrt(2 / 400)
    times = np.bincount(np.concatenate([y[1:] for _, y, _ in drawn]), minlength=50)
    assert np.abs(times / 400 - 0.2).max() < 4 * np.sqrt(0.2 * 0.8 / 400)


@pytest.mark.parametrize(
    ('settings', 'said'),
    [
        ({'epochs': 4}, 'epochs is 4, and the claim is for 3'),
        ({'batch_size': 10}, 'batch_size was given to fit'),
        ({'x': X[:100], 'y': Y[:100]}, 'fit was given 100 examples'),
    ],
)
def test_a_training_that_the_claim_is_not_of_is_refused(settings, said):
    with pytest.raises(PrivacyInputError, match=said):
        private(keras).fit(**{'x': X, 'y': Y, 'verbose': 0} | settings)


def test_a_second_training_is_refused():
    wrapped = private(keras, epochs=1)
    wrapped.fit(X, Y, verbose=0)
    with pytest.raises(PrivacyInputError, match='trained already'):
        wrapped.fit(X, Y, verbose=0)


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        ({'noise_multiplier': 0}, 'noise_multiplier is 0'),
        ({'l2_norm_clip': -1.0}, 'l2_norm_clip is -1.0'),
        ({'batch_size': 201}, 'batch_size is 201'),
        ({'batch_size': 0}, 'batch_size is 0'),
        ({'delta': 1.0}, 'delta is 1.0'),
        ({'epochs': 0}, 'epochs is 0'),
    ],
)
def test_what_cannot_be_used_is_refused(change, said):
    with pytest.raises(PrivacyInputError, match=said):
        private(keras, **change)


@EITHER
def test_layers_that_would_make_the_claim_untrue_are_refused(one_keras):
    layers = one_keras.layers
    for layer, said in (
        (layers.BatchNormalization(), 'mixes the examples'),
        (layers.Dense(4, kernel_regularizer='l2'), 'regularisation losses'),
    ):
        model = one_keras.Sequential([one_keras.Input((64,)), layer, layers.Dense(10)])
        with pytest.raises(PrivacyInputError, match=said):
            dp_sgd(model, **SETTINGS)


def test_a_file_that_is_no_claim_is_refused(tmp_path):
    (tmp_path / 'dp_claim.json').write_text('{"epsilon": 1}')
    with pytest.raises(PrivacyInputError, match='is no claim'):
        DPClaim.load(tmp_path)
