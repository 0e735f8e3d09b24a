"""What is judged is what is served, and answers the same when it is asked again: models for each case, really run."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from privacy_component import PrivacyResult
from privacy_component.beam.examples.read import BATCH_SIZE, RawBatch
from privacy_component.checks import NOT_RUN, OK, OTHERS, REFUSED, STABLE, WARNING
from privacy_component.checks.stable_outputs import MOST_CHANGED, ONE_OF, is_asked_again
from tests.component import world as w


class Several(tf.Module):
    """Signatures that each answer with a function of the example's own logits."""

    def __init__(self, **responses):
        super().__init__()
        self._spec = {'logits': tf.io.FixedLenFeature([w.NUM_CLASSES], tf.float32)}
        self.served = {name: self._signature(respond) for name, respond in responses.items()}

    def _signature(self, respond):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def serve(examples):
            return respond(tf.io.parse_example(examples, self._spec)['logits'])

        return serve


def harmless(z):
    return {'outputs': 4 * tf.math.floormod(100 * z, 1.0) - 2}


def whole(z):
    return {'outputs': tf.identity(z)}


def ran(tmp_path, leak=True, evaluation=None, settings=None, **responses):
    """The result, and the blessing, of a world whose model has these signatures."""
    world = w.World(tmp_path).write(leak=leak)
    model = Several(**responses)
    tf.saved_model.save(model, str(tmp_path / 'model' / 'Format-Serving'), signatures=model.served)
    outputs = world.run(privacy_config=settings or w.config(), evaluation=evaluation)
    result = PrivacyResult.load(Path(outputs['privacy_metrics'].uri) / 'privacy_metrics.json')
    return result, outputs['blessing']


def check_of(result, name):
    return {check.name: check for check in result.checks}[name]


def test_a_leak_in_the_signature_that_is_served(tmp_path):
    """TFMA calls 'predict' if there is one; TensorFlow Serving answers with 'serving_default'."""
    result, blessing = ran(tmp_path, predict=harmless, serving_default=whole)
    found = check_of(result, OTHERS)
    assert found.status == REFUSED and not result.verdict.blessed
    assert found.message in result.verdict.reasons
    assert found.message.startswith(
        "output 'outputs' of signature 'serving_default' answers 128 examples otherwise than output 'outputs' of "
        "signature 'predict': another answer that this evaluation does not judge. Name the one that is served"
    )
    assert found.figures == {'num_different': 1, 'num_alike': 0, 'num_left_out': 0, 'num_examples': 128}
    assert blessing.get_string_custom_property('judged_signature') == 'predict'
    assert blessing.get_string_custom_property('judged_output') == 'outputs'
    assert (result.record.judged_signature, result.record.judged_output) == ('predict', 'outputs')


def test_a_signature_that_is_named_is_compared_too(tmp_path):
    evaluation = w.eval_config(signature_name='other')
    result, blessing = ran(tmp_path, evaluation=evaluation, other=harmless, serving_default=whole)
    assert check_of(result, OTHERS).status == REFUSED
    assert blessing.get_string_custom_property('judged_signature') == 'other'


def test_a_leak_in_an_output_that_is_not_named(tmp_path):
    evaluation = w.eval_config(prediction_key='a')
    result, blessing = ran(
        tmp_path, evaluation=evaluation, serving_default=lambda z: {'a': harmless(z)['outputs'], 'b': tf.nn.softmax(z)}
    )
    assert "output 'b' of signature 'serving_default' answers" in check_of(result, OTHERS).message
    assert check_of(result, OTHERS).status == REFUSED
    assert blessing.get_string_custom_property('judged_output') == 'a'


def test_a_leak_that_is_judged_elsewhere_can_be_left_to_a_warning(tmp_path):
    settings = w.config(checks={OTHERS: 'warn'})
    result, _ = ran(tmp_path, settings=settings, predict=harmless, serving_default=whole)
    assert check_of(result, OTHERS).status == WARNING


