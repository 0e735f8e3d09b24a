"""Adversarial regularisation in real trainings of Keras 2 and Keras 3."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from privacy_component import PrivacyConfig, PrivacyInputError, evaluate_privacy
from privacy_component.training import adversarial_regularization
from privacy_component.training.adversarial import attacker_inputs
from tests.training.data import FASHION, classifier, compile_for_classes, fashion, sides

EITHER = pytest.mark.parametrize('one_keras', [keras, tf_keras], ids=['keras_3', 'keras_2'])
MEMBERS, REFERENCE = sides(200, 300)


def strongest_auc(model, members, non_members):
    config = PrivacyConfig(
        attacks=('loss_threshold', 'logistic_regression', 'gradient_boosting'),
        slices={'by_class': False},
        outputs={'kind': 'logits'},
    )
    outputs = [model.predict(side[0], batch_size=1024, verbose=0) for side in (members, non_members)]
    result = evaluate_privacy(
        is_member=np.repeat([True, False], [len(members[1]), len(non_members[1])]),
        labels=np.concatenate([members[1], non_members[1]]),
        logits=np.concatenate(outputs),
        config=config,
    )
    return max(row.metrics['auc'].value for row in result.measured)


def defended(one_keras, weight, model=None, **settings):
    model = model or classifier(one_keras)
    wrapped = adversarial_regularization(model, REFERENCE, weight, **settings)
    compile_for_classes(one_keras, wrapped)
    return model, wrapped


@EITHER
def test_at_weight_0_the_training_is_the_same_bits_as_without(one_keras):
    plain = classifier(one_keras)
    told = plain.fit(*MEMBERS, epochs=3, verbose=0)
    model, wrapped = defended(one_keras, 0.0)
    also_told = wrapped.fit(*MEMBERS, epochs=3, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(plain.get_weights(), model.get_weights(), strict=True))
    assert also_told.history['loss'] == pytest.approx(told.history['loss'], rel=1e-5)
    assert also_told.history['accuracy'] == told.history['accuracy']
    assert len(also_told.history['attacker_accuracy']) == 3


@EITHER
def test_the_attacker_learns_and_is_no_part_of_the_model(one_keras):
    model, wrapped = defended(one_keras, 0.0, attacker_steps=3, attacker_learning_rate=1e-2)
    history = wrapped.fit(*MEMBERS, epochs=30, batch_size=50, verbose=0).history
    assert np.mean(history['attacker_accuracy'][-3:]) > 0.55
    assert len(wrapped.trainable_variables) == len(model.trainable_variables) == 4


@pytest.mark.skipif(not FASHION.exists(), reason='needs the Debian package dataset-fashion-mnist')
def test_the_strongest_attack_falls():
    inputs, labels = fashion()
    parts = [(inputs[start:stop], labels[start:stop]) for start, stop in ((0, 1000), (1000, 2000), (2000, 4000))]
    members, reference, non_members = parts
    plain, model = (classifier(keras, 784, 128, 1e-3) for _ in range(2))
    wrapped = adversarial_regularization(model, reference, 3.0)
    compile_for_classes(keras, wrapped, 1e-3)
    for one in (plain, wrapped):
        one.fit(*members, epochs=25, batch_size=32, verbose=0)
    before, after = (strongest_auc(one, members, non_members) for one in (plain, model))
    assert before > 0.6 and after < before - 0.02
    assert model.evaluate(*members, verbose=0)[1] > 0.85, 'it has learnt all the same'


@EITHER
def test_a_dataset_and_one_sigmoid_output(one_keras):
    one_keras.utils.set_random_seed(1)
    layers = [one_keras.Input((64,)), one_keras.layers.Dense(8, activation='relu')]
    model = one_keras.Sequential([*layers, one_keras.layers.Dense(1, activation='sigmoid')])
    is_large = [(inputs, (labels > 4).astype(np.int64)[:, None]) for inputs, labels in (MEMBERS, REFERENCE)]
    wrapped = adversarial_regularization(model, is_large[1], 1.0, from_logits=False)
    wrapped.compile(optimizer='adam', loss='binary_crossentropy')
    dataset = tf.data.Dataset.from_tensor_slices(is_large[0]).batch(32)
    history = wrapped.fit(dataset, epochs=5, verbose=0).history
    assert history['loss'][-1] < history['loss'][0] < 1


def test_what_the_attacker_sees_by_hand():
    # Logits (ln 3, 0): probabilities 3/4 and 1/4; of the label 1, ln 1/4. The entropy over ln 2 is 0.8113.
    seen = attacker_inputs(tf.constant([[np.log(3.0), 0.0]], tf.float32), tf.constant([1]), 2, True)
    assert np.allclose(seen, [[0.75, 0.25, 0, 1, np.log(0.25), 0.8113]], atol=1e-4)
    # One logit z is two, 0 and z; and a probability that is 0 has a floor.
    one = attacker_inputs(tf.constant([[-np.log(3.0)]], tf.float32), tf.constant([[1]]), 2, True)
    assert np.allclose(one, seen, atol=1e-5)
    certain = attacker_inputs(tf.constant([[1.0, 0.0]]), tf.constant([1]), 2, False).numpy()
    assert np.all(np.isfinite(certain)) and certain[0, 4] == pytest.approx(-20, abs=1)


def overlapping(share):
    count = round(share * len(REFERENCE[1]))
    mixed = [np.concatenate([a[:count], b[count:]]) for a, b in zip(MEMBERS, REFERENCE, strict=True)]
    return mixed[0].astype(np.float64), mixed[1].astype(np.int32)


@pytest.mark.parametrize('as_dataset', [False, True])
def test_a_reference_set_with_members_is_refused(as_dataset):
    wrapped = adversarial_regularization(classifier(keras), overlapping(0.05), 1.0)
    compile_for_classes(keras, wrapped)
    given = (tf.data.Dataset.from_tensor_slices(MEMBERS).batch(64),) if as_dataset else MEMBERS
    with pytest.raises(PrivacyInputError, match='15 of 300 reference examples are members too'):
        wrapped.fit(*given, verbose=0)


def test_a_few_alike_by_chance_are_let_through():
    wrapped = adversarial_regularization(classifier(keras), overlapping(0.01), 1.0)
    compile_for_classes(keras, wrapped)
    wrapped.fit(*MEMBERS, epochs=1, verbose=0)


@pytest.mark.parametrize(
    ('given', 'said'),
    [
        (lambda: iter([MEMBERS]), 'is of type list_iterator'),
        (lambda: tf.data.Dataset.from_tensors(MEMBERS).repeat(), 'without an end'),
    ],
)
def test_members_that_cannot_be_compared_are_refused(given, said):
    with pytest.raises(PrivacyInputError, match=said):
        defended(keras, 1.0)[1].fit(given(), verbose=0)


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        ({'weight': -0.1}, 'weight is -0.1: give 0 or more'),
        ({'weight': float('nan')}, 'weight is nan'),
        ({'attacker_steps': 0}, 'attacker_steps is 0'),
        ({'attacker_learning_rate': 0}, 'attacker_learning_rate is 0'),
        ({'from_logits': False}, 'set it to True'),
        ({'model': object()}, 'give a Keras model'),
        ({'reference': MEMBERS[0]}, 'reference is of type ndarray'),
    ],
)
def test_what_cannot_be_used_is_refused(change, said):
    given = {'model': classifier(keras), 'reference': REFERENCE, 'weight': 1.0}
    with pytest.raises(PrivacyInputError, match=said):
        adversarial_regularization(**given | change)


def test_probabilities_taken_for_logits_are_refused():
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(10, activation='softmax')])
    with pytest.raises(PrivacyInputError, match='set it to False'):
        adversarial_regularization(model, REFERENCE, 1.0)
