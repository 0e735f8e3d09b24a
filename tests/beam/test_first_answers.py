"""Answers to the first examples are handed from the trial to the job, within one evaluation and one process."""

import numpy as np
import pytest
import tensorflow as tf

from privacy_component.beam.models import first_answers
from privacy_component.beam.models.served_model import ServedModel
from privacy_component.beam.models.signatures import Serialized
from privacy_component.beam.plan import ModelPlan

RECORDS = [b'a', b'b', b'c']


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """A model that answers with the number of times that it was called."""
    module = tf.Module()
    module.calls = tf.Variable(0.0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(examples):
        return {'outputs': tf.fill([tf.shape(examples)[0], 2], module.calls.assign_add(1.0))}

    path = str(tmp_path_factory.mktemp('model'))
    tf.saved_model.save(module, path, signatures={'serving_default': serve})
    served = ServedModel(ModelPlan(path, '{"modelSpecs": [{}]}', signature='serving_default', output='outputs'))
    served.load()
    return served


def ask(model, records, keep=False):
    return float(model.outputs(Serialized(list(records), 4), keep=keep)[0, 0])


def test_what_is_kept_is_not_asked_again(model):
    with first_answers.kept():
        first = ask(model, RECORDS, keep=True)
        assert ask(model, RECORDS) == first
        assert ask(model, RECORDS[:2]) == first + 1
        assert ask(model, RECORDS[::-1]) == first + 2


def test_only_what_is_to_be_kept_is(model):
    with first_answers.kept():
        first = ask(model, RECORDS)
        assert ask(model, RECORDS) == first + 1


def test_asking_anew_calls_the_model(model):
    with first_answers.kept():
        first = ask(model, RECORDS, keep=True)
        assert float(model.outputs_anew(Serialized(RECORDS, 4))[0, 0]) == first + 1


def test_nothing_is_kept_from_one_evaluation_to_the_next(model):
    with first_answers.kept():
        first = ask(model, RECORDS, keep=True)
    assert ask(model, RECORDS, keep=True) == first + 1
    with first_answers.kept():
        assert ask(model, RECORDS) == first + 2


def test_what_is_kept_is_bounded():
    known = first_answers.FirstAnswers()
    large = np.zeros(1 << 22)
    for number in range(4):
        known.keep(('model', 'signature'), [bytes([number])], {'outputs': large})
    found = [known.find(('model', 'signature'), [bytes([number])]) is not None for number in range(4)]
    assert found == [True, False, False, False]


def test_another_model_or_signature_is_another_answer():
    known = first_answers.FirstAnswers()
    known.keep(('model', 'signature'), RECORDS, {'outputs': np.zeros(3)})
    assert known.find(('model', 'signature'), RECORDS) is not None
    assert known.find(('other', 'signature'), RECORDS) is None
    assert known.find(('model', 'other'), RECORDS) is None