def test_signatures_as_trainers_export_them_do_not_alarm(tmp_path):
    """Those of an Estimator's export, a preprocessing signature, and one that takes no examples."""

    def classes(z):
        return {'scores': tf.nn.softmax(z), 'classes': tf.strings.as_string(tf.tile([[0, 1, 2]], [tf.shape(z)[0], 1]))}

    def predictions(z):
        best = tf.argmax(z, 1)[:, None]
        probabilities = tf.nn.softmax(z)
        return {
            'logits': tf.identity(z), 'probabilities': probabilities, 'class_ids': best,
            'classes': tf.strings.as_string(best), 'confidence': tf.reduce_max(probabilities, 1),
            'half': tf.cast(probabilities, tf.bfloat16), 'embedding': tf.tile(z, [1, 16]),
        }  # fmt: skip

    def features(z):
        return {'first_xf': z[:, :1] * 2, 'second_xf': tf.cast(z[:, 1:2] * 10, tf.int64)}

    def refuses(z):
        with tf.control_dependencies([tf.debugging.assert_less(z, -1e6)]):
            return {'outputs': tf.identity(z)}

    result, _ = ran(
        tmp_path, leak=False, evaluation=w.eval_config(signature_name='predict', prediction_key='logits'),
        predict=predictions, serving_default=classes, transform_features=features, broken=refuses,
    )  # fmt: skip
    found = check_of(result, OTHERS)
    assert found.status == OK, found.message
    assert result.verdict.blessed
    assert found.figures['num_alike'] == 4 and found.figures['num_left_out'] == 6
    for left_out in (
        "'transform_features' (it makes features)",
        "'broken' (it cannot be called with these examples)",
        "'embedding' of signature 'predict' (of shape (128, 48))",
        '(class numbers)',
        '(no numbers)',
    ):
        assert left_out in found.message


def noisy(z):
    return {'outputs': z + tf.random.normal(tf.shape(z), stddev=0.01)}


UNSTABLE = {
    'noise': noisy,
    'dropout': lambda z: {'outputs': tf.nn.dropout(z, 0.1)},
    'batch statistics': lambda z: {'outputs': (z - tf.reduce_mean(z, 0)) / tf.math.reduce_std(z, 0)},
    'the neighbours': lambda z: {'outputs': z + 0.01 * tf.cumsum(z, axis=0)},
}


@pytest.mark.parametrize('name', UNSTABLE)
def test_answers_that_change_are_refused(tmp_path, name):
    result, _ = ran(tmp_path, leak=False, serving_default=UNSTABLE[name])
    found = check_of(result, STABLE)
    assert found.status == REFUSED and not result.verdict.blessed
    assert 'training=False' in found.message and found.figures['largest_change'] > 10 * MOST_CHANGED
    assert not any('last bits' in warning for warning in result.record.warnings)


def is_sampled(row):
    return is_asked_again(RawBatch([w.serialize(row)], np.ones(1, bool), '', '').example_id)


@pytest.mark.parametrize('sampled', [True, False])
def test_the_job_asks_a_sample_of_the_batches_again(tmp_path, sampled):
    """Noise for examples that the first batch lacks: the second one is asked again if its first example says so."""
    world = w.World(tmp_path).write(
        leak=False, respond=lambda z: {'outputs': tf.where(z[:, :1] > 100, z + tf.random.normal(tf.shape(z)), z)}
    )
    rows = w.make_rows(2 * BATCH_SIZE, 3, leak=False)
    late = rows[BATCH_SIZE:]
    for row in late:
        row['logits'][0] += 200
    late[0]['size'] = next(size for size in range(2000) if is_sampled({**late[0], 'size': size}) == sampled)
    world.replace_rows('eval', rows)
    outputs = world.run(privacy_config=w.config(checks={'blind_baseline': 'off'}))
    found = check_of(PrivacyResult.load(Path(outputs['privacy_metrics'].uri) / 'privacy_metrics.json'), STABLE)
    assert found.status == (REFUSED if sampled else OK)
    assert found.figures['num_asked'] == 300 + (1 + sampled) * BATCH_SIZE / 2  # of the 600 members, too


def test_the_sample_is_one_batch_in_64():
    ids = np.random.default_rng(0).integers(2**63, size=20_000).astype(np.uint64)
    share = np.mean([is_asked_again(ids[i:]) for i in range(len(ids))])
    assert 0.8 / ONE_OF < share < 1.2 / ONE_OF


def test_switched_off(tmp_path):
    result, _ = ran(
        tmp_path,
        leak=False,
        serving_default=noisy,
        predict=noisy,
        settings=w.config(checks={STABLE: 'off', OTHERS: 'off'}),
    )
    assert {check_of(result, name).status for name in (STABLE, OTHERS)} == {NOT_RUN}
