"""Checks through the real executor: what they find in a world on disk, and what then happens to the blessing."""

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import standard_artifacts

from privacy_component import PrivacyInputError, Threshold, evaluate_privacy
from privacy_component.checks import CHECKS, NOT_RUN, OK, OTHERS, REFUSED, STABLE, WARNING
from privacy_component.component import executor
from tests.beam.arrays import load
from tests.beam.test_bad_records import spoilt_world
from tests.component import world as w

SCHEMA = """
  feature { name: "color" type: BYTES }
  feature { name: "size" type: INT }
  feature { name: "label" type: INT }
  feature { name: "person" type: INT }
  feature { name: "height" type: FLOAT }
  feature { name: "mood" type: FLOAT }
  feature { name: "logits" type: FLOAT }
  tensor_representation_group { key: "" value {
    tensor_representation { key: "color" value { varlen_sparse_tensor { column_name: "color" } } }
    tensor_representation { key: "size" value { varlen_sparse_tensor { column_name: "size" } } }
    tensor_representation { key: "label" value { dense_tensor { column_name: "label" shape {} } } }
    tensor_representation { key: "person" value { dense_tensor {
      column_name: "person" shape {} default_value { int_value: 7 } } } }
    tensor_representation { key: "height" value { varlen_sparse_tensor { column_name: "height" } } }
    tensor_representation { key: "mood" value { varlen_sparse_tensor { column_name: "mood" } } }
    tensor_representation { key: "logits" value { dense_tensor { column_name: "logits" shape { dim { size: 3 } } } } }
  } }
"""
CLASS_NUMBERS = tf.constant([[5.0, 0.0, 0.0]])


def tight(**changes):
    return w.config(thresholds=(Threshold('auc', 0.9),), **changes)


def rows(split, num_rows=400):
    return w.make_rows(num_rows, {'train': 11, 'eval': 12}[split], leak=False)


def world_of(folder, train=None, evaluation=None, **model):
    """A world of these rows."""
    world = w.World(folder).write(num_rows=8, **model)
    world.replace_rows('train', rows('train') if train is None else train)
    world.replace_rows('eval', rows('eval') if evaluation is None else evaluation)
    return world


def checks_of(world, **settings):
    """The verdict and the checks by name."""
    result = load(world.run(privacy_config=tight(**settings)))
    return result.verdict, {check.name: check for check in result.checks}


def test_a_sound_measurement(tmp_path):
    verdict, checks = checks_of(world_of(tmp_path))
    assert list(checks) == list(CHECKS)
    asked = [check for name, check in checks.items() if not name.startswith(('reference_', 'constant_signals'))]
    assert {check.status for check in asked} == {OK}
    assert verdict.blessed


def test_planted_duplicates_are_counted_exactly_and_block(tmp_path):
    """30 non-members are members, one of them twice over; two members have a copy each. Other orders, other shards."""
    train, evaluation = rows('train'), rows('eval')
    train[100:102] = train[0:2]
    evaluation[:30] = [dict(reversed(row.items())) for row in train[200:230]]
    evaluation[30] = train[200]
    verdict, checks = checks_of(world_of(tmp_path, train, evaluation))
    assert checks['duplicates_across_splits'].figures == {
        'shared_non_members': 31, 'share': 31 / 400, 'num_distinct': 800 - 2 - 31
    }  # fmt: skip
    assert checks['duplicates_in_training'].figures['copied_members'] == 4
    assert checks['duplicates_in_training'].status == OK
    assert checks['duplicates_across_splits'].status == REFUSED
    found = [checks[name].message for name in ('duplicates_across_splits', 'near_duplicates')]
    assert not verdict.blessed and list(verdict.reasons) == found  # equal records get equal answers


@pytest.mark.parametrize(('action', 'status'), [('warn', WARNING), ('off', NOT_RUN)])
def test_duplicates_do_as_configured(tmp_path, action, status):
    evaluation = [*rows('train')[:30], *rows('eval')[30:]]
    chosen = {'duplicates_across_splits': action, 'near_duplicates': 'off'}
    verdict, checks = checks_of(world_of(tmp_path, None, evaluation), checks=chosen)
    assert checks['duplicates_across_splits'].status == status
    assert verdict.blessed
    assert any('30 of 400 non-members' in warning for warning in verdict.warnings) == (action == 'warn')


def timed(split):
    """Rows with a time: all members before all non-members."""
    start = {'train': 1_700_000_000, 'eval': 1_710_000_000}[split]
    return [row | {'time': start + 20_000 * i} for i, row in enumerate(rows(split))]


