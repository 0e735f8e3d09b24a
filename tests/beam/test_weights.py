"""Example weights are looked up and summed, and change no figure."""

import math

import pytest

from privacy_component import PrivacyInputError
from tests.beam.arrays import load
from tests.component import world as w


def weighted_world(root, weight=lambda i: 0.1 * (i % 7), num_rows=300):
    world = w.World(root).write(num_rows=8)
    for split, seed in (('train', 1), ('eval', 2)):
        rows = w.make_rows(num_rows, seed, leak=split == 'train')
        world.replace_rows(split, [row | {'weight': weight(i)} for i, row in enumerate(rows)])
    return world


def test_weights_are_summed_and_change_nothing(tmp_path):
    world = weighted_world(tmp_path)
    plain = load(world.run())
    found = load(world.run(evaluation=w.eval_config(example_weight_key='weight')))
    assert [r.row() for r in found.results] == [r.row() for r in plain.results]
    assert found.verdict == plain.verdict
    expected = math.fsum(0.1 * (i % 7) for i in range(300))
    assert found.context['sums_of_weights'] == pytest.approx({'members': expected, 'non_members': expected}, rel=1e-6)
    assert 'sums_of_weights' not in plain.context


def test_sums_of_weights_are_the_same_bits_in_any_order(tmp_path):
    world = weighted_world(tmp_path)
    evaluation = w.eval_config(example_weight_key='weight')
    expected = load(world.run(evaluation=evaluation)).context['sums_of_weights']
    records = world.records('train')
    for old in (tmp_path / 'examples' / 'Split-train').glob('*'):
        old.unlink()
    w.write_split(tmp_path / 'examples', 'train', records[::-1], shards=4)
    assert load(world.run(evaluation=evaluation)).context['sums_of_weights'] == expected


@pytest.mark.parametrize(
    ('weight', 'message'),
    [
        (lambda i: -1.0 if i % 3 == 0 else 1.0, 'holds -1 in 100 of 300 examples .* from 0 up'),
        (lambda i: math.inf if i == 5 else 1.0, 'holds inf in 1 of 300 examples'),
        (lambda i: math.nan if i % 3 == 0 else 1.0, 'has no single value in 100 of 300 examples'),
        (lambda i: None if i % 3 == 0 else 1.0, 'has no single value in 100 of 300 examples'),
        (lambda i: [1.0, 2.0], 'has 2 values in an example'),
        (lambda i: 'heavy', "holds 'heavy': it must be a number"),
    ],
)
def test_a_weight_that_is_none(tmp_path, weight, message):
    with pytest.raises(PrivacyInputError, match=f"example_weight_key 'weight' {message}"):
        weighted_world(tmp_path, weight).run(evaluation=w.eval_config(example_weight_key='weight'))


def test_a_weight_that_is_not_there(tmp_path):
    with pytest.raises(PrivacyInputError, match=r"example_weight_key 'wait' of eval_config.model_specs is not among"):
        w.World(tmp_path).write().run(evaluation=w.eval_config(example_weight_key='wait'))


def test_weights_for_each_output(tmp_path):
    evaluation = w.eval_config(example_weight_keys={'a': 'weight'})
    with pytest.raises(PrivacyInputError, match=r"example_weight_keys names \['a'\]: one weight for each output"):
        w.World(tmp_path).write().run(evaluation=evaluation)
