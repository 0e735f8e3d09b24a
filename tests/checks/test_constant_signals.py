"""What attacks compare besides answers must vary, and be what it is said to be; in arrays and in a job."""

import numpy as np
import pytest
import tensorflow as tf

from privacy_component import PrivacyConfig, PrivacyInputError, Threshold, evaluate_privacy
from privacy_component.checks import NOT_RUN, OK, REFUSED, WARNING
from privacy_component.checks.constant_signals import ColumnRanges
from tests import synthetic
from tests.beam.arrays import load
from tests.component import world as w

N = 300


def judged(attack, signals, n=N, **settings):
    """The verdict on what attacks are given, and the check."""
    observations = synthetic.observations(n=n)
    config = PrivacyConfig(attacks=(attack,), thresholds=(Threshold('auc', 0.75),), **settings)
    result = evaluate_privacy(
        is_member=observations.is_member,
        labels=observations.labels,
        logits=observations.outputs,
        signals=signals,
        config=config,
    )
    (check,) = (check for check in result.checks if check.name == 'constant_signals')
    return result.verdict, check


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape)


CONSTANT = {
    'gradient_norm': ('gradient_norm', np.zeros(2 * N)),
    'white_box': ('gradient_norms_by_layer', np.ones((2 * N, 3))),
    'label_stability': ('label_stability', np.zeros(2 * N)),
    'alignment': ('snapshot_alignment', np.zeros((2 * N, 2))),
    'trajectory': ('snapshot_signals', np.zeros((2 * N, 2))),
}


@pytest.mark.parametrize('attack', CONSTANT)
def test_an_attack_that_compares_nothing_is_no_blessing(attack):
    name, values = CONSTANT[attack]
    verdict, check = judged(attack, {name: values})
    assert not verdict.blessed
    assert check.status == REFUSED and check.message.startswith(f'The same for every example: {name}.')
    assert check.message in verdict.reasons


def test_one_number_that_varies_is_enough():
    values = np.column_stack([np.zeros(2 * N), normal(2 * N)])
    verdict, check = judged('alignment', {'snapshot_alignment': values})
    assert verdict.blessed and check.status == OK


def test_what_no_configured_attack_compares_is_not_looked_at():
    verdict, check = judged('loss_threshold', {'gradient_norm': np.zeros(2 * N)})
    assert verdict.blessed and check.status == NOT_RUN


def test_the_finding_can_be_a_warning():
    verdict, check = judged('gradient_norm', {'gradient_norm': np.zeros(2 * N)}, checks={'constant_signals': 'warn'})
    assert check.status == WARNING and check.message in verdict.warnings


@pytest.mark.parametrize(
    ('attack', 'name', 'values', 'said'),
    [
        ('label_stability', 'label_stability', np.linspace(0, 12, 2 * N), 'numbers below 0 or above 1, which it never'),
        ('label_stability', 'label_stability', np.linspace(-0.1, 1, 2 * N), 'numbers below 0 or above 1'),
        ('gradient_norm', 'gradient_norm', normal(2 * N), r"signals\['gradient_norm'\] has \d+ numbers below 0"),
        ('white_box', 'gradient_norms_by_layer', normal(2 * N, 3), 'numbers below 0'),
        ('loss_threshold', 'token_loss', normal(2 * N), 'numbers below 0'),
        ('loss_threshold', 'min_k', normal(2 * N), 'numbers above 0'),
    ],
)
def test_numbers_that_cannot_be_are_an_error(attack, name, values, said):
    with pytest.raises(PrivacyInputError, match=said):
        judged(attack, {name: values})


def test_parts_merge_to_the_ends_of_the_whole():
    observations = synthetic.observations(n=50).with_columns({'one': np.arange(100.0), 'two': np.full((100, 2), 3.0)})
    names = {'one', 'two'}
    parts = [ColumnRanges.of(observations.select(slice(start, start + 30)), names) for start in range(0, 100, 30)]
    merged = parts[2].merge(parts[0], parts[3], parts[1])
    assert merged.ends['one'].tolist() == [[0.0], [99.0]]
    assert merged.figures() == ColumnRanges.of(observations, names).figures()
    assert merged.figures().constant == ('two',)
    assert parts[0].merge(ColumnRanges.of(observations.select(slice(0, 0)), names)).figures().constant == ('two',)


class Deaf(tf.Module):
    """Answers with the example's own logits; its weights are there, and count for nothing."""

    def __init__(self):
        super().__init__()
        self.weight = tf.Variable([1.0, 1.0, 1.0])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(self, examples):
        logits = tf.io.parse_example(examples, {'logits': tf.io.FixedLenFeature([w.NUM_CLASSES], tf.float32)})['logits']
        return {'outputs': logits + 0.0 * self.weight}


def test_gradients_that_reach_no_weight_refuse_in_a_job_too(tmp_path):
    world = w.World(tmp_path).write(leak=False, num_rows=200)
    model = Deaf()
    tf.saved_model.save(model, str(tmp_path / 'model' / 'Format-Serving'), signatures={'serving_default': model.serve})
    found = load(world.run(w.config(attacks=('gradient_norm',))))
    (check,) = (check for check in found.checks if check.name == 'constant_signals')
    assert check.status == REFUSED and 'gradient_norm' in check.message
    assert not found.verdict.blessed


def test_noise_that_cannot_be_answered_is_an_error_in_a_job(tmp_path):
    world = w.World(tmp_path).write(leak=False, num_rows=200)
    for split, first in (('train', 1.0), ('eval', 2.0)):
        rows = [{'logits': [float(i % 3), first, 0.5], 'color': 'red', 'size': 1, 'label': i % 3} for i in range(100)]
        world.replace_rows(split, rows)

    def only_what_it_knows(logits):
        is_known = tf.reduce_all(logits == tf.round(logits * 2) / 2, axis=1, keepdims=True)
        return {'outputs': tf.where(is_known, logits, np.nan)}

    w.save_model(tmp_path / 'model', only_what_it_knows)
    with pytest.raises(PrivacyInputError, match=r"'label_stability' asks .* to copies of \d+ of \d+ examples"):
        world.run(w.config(attacks=('label_stability',)))