@pytest.mark.parametrize(('action', 'status', 'blessed'), [('warn', WARNING, True), ('refuse', REFUSED, False)])
def test_a_split_by_time_is_found_and_does_as_configured(tmp_path, action, status, blessed):
    world = world_of(tmp_path, timed('train'), timed('eval'))
    verdict, checks = checks_of(world, checks={'blind_baseline': action})
    found = checks['blind_baseline']
    assert found.status == status and found.figures['auc'] > 0.95
    assert 'most by time' in found.message and 'show a leak that is none, or hide one' in found.message
    assert verdict.blessed == blessed


RESPONSES = {
    'constant_outputs': (lambda z: 0 * z + CLASS_NUMBERS, REFUSED),
    'saturated_outputs': (lambda z: tf.clip_by_value(z, -0.5, 0.5), WARNING),
    'rounded_outputs': (lambda z: tf.round(10 * z) / 10, WARNING),
}


@pytest.mark.parametrize('name', RESPONSES)
def test_outputs_that_cannot_show_a_leak(tmp_path, name):
    respond, status = RESPONSES[name]
    verdict, checks = checks_of(world_of(tmp_path, respond=lambda z: {'outputs': respond(z)}))
    assert checks[name].status == status
    if status == REFUSED:
        assert not verdict.blessed and checks[name].message in verdict.reasons


def test_a_sigmoid_rounded_to_two_decimals(tmp_path):
    binary = [[row | {'label': row['label'] % 2} for row in rows(split)] for split in ('train', 'eval')]
    world = world_of(
        tmp_path, *binary, respond=lambda z: {'outputs': tf.round(100 * tf.sigmoid(z[:, :1])) / 100}
    )  # fmt: skip
    verdict, checks = checks_of(world)
    assert checks['rounded_outputs'].status == WARNING
    assert checks['rounded_outputs'].figures == {'decimals': 2}
    assert 'Every output has at most 2 decimals' in ' '.join(verdict.warnings)


def test_off_means_that_examples_are_not_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr('privacy_component.beam.job.SketchExamples', lambda _: pytest.fail('was run'))
    of_examples = ('duplicates_across_splits', 'duplicates_in_training', 'duplicates_in_non_members', 'blind_baseline')
    world = world_of(tmp_path, timed('train'), timed('eval'))
    _, checks = checks_of(world, checks=dict.fromkeys(of_examples, 'off'))
    assert {checks[name].status for name in of_examples} == {NOT_RUN}
    assert checks['accuracy_gap'].status == OK


def test_job_and_arrays_agree(tmp_path):
    """Every figure of answers and duplicates; the classifier sees fewer features in arrays, and finds the drift too."""
    train, evaluation = timed('train'), timed('eval')
    evaluation[:9] = train[:9]
    for row in train[::2]:
        row['color'] = 'red'
    world = world_of(tmp_path, train, evaluation)
    found = {check.name: check for check in load(world.run(privacy_config=tight())).checks}
    both = train + evaluation
    ids = [*range(400), *range(9), *range(409, 800)]
    result = evaluate_privacy(
        is_member=np.arange(800) < 400,
        labels=[row['label'] for row in both],
        logits=np.array([row['logits'] for row in both], np.float32),
        features={'color': [row['color'] for row in both], 'day': [row['time'] // 86400 for row in both]},
        example_ids=ids,
        config=tight(),
    )
    expected = {check.name: check for check in result.checks}
    assert expected['blind_baseline'].status == found['blind_baseline'].status == WARNING
    assert 'most by' in found['blind_baseline'].message
    of_models = (STABLE, OTHERS)
    assert [(found[name].status, expected[name].status) for name in of_models] == [(OK, NOT_RUN)] * 2
    for name in ('blind_baseline', *of_models):
        del expected[name], found[name]
    assert found == expected


def test_the_same_with_tfmas_extractors(tmp_path):
    class ByName(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, w.NUM_CLASSES], tf.float32, name='logits')])
        def serve(self, logits):
            return {'outputs': tf.identity(logits)}

    evaluation = [*rows('train')[:30], *rows('eval')[30:]]
    direct = world_of(tmp_path / 'direct', None, evaluation)
    by_name, model = world_of(tmp_path / 'by name', None, evaluation), ByName()
    path = by_name.root / 'model' / 'Format-Serving'
    tf.saved_model.save(model, str(path), signatures={'serving_default': model.serve})
    found, expected = (load(world.run(privacy_config=tight())).checks for world in (by_name, direct))
    of_models = {check.name: check for check in found if check.name in (STABLE, OTHERS)}
    assert {check.status for check in of_models.values()} == {NOT_RUN}
    assert "through TFMA's extractors" in of_models[STABLE].message
    assert list(found) == [of_models.get(check.name, check) for check in expected]


