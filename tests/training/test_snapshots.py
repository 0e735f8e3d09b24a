"""Snapshots of real trainings of Keras 2 and Keras 3."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from privacy_component import PrivacyInputError
from privacy_component.training import SnapshotCallback
from tests.training.data import classifier, sides

KERAS = pytest.mark.parametrize('version', [keras, tf_keras], ids=['keras_3', 'keras_2'])


def signatures_of(model):
    @tf.function(input_signature=[tf.TensorSpec([None, 64], tf.float32)])
    def serve(inputs):
        return {'logits': model(inputs)}

    return {'serving_default': serve}


@KERAS
def test_each_snapshot_is_the_model_as_it_was(version, tmp_path):
    (inputs, labels), _ = sides(300, 100)
    model, seen = classifier(version), []
    callback = SnapshotCallback(tmp_path / 'snapshots', signatures_of(model), every=2)
    watch = version.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(model(inputs[:20]).numpy()),
    )
    model.fit(inputs, labels, epochs=5, verbose=0, callbacks=[callback, watch])
    assert [path.rsplit('/', 1)[1] for path in callback.written] == ['epoch_00002', 'epoch_00004']
    assert sorted(path.name for path in (tmp_path / 'snapshots').iterdir()) == ['epoch_00002', 'epoch_00004']
    for path, epoch in zip(callback.written, (2, 4), strict=True):
        loaded = tf.saved_model.load(path)  # whose variables go with it
        signature = loaded.signatures['serving_default']
        np.testing.assert_allclose(signature(inputs=inputs[:20])['logits'], seen[epoch - 1], rtol=1e-5, atol=1e-6)
        assert [tuple(weight.shape) for weight in signature.trainable_variables] == [(64, 64), (64,), (64, 10), (10,)]


@KERAS
def test_training_is_not_disturbed(version, tmp_path):
    (inputs, labels), _ = sides(300, 100)
    plain, watched = classifier(version), None
    plain.fit(inputs, labels, epochs=3, verbose=0)
    watched = classifier(version)
    callback = SnapshotCallback(tmp_path, signatures_of(watched))
    watched.fit(inputs, labels, epochs=3, verbose=0, callbacks=[callback])
    for one, other in zip(plain.get_weights(), watched.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_training_may_go_on_but_not_begin_again(tmp_path):
    (inputs, labels), _ = sides(100, 100)
    model = classifier(keras)
    callback = SnapshotCallback(tmp_path, signatures_of(model))
    model.fit(inputs, labels, epochs=1, verbose=0, callbacks=[callback])
    model.fit(inputs, labels, initial_epoch=1, epochs=2, verbose=0, callbacks=[callback])
    assert len(callback.written) == 2
    with pytest.raises(PrivacyInputError, match=r'epoch_00001 is written already: .*initial_epoch'):
        model.fit(inputs, labels, epochs=1, verbose=0, callbacks=[callback])
    with pytest.raises(
        PrivacyInputError, match='holds 2 snapshots of another training, the first after epoch 1 of which'
    ):
        other = SnapshotCallback(tmp_path, signatures_of(model))
        model.fit(inputs, labels, epochs=1, verbose=0, callbacks=[other])


def test_a_training_that_was_interrupted_goes_on_beside_what_it_has_written(tmp_path):
    (inputs, labels), _ = sides(100, 100)
    model = classifier(keras)
    model.fit(inputs, labels, epochs=2, verbose=0, callbacks=[SnapshotCallback(tmp_path, signatures_of(model))])
    resumed = SnapshotCallback(tmp_path, signatures_of(model))
    model.fit(inputs, labels, initial_epoch=2, epochs=3, verbose=0, callbacks=[resumed])
    assert [path.rsplit('/', 1)[1] for path in resumed.written] == ['epoch_00001', 'epoch_00002', 'epoch_00003']
    again = SnapshotCallback(tmp_path, signatures_of(model))
    with pytest.raises(PrivacyInputError, match='the first after epoch 3 of which 2 are done'):
        model.fit(inputs, labels, initial_epoch=2, epochs=4, verbose=0, callbacks=[again])


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'every': 0}, 'every is 0: give a whole number'),
        ({'every': True}, 'every is True: give a whole number'),
        ({'signatures': {}}, 'signatures is a dict: give those of the model'),
        ({'signatures': len}, 'signatures is a builtin_function_or_method: give'),
    ],
)
def test_arguments_that_cannot_be_used_are_named(tmp_path, arguments, message):
    with pytest.raises(PrivacyInputError, match=message):
        SnapshotCallback(**{'directory': tmp_path, 'signatures': {'serving_default': len}} | arguments)


def test_importing_the_room_loads_no_tensorflow():
    code = 'import sys, privacy_component.training as t; t.SnapshotCallback; assert "tensorflow" not in sys.modules'
    subprocess.run([sys.executable, '-c', code], check=True, timeout=60)
