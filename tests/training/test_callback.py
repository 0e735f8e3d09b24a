"""The callback in real trainings of Keras 2 and Keras 3."""

import importlib
import importlib.util
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from privacy_component import PrivacyConfig, PrivacyInputError, evaluate_privacy
from privacy_component.training import LossTrace, PrivacyCallback, early_stopping_on_privacy
from tests.training.data import classifier, sides

EPOCHS = 8
TENSORBOARD = importlib.util.find_spec('tensorboard')
KERAS = pytest.mark.parametrize('watched', [keras, tf_keras], indirect=True, ids=['keras_3', 'keras_2'])


@pytest.fixture(scope='module')
def trainings(tmp_path_factory):
    return {}, tmp_path_factory


@pytest.fixture
def watched(request, trainings):
    """One training of each Keras, which the tests share: model, callback, history, folder of logs."""
    done, folders = trainings
    if request.param not in done:
        logs = folders.mktemp('logs')
        members, non_members = sides(400, 600)
        callback = PrivacyCallback(members, non_members, every=4, log_dir=logs if TENSORBOARD else None)
        model = classifier(request.param)
        history = model.fit(*members, epochs=EPOCHS, batch_size=20, verbose=0, callbacks=[callback])
        done[request.param] = model, callback, history, logs
    return done[request.param]


@KERAS
def test_the_last_epoch_reads_as_the_evaluation_of_the_trained_model(watched):
    model, callback, _, _ = watched
    members, non_members = sides(400, 600)
    config = PrivacyConfig(slices={'by_class': False}, outputs={'kind': 'logits'})
    result = evaluate_privacy(
        is_member=np.arange(1000) < 400,
        labels=np.concatenate([members[1], non_members[1]]),
        logits=np.concatenate([model.predict(side[0], batch_size=1024, verbose=0) for side in (members, non_members)]),
        config=config,
    )
    assert [one.epoch for one in callback.epochs] == [4, 8]
    assert callback.epochs[-1].metrics == {row.attack: dict(row.metrics) for row in result.measured}


@KERAS
def test_the_trace_holds_the_losses_that_keras_computes(watched):
    model, callback, _, _ = watched
    trace = callback.trace
    assert trace.members.shape == (EPOCHS, 400) and trace.non_members.shape == (EPOCHS, 600)
    for losses, side in ((trace.members, sides(400, 600)[0]), (trace.non_members, sides(400, 600)[1])):
        assert losses[-1].mean() == pytest.approx(model.evaluate(*side, verbose=0)[0], rel=1e-4)


@KERAS
def test_history_has_the_strongest_attack(watched):
    _, callback, history, _ = watched
    assert history.history['privacy_auc'] == [one.value() for one in callback.epochs]


@pytest.mark.skipif(bool(TENSORBOARD), reason='tensorboard is installed')
def test_without_tensorboard_the_logs_are_an_error_before_training(tmp_path):
    with pytest.raises(PrivacyInputError, match=r'tensorboard is not installed, .*pip install tensorboard, or leave'):
        PrivacyCallback(*sides(400, 600), log_dir=tmp_path)


@pytest.mark.skipif(not TENSORBOARD, reason='TF 2.21 does not bring tensorboard')
@KERAS
def test_tensorboard_reads_the_figures(watched):
    _, callback, _, logs = watched
    accumulator = importlib.import_module('tensorboard.backend.event_processing.event_accumulator')
    events = accumulator.EventAccumulator(str(logs / 'privacy'), size_guidance={'tensors': 0}).Reload()
    read = [
        (one.step, float(tf.make_ndarray(one.tensor_proto))) for one in events.Tensors('privacy/auc/loss_threshold')
    ]
    told = [(one.epoch - 1, one.metrics['loss_threshold']['auc'].value) for one in callback.epochs]
    assert read == [(step, pytest.approx(value)) for step, value in told]


@KERAS
def test_training_is_the_same_bits_without_the_callback(watched, request):
    model, *_ = watched
    other = classifier(request.node.callspec.params['watched'])
    other.fit(*sides(400, 600)[0], epochs=EPOCHS, batch_size=20, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True))


@pytest.mark.parametrize('suffix', ['.png', '.svg'])
@pytest.mark.parametrize('watched', [keras], indirect=True)
def test_the_picture_is_drawn(watched, suffix, tmp_path):
    path = tmp_path / f'epochs{suffix}'
    watched[1].draw(path)
    assert path.stat().st_size > 5_000
    with pytest.raises(PrivacyInputError, match='no known kind'):
        watched[1].draw(tmp_path / 'epochs.gif')