def test_bad_records_are_left_out(tmp_path):
    good, spoilt = spoilt_world(tmp_path, [0, 7, 8, 399])
    settings = {'measurement': {'max_bad_record_share': 0.05}}
    found, expected = (checks_of(world, **settings)[1] for world in (spoilt, good))
    assert (
        found.pop(STABLE).status == expected.pop(STABLE).status == OK
    )  # which batches are asked again depends on shards
    assert found == expected


def test_features_of_changing_type_fail_no_job(tmp_path):
    """A feature that nothing needs but the checks may be a number here and text there, if not in the first batch."""
    sides = [rows(split, 1200) for split in ('train', 'eval')]
    for side in sides:
        for i, row in enumerate(side):
            row['odd'] = 'text' if i > 1024 and i % 3 else i
    _, checks = checks_of(world_of(tmp_path, *sides))
    assert checks['blind_baseline'].status == OK


def people(split, first):
    """Rows of 150 people of this split, whose height and mood are always the same; numbers tell nobody's split."""
    height, mood = np.random.default_rng(first).normal(size=(2, 150))
    numbers = np.random.default_rng(0).permutation(2000)[first : first + 150]
    return [
        row | {'person': int(numbers[i % 150]), 'height': float(height[i % 150]), 'mood': float(mood[i % 150])}
        for i, row in enumerate(rows(split, 600))
    ]


def test_people_are_not_recognised_for_drift(tmp_path):
    """Their rows are alike, so a classifier that met some of them would know the others."""
    world = world_of(tmp_path, people('train', 0), people('eval', 1000))
    grouped = {'people': {'group_key': 'person', 'group_aggregation': 'mean'}}
    assert checks_of(world)[1]['blind_baseline'].status == WARNING
    assert checks_of(world, **grouped)[1]['blind_baseline'].status == OK


def rewritten(world, split, change):
    """The records of a split, each changed."""
    w.write_split(world.root / 'examples', split, [change(i, r) for i, r in enumerate(world.records(split))], shards=1)


def test_duplicates_with_unknown_fields_are_found(tmp_path):
    """TensorFlow scores such a record; 400 of them were '0 of 0 non-members' once."""
    world = world_of(tmp_path, None, rows('train'))
    rewritten(world, 'eval', lambda i, record: record + b'\x12\x03abc')
    verdict, checks = checks_of(world)
    assert checks['duplicates_across_splits'].status == REFUSED and not verdict.blessed
    assert '400 of 400 non-members (100 %)' in checks['duplicates_across_splits'].message


@pytest.mark.parametrize('action', ['warn', 'refuse'])
def test_groups_by_default_of_the_schema_fail_no_job(tmp_path, action):
    """The observation fills in the default; who an example is from is then not among what the checks read."""
    sides = people('train', 0), people('eval', 1000)
    for row in sides[0][:30]:
        del row['person']
    world = world_of(tmp_path, *sides)
    schema = standard_artifacts.Schema()
    schema.uri = str(tmp_path)
    (tmp_path / 'schema.pbtxt').write_text(SCHEMA)
    settings = tight(people={'group_key': 'person', 'group_aggregation': 'mean'}, checks={'blind_baseline': action})
    result = load(world.run(privacy_config=settings, inputs=world.inputs() | {executor.SCHEMA_KEY: [schema]}))
    found = {check.name: check for check in result.checks}['blind_baseline']
    assert found.status == (REFUSED if action == 'refuse' else NOT_RUN)
    assert 'group_key has no single value in 30 of the 1,200 examples' in found.message
    assert result.verdict.blessed == (action == 'warn')


def test_a_misspelt_check_is_named_before_the_job(tmp_path):
    with pytest.raises(PrivacyInputError, match=r"names 'blind_basline'.*did you mean 'blind_baseline'\?"):
        world_of(tmp_path).run(privacy_config='{"checks": {"blind_basline": "off"}}')


def test_the_report_has_a_section_and_says_on_top_what_is_unsound(tmp_path):
    evaluation = [*rows('train')[:30], *rows('eval')[30:]]
    outputs = world_of(tmp_path, None, evaluation).run(privacy_config=tight())
    text = (tmp_path / 'out' / 'metrics' / 'report.html').read_text()
    assert 'Is the measurement sound?' in text
    assert '2 refused (duplicates_across_splits, near_duplicates)' in text
    assert outputs['blessing'].get_int_custom_property('blessed') == 0
