"""Groups in the job are those of evaluate_privacy, to the last bit."""

import numpy as np
import pytest
import tensorflow as tf

from privacy_component import PrivacyInputError, Threshold
from tests.beam.arrays import assert_same_figures, evaluated, load
from tests.component import world as w
from tests.settings import merged

ATTACKS = ('loss_threshold', 'scaled_logit_threshold', 'logistic_regression', 'gradient_boosting')


def people_world(root, person=lambda split, i: f'{split} person {i % 90}', num_rows=600, **model):
    """A world whose rows say whose they are."""
    world = w.World(root).write(num_rows=8, **model)
    for split, seed, leak in (('train', 1, True), ('eval', 2, False)):
        rows = [row | {'person': person(split, i)} for i, row in enumerate(w.make_rows(num_rows, seed, leak))]
        world.replace_rows(split, rows)
    return world


def config(**changes):
    return w.config(**merged({'people': {'group_key': 'person', 'group_aggregation': 'mean'}}, changes))


@pytest.fixture(scope='module')
def people(tmp_path_factory):
    return people_world(tmp_path_factory.mktemp('people'))


@pytest.mark.parametrize('how', ['mean', 'max'])
def test_groups_are_counted_as_on_arrays(people, how):
    chosen = config(attacks=ATTACKS, people={'group_aggregation': how, 'num_most_vulnerable': 3})
    found, expected = load(people.run(privacy_config=chosen)), evaluated(people, chosen)
    assert_same_figures(found, expected, at_least=len(ATTACKS) * (1 + 3 + w.NUM_CLASSES))
    assert found.most_vulnerable == expected.most_vulnerable
    overall = found.results[0]
    assert (overall.slice, overall.num_members, overall.num_non_members) == ('Overall', 90, 90)
    assert found.record.num_examples == {'eval': 600, 'train': 600}


@pytest.mark.parametrize(
    'person',
    [lambda split, i: i % 70 + 1000 * (split == 'eval'), lambda split, i: -(i % 70) - 1 - 1000 * (split == 'eval')],
)
def test_whole_numbers_say_whose_an_example_is_too(tmp_path, person):
    world = people_world(tmp_path, person)
    chosen = config(attacks=('loss_threshold', 'quantile'), people={'min_reported_examples': 0})
    assert_same_figures(load(world.run(privacy_config=chosen)), evaluated(world, chosen), at_least=10)


def of_size(split, i):
    """Members have one to six rows, others one to three; nobody is on both sides."""
    most = 6 if split == 'train' else 3
    return f'{split} {i // most if i % 2 else -i}'


@pytest.mark.parametrize('how', ['mean', 'max'])
def test_people_of_different_sizes_are_compared_as_on_arrays(tmp_path, how):
    world = people_world(tmp_path, of_size)
    chosen = config(
        attacks=('loss_threshold', 'logistic_regression'),
        thresholds=(Threshold('auc', upper_bound=0.6),),
        people={'group_aggregation': how, 'min_reported_examples': 0},
    )
    found, expected = load(world.run(privacy_config=chosen)), evaluated(world, chosen)
    assert_same_figures(found, expected, at_least=10)
    said = 'were left out, because the other side has too few of their size'
    assert [warning for warning in expected.record.warnings if said in warning]
    assert set(expected.record.warnings) <= set(found.record.warnings)


def test_few_people_on_both_sides_are_said(tmp_path):
    world = people_world(tmp_path, lambda split, i: f'{i % 90 if split == "train" else i % 90 + 87}')
    found, expected = load(world.run(privacy_config=config())), evaluated(world, config())
    assert '3 groups have both members and non-members and were left out' in expected.record.warnings[0]
    assert 'There are 87 groups of members and 87 of non-members.' in expected.record.warnings[1]
    assert set(expected.record.warnings) <= set(found.record.warnings)
    assert_same_figures(found, expected, at_least=10)
    assert (found.results[0].num_members, found.results[0].num_non_members) == (87, 87)


