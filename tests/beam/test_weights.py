"""Example weights are looked up and summed, and change no figure."""

import math
from fractions import Fraction

import pytest
import tensorflow as tf

from privacy_component import PrivacyInputError
from privacy_component.report import html
from tests.beam.arrays import load, value_of
from tests.component import world as w


def weighted_world(root, weight=lambda i: 0.1 * (i % 7), num_rows=300):
    world = w.World(root).write(num_rows=8)
    for split, seed in (('train', 1), ('eval', 2)):
        rows = w.make_rows(num_rows, seed, leak=split == 'train')
        world.replace_rows(split, [row | {'weight': weight(i)} for i, row in enumerate(rows)])
    return world


def without_weights(row):
    return {name: value for name, value in row.items() if name != 'sums_of_weights'}


def test_weights_are_summed_and_change_nothing(tmp_path):
    world = weighted_world(tmp_path)
    plain = load(world.run())
    found = load(world.run(evaluation=w.eval_config(example_weight_key='weight')))
    assert [without_weights(r.row()) for r in found.results] == [r.row() for r in plain.results]
    assert found.verdict == plain.verdict
    expected = math.fsum(0.1 * (i % 7) for i in range(300))
    assert found.record.sums_of_weights == pytest.approx({'members': expected, 'non_members': expected}, rel=1e-6)
    assert plain.record.sums_of_weights is None


def naive_sums(world, key):
    """Over the records, one by one; sums of fractions are exact."""
    sums = {'members': Fraction(0), 'non_members': Fraction(0)}
    for side, split in zip(sums, ('train', 'eval'), strict=True):
        for record in world.records(split):
            features = tf.train.Example.FromString(record).features.feature
            values = {name: value_of(features[name]) for name in ('color', 'size', 'label')}
            values['@class'] = values['label']
            if all(values[name] == value for name, value in key):
                sums[side] += Fraction(features['weight'].float_list.value[0])
    return {side: float(total) for side, total in sums.items()}


@pytest.mark.parametrize('attacks', [('loss_threshold', 'margin_threshold'), ('logistic_regression',)])
def test_every_slice_has_its_sums(tmp_path, attacks):
    world = weighted_world(tmp_path)
    found = load(
        world.run(privacy_config=w.config(attacks=attacks), evaluation=w.eval_config(example_weight_key='weight'))
    )
    assert len(found.results) == len(attacks) * (1 + 3 + 6 + w.NUM_CLASSES)
    for result in found.results:
        assert result.sums_of_weights == naive_sums(world, result.slice_key)
        assert result.row()['sums_of_weights'] == result.sums_of_weights
    assert found.results[0].sums_of_weights == found.record.sums_of_weights


def test_the_report_shows_them_where_there_are_any(tmp_path):
    world = weighted_world(tmp_path)
    results = [load(world.run()), load(world.run(evaluation=w.eval_config(example_weight_key='weight')))]
    pages = [html.render(result) for result in results]
    assert ['Weight of<br>members' in page for page in pages] == [False, True]
    overall = results[1].results[0].sums_of_weights['members']
    assert f'data-value="{overall!r}">{overall:.4g}</td>' in pages[1]


def test_results_without_weights_are_written_as_before(tmp_path):
    text = load(weighted_world(tmp_path).run()).to_json()
    assert 'sums_of_weights' not in text


def test_sums_of_weights_are_the_same_bits_in_any_order(tmp_path):
    world = weighted_world(tmp_path)
    evaluation = w.eval_config(example_weight_key='weight')
    expected = load(world.run(evaluation=evaluation))
    records = world.records('train')
    for old in (tmp_path / 'examples' / 'Split-train').glob('*'):
        old.unlink()
    w.write_split(tmp_path / 'examples', 'train', records[::-1], shards=4)
    found = load(world.run(evaluation=evaluation))
    assert found.record.sums_of_weights == expected.record.sums_of_weights
    assert [r.row() for r in found.results] == [r.row() for r in expected.results]


@pytest.mark.parametrize(
    ('weight', 'message'),
    [
        (lambda i: -1.0 if i % 3 == 0 else 1.0, '.*below 0 in 100 of 300 examples .* from 0 up'),
        (lambda i: math.inf if i == 5 else 1.0, '.*infinite or below 0 in 1 of 300 examples'),
        (lambda i: math.nan if i % 3 == 0 else 1.0, 'has no single value in 100 of 300 examples'),
        (lambda i: None if i % 3 == 0 else 1.0, 'has no single value in 100 of 300 examples'),
        (lambda i: [1.0, 2.0], 'has 2 values in an example'),
        (lambda i: 'heavy', 'holds values of type object: it must be a number'),
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