@pytest.mark.parametrize('one_keras', [keras, tf_keras], ids=['keras_3', 'keras_2'])
def test_training_stops_at_the_limit_with_the_weights_of_the_last_epoch_within(one_keras):
    members, non_members = sides(300, 900)
    stop = early_stopping_on_privacy(members, non_members, limit=0.54, attacks=('loss_threshold',))
    model = classifier(one_keras, learning_rate=1e-2)
    history = model.fit(*members, epochs=30, batch_size=20, verbose=0, callbacks=[stop])
    assert stop.stopped_epoch == len(history.epoch) < 30
    assert [one.value() > 0.54 for one in stop.epochs] == [False] * (stop.stopped_epoch - 1) + [True]
    assert stop.kept_epoch == stop.stopped_epoch - 1
    kept = stop.trace.members[stop.kept_epoch - 1].mean()
    assert model.evaluate(*members, verbose=0)[0] == pytest.approx(kept, rel=1e-4)


def test_a_limit_that_was_never_held_is_said():
    members, non_members = sides(100, 600)
    stop = early_stopping_on_privacy(members, non_members, limit=0.01, attacks=('loss_threshold',))
    with pytest.warns(UserWarning, match='no earlier weights'):
        classifier(tf_keras).fit(*members, epochs=3, verbose=0, callbacks=[stop])
    assert stop.stopped_epoch == 1 and stop.kept_epoch is None


def test_mislabelled_members_have_the_largest_lt_iqr():
    (inputs, labels), non_members = sides(400, 200)
    wrong = np.arange(20)
    labels = labels.copy()
    labels[wrong] = (labels[wrong] + 1 + wrong % 9) % 10
    callback = PrivacyCallback((inputs, labels), non_members, every=1000)
    classifier(tf_keras, learning_rate=1e-2).fit(
        inputs, labels, epochs=25, batch_size=20, verbose=0, callbacks=[callback]
    )
    found = callback.trace.most_vulnerable(20)
    assert np.isin(found, wrong).mean() > 0.7, 'of guesses, one in twenty would be right'


def test_lt_iqr_by_hand(tmp_path):
    # Losses 0, 1, 2, 3, 4: quartiles 1 and 3. Constant: 0.
    members = np.stack([np.arange(5.0), np.full(5, 2.0)], axis=1)
    trace = LossTrace(np.arange(1, 6), members, np.zeros((5, 1)))
    assert trace.lt_iqr().tolist() == [2.0, 0.0]
    trace.save(tmp_path / 'trace.npz')
    assert LossTrace.load(tmp_path / 'trace.npz').members.tolist() == members.tolist()
    with pytest.raises(PrivacyInputError, match='at least 4'):
        LossTrace(np.arange(1, 4), members[:3], np.zeros((3, 1))).lt_iqr()


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        ({'every': 0}, 'every is 0'),
        ({'outputs': 'logit'}, 'outputs is'),
        ({'metric': 'tpr_at_fpr_0.001'}, 'needs 1 members and 10,000 non-members'),
        ({'metric': 'acu'}, "did you mean 'auc'"),
        ({'limit': 1.5}, 'limit is 1.5'),
        ({'members': np.zeros((3, 2))}, 'members is of type ndarray'),
        ({'non_members': (np.zeros((3, 2)), np.zeros(4))}, 'non_members has 3 rows'),
        ({'attacks': ('los_threshold',)}, "did you mean 'loss_threshold'"),
    ],
)
def test_what_cannot_be_used_is_refused_before_training(change, said):
    pair = np.zeros((30, 2)), np.zeros(30, int)
    with pytest.raises(PrivacyInputError, match=said):
        PrivacyCallback(**{'members': pair, 'non_members': pair} | change)


def test_there_is_no_trace_before_training():
    pair = np.zeros((30, 2)), np.zeros(30, int)
    with pytest.raises(PrivacyInputError, match='no loss trace yet'):
        _ = PrivacyCallback(pair, pair).trace


def test_importing_the_room_loads_no_tensorflow():
    code = 'import sys, privacy_component.training as t; t.LossTrace; dir(t); assert "tensorflow" not in sys.modules'
    subprocess.run([sys.executable, '-c', code], check=True)
