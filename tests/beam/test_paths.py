"""The ways from examples to figures agree: own model call and TFMA's extractors, job and arrays."""

import pytest
import tensorflow as tf

from privacy_component.beam.examples.record_hashes import example_hashes
from privacy_component.component.example_ids import printed_id, secret_salt
from tests.beam.arrays import evaluated, load
from tests.component import world as w

LEARNING = ('logistic_regression', 'gradient_boosting', 'quantile', 'loss_threshold')


class ByName(tf.Module):
    """Takes the feature `logits` by name, as a model behind a parsing layer does."""

    @tf.function(input_signature=[tf.TensorSpec([None, w.NUM_CLASSES], tf.float32, name='logits')])
    def serve(self, logits):
        return {'outputs': tf.identity(logits)}


@pytest.fixture(scope='module')
def by_both(tmp_path_factory):
    """The same world through a signature for serialized examples and through one for named features."""
    direct = w.World(tmp_path_factory.mktemp('direct')).write()
    named = w.World(tmp_path_factory.mktemp('named')).write()
    model = ByName()
    tf.saved_model.save(
        model, str(named.root / 'model' / 'Format-Serving'), signatures={'serving_default': model.serve}
    )
    return load(direct.run()), load(named.run())


def test_the_way_is_chosen_and_said(by_both):
    direct, named = by_both
    assert direct.record.model_called == 'directly'
    assert named.record.model_called == "by TFMA's extractors"


def test_both_ways_agree(by_both):
    direct, named = by_both
    assert [r.row() for r in direct.results] == [r.row() for r in named.results]
    assert direct.verdict == named.verdict


def test_attackers_that_learn_find_in_the_job_what_they_find_on_arrays(tmp_path):
    config = w.config(attacks=LEARNING)
    world = w.World(tmp_path).write()
    found = load(world.run(privacy_config=config))
    expected = evaluated(world, config)
    wanted = {(r.slice, r.attack): r for r in expected.results}
    both = [r for r in found.results if (r.slice, r.attack) in wanted]
    assert len(both) == len(LEARNING) * (1 + 3 + w.NUM_CLASSES)
    assert all(r.metrics == wanted[r.slice, r.attack].metrics for r in both)


def test_too_few_examples_to_learn_from_is_said(tmp_path):
    world = w.World(tmp_path).write(num_rows=8)
    with pytest.raises(ValueError, match="attack 'mlp' learns from at least"):
        world.run(privacy_config=w.config(attacks=('mlp',)))


def test_too_many_slices_is_said(tmp_path):
    with pytest.raises(ValueError, match='more than 5 slices'):
        w.World(tmp_path).write().run(privacy_config=w.config(slices={'max_slices': 5}))


def test_most_vulnerable_members_are_those_found_on_arrays(tmp_path):
    config = w.config(people={'num_most_vulnerable': 5})
    world = w.World(tmp_path).write()
    found = load(world.run(privacy_config=config)).most_vulnerable
    assert found == evaluated(world, config).most_vulnerable
    assert [one['risk'] for one in found] == sorted((one['risk'] for one in found), reverse=True)
    ids = [printed_id(one, secret_salt()) for one in example_hashes(world.records('train'))[0].tolist()]
    assert len({one['example_id'] for one in found} & set(ids)) == 5


def test_labels_by_name_give_what_their_numbers_give(tmp_path):
    classes = ('fare', 'free', 'no charge')
    world = w.World(tmp_path).write()
    expected = load(world.run())
    for split, seed, leak in (('train', 1, True), ('eval', 2, False)):
        world.replace_rows(split, [row | {'label': classes[row['label']]} for row in w.make_rows(600, seed, leak)])
    found = load(world.run(privacy_config=w.config(outputs={'classes': classes})))
    assert [one.row() for one in found.results] == [one.row() for one in expected.results]
