"""What ARCHITECTURE.md and CONTRIBUTING.md say to add, at work; test_architecture runs this where it has been added."""

import numpy as np
import pytest
import tensorflow as tf
from small_slope import SmallSlope

from privacy_component import PrivacyConfig, Threshold, evaluate_privacy
from tests import synthetic
from tests.beam.arrays import load
from tests.beam.test_gradient_norm import Net, saved
from tests.component import world as w

ADDED = {
    'attacks': ('loss_threshold', 'sureness', 'small_slope'),
    'thresholds': (Threshold('gini', 0.9),),
    'checks': {'uneven_sides': 'refuse'},
    'slices': {'by_answer': True},
}


def evaluated(kept=slice(None), shift=0.0, signals=None, **settings):
    observations = synthetic.observations(n=500, shift=shift)
    return evaluate_privacy(
        is_member=observations.is_member[kept],
        labels=observations.labels[kept],
        logits=observations.outputs[kept],
        signals=signals,
        config=PrivacyConfig(**{'attacks': ('loss_threshold',), 'thresholds': (Threshold('auc', 0.9),)} | settings),
    )


def overall(result, attack):
    return next(one for one in result.results if not one.slice_key and one.attack == attack)


def test_an_attack_is_taken_as_an_object():
    signal = np.random.default_rng(0).random(1_000) - (np.arange(1_000) < 500)
    result = evaluated(attacks=(SmallSlope(),), signals={'output_slope': signal})
    assert overall(result, 'custom:SmallSlope').metrics['auc'].value == 1.0


@pytest.mark.parametrize(('shift', 'limit', 'blessed'), [(1.5, 0.1, False), (0.0, 0.5, True)])
def test_the_metric_can_be_limited(shift, limit, blessed):
    result = evaluated(shift=shift, thresholds=(Threshold('gini', limit),))
    figures = overall(result, 'loss_threshold').metrics
    assert figures['gini'].value == pytest.approx(max(2 * figures['auc'].value - 1, 0))
    assert result.verdict.blessed == blessed
    assert any('gini' in reason for reason in result.verdict.reasons) != blessed


def test_a_loose_limit_on_the_metric_is_said_to_be_loose():
    (warning,) = evaluated(thresholds=(Threshold('gini', 0.9),)).verdict.warnings
    assert 'tell a member from a non-member 95 % of the time' in warning


@pytest.mark.parametrize('action', ['warn', 'refuse', 'off'])
def test_the_check_does_as_configured(action):
    uneven = np.r_[:500, 500:504]
    result = evaluated(uneven, checks={'uneven_sides': action})
    said = 'One side has 125.0 times as many examples as the other.'
    assert (said in result.verdict.warnings) == (action == 'warn')
    assert (said in result.verdict.reasons) == (action == 'refuse')
    (check,) = (one for one in evaluated().checks if one.name == 'uneven_sides')
    assert check.status == 'ok'


def test_the_slices_are_there_where_they_are_switched_on():
    outputs = synthetic.observations(n=500).outputs
    sizes = np.bincount(outputs[:500].argmax(axis=1)), np.bincount(outputs[500:].argmax(axis=1))
    result = evaluated(slices={'by_answer': True})
    found = {one.slice_key: (one.num_members, one.num_non_members) for one in result.results}
    assert all(found[('@answer', answer),] == size for answer, size in enumerate(zip(*sizes, strict=True)))
    assert not any(name == '@answer' for one in evaluated().results for name, _ in one.slice_key)


def test_the_component_computes_the_column_and_has_all_the_rest(tmp_path):
    world = w.World(tmp_path).write(num_rows=100)
    net = Net(tf.identity)
    saved(net, tmp_path / 'model')
    found = load(world.run(w.config(**ADDED)))
    norms = np.array([norm_of(net, record) for split in ('train', 'eval') for record in world.records(split)])
    expected = np.greater.outer(-norms[:100], -norms[100:]).mean()
    assert overall(found, 'small_slope').metrics['auc'].value == pytest.approx(expected, abs=1e-3)
    assert overall(found, 'sureness').metrics['gini'].value is not None
    assert {check.name: check.status for check in found.checks}['uneven_sides'] == 'ok'
    assert ('@answer', 0) in {pair for one in found.results for pair in one.slice_key}


def norm_of(net, record):
    """The norm of the gradient of half the squared length of what the model says of a record."""
    logits = tf.train.Example.FromString(record).features.feature['logits'].float_list.value
    with tf.GradientTape() as tape:
        half = tf.reduce_sum(net.raw(tf.constant([logits]), tf.constant([[1, 1]])) ** 2) / 2
    gradients = tape.gradient(half, list(net.w.values()))
    return np.sqrt(sum(float(tf.reduce_sum(tf.convert_to_tensor(one) ** 2)) for one in gradients))