def test_many_people_on_both_sides_are_an_error(tmp_path):
    world = people_world(tmp_path, lambda split, i: f'{i % 90 if split == "train" else i % 90 + 50}')
    for run in (lambda: world.run(privacy_config=config()), lambda: evaluated(world, config())):
        with pytest.raises(PrivacyInputError, match=r'^40 groups have both .*, 44% of .*partition_feature_name'):
            run()


def test_shards_and_workers_do_not_matter(people, tmp_path):
    chosen = config(attacks=ATTACKS)
    expected = load(people.run(privacy_config=chosen))
    world = people_world(tmp_path)
    for split, shards in (('train', 4), ('eval', 3)):
        records = people.records(split)
        (world.root / 'examples' / f'Split-{split}').rename(tmp_path / f'old {split}')
        order = np.random.default_rng(0).permutation(len(records))
        w.write_split(world.root / 'examples', split, [records[i] for i in order], shards)
    args = ['--runner=FnApiRunner', '--direct_running_mode=multi_processing', '--direct_num_workers=2']
    found = load(world.run(privacy_config=chosen, beam_args=[*args, '--sdk_container_image=none']))
    assert [r.row() for r in found.results] == [r.row() for r in expected.results]


def test_groups_through_tfmas_extractors(tmp_path):
    class ByName(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, w.NUM_CLASSES], tf.float32, name='logits')])
        def serve(self, logits):
            return {'outputs': tf.identity(logits)}

    world, model = people_world(tmp_path), ByName()
    tf.saved_model.save(model, str(tmp_path / 'model' / 'Format-Serving'), signatures={'serving_default': model.serve})
    chosen = config(attacks=ATTACKS)
    found = load(world.run(privacy_config=chosen))
    assert found.record.model_called == "by TFMA's extractors"
    assert_same_figures(found, evaluated(world, chosen), at_least=10)


def test_a_transformed_feature_goes_first(tmp_path):
    world = people_world(tmp_path, lambda split, i: i % 400 + 1000 * (split == 'eval'))

    class Transforming(w.EchoModel):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def transform(self, examples):
            raw = tf.io.parse_example(examples, {'person': tf.io.FixedLenFeature([], tf.int64)})
            return {'person': raw['person'] // 10}

    model = Transforming(lambda z: {'outputs': z})
    signatures = {'serving_default': model.serve, 'transform_features': model.transform}
    tf.saved_model.save(model, str(tmp_path / 'model' / 'Format-Serving'), signatures=signatures)
    evaluation = w.eval_config(preprocessing_function_names=['transform_features'])
    overall = load(world.run(privacy_config=config(), evaluation=evaluation)).results[0]
    assert (overall.num_members, overall.num_non_members) == (40, 40)


@pytest.mark.parametrize(
    ('person', 'message'),
    [
        (lambda split, i: None if i % 3 == 0 else 'a', 'has no single value in 200 of 600 examples'),
        (lambda split, i: ['a', 'b'], 'has 2 values in an example'),
        (lambda split, i: float(i), 'holds values of type float32'),
    ],
)
def test_a_person_that_does_not_fit(tmp_path, person, message):
    with pytest.raises(PrivacyInputError, match=f"PrivacyConfig.people.group_key 'person' {message}"):
        people_world(tmp_path, person).run(privacy_config=config())


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            {'people': {'group_key': 'persons'}},
            "PrivacyConfig.people.group_key 'persons' is not among the features color, label",
        ),
        ({'people': {'group_key': ''}}, "group_aggregation is 'mean' but group_key is ''"),
        ({'people': {'group_aggregation': 'none'}}, "group_key is 'person' but group_aggregation is 'none'"),
        (
            {'people': {'group_aggregation': 'logsumexp'}},
            "'logsumexp', which does not merge exactly .* 'mean' or 'max'",
        ),
    ],
)
def test_settings_that_the_job_cannot_honour(people, changes, message):
    with pytest.raises(PrivacyInputError, match=message):
        people.run(privacy_config=config(**changes))
