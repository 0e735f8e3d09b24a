"""Each kind of bad input fails the real executor with an error that names it, and blesses nothing."""

import gzip
import json
import zlib
from pathlib import Path

import pytest
import tensorflow as tf

from privacy_component import PrivacyConfig, PrivacyInputError
from privacy_component.component import executor
from tests.component import world as w


def refused(world, message, **run):
    """The run fails with a message that matches, and leaves neither metrics nor a blessing."""
    with pytest.raises(PrivacyInputError, match=message) as caught:
        world.run(**run)
    left = [path.name for path in (world.root / 'out').rglob('*') if path.is_file()]
    assert 'BLESSED' not in left
    assert 'privacy_metrics.json' not in left
    assert 'while running' not in str(caught.value)


def relabelled(world, label):
    """The train split with `label(row)` as label in every third row."""
    rows = w.make_rows(300, 3, leak=False)
    world.replace_rows('train', [r | {'label': label(r)} if i % 3 == 0 else r for i, r in enumerate(rows)])
    return world


def test_split_missing(world):
    refused(world, "member_splits names the split 'training', but the examples have eval, train",
            privacy_config=w.config(member_splits=('training',)))  # fmt: skip


@pytest.mark.parametrize('split', ['train', 'eval'])
def test_split_without_examples(world, split):
    world.replace_rows(split, [])
    refused(world, f"split '{split}' is empty")


def test_split_without_files(world):
    for path in (world.root / 'examples' / 'Split-eval').glob('*'):
        path.unlink()
    refused(world, "split 'eval' has no files under")


def test_label_absent(world):
    refused(world, "label_key 'lable' of eval_config.model_specs is not among the features color, label, logits, size",
            evaluation=w.eval_config(label_key='lable'))  # fmt: skip


def test_label_key_not_given(world):
    refused(world, 'label_key is empty', evaluation=w.eval_config(label_key=''))


@pytest.mark.parametrize('value', [None, []])
def test_label_missing_in_some_examples(world, value):
    refused(relabelled(world, lambda row: value), "label_key 'label' has no single value in 100 of 300 examples")


def test_two_labels_in_some_examples(world):
    refused(relabelled(world, lambda row: [0, 1]), "label_key 'label' has no single value")


def test_text_label(world):
    rows = [row | {'label': f'class {row["label"]}'} for row in w.make_rows(300, 3, leak=False)]
    world.replace_rows('train', rows)
    world.replace_rows('eval', rows[::-1])
    refused(world, "label_key 'label' holds text, .*name the 3 classes in .*outputs.classes, .*or map them to")


def test_a_number_to_predict_is_told_from_a_class(tmp_path):
    world = w.World(tmp_path).write(outputs=1)
    for split in world.splits:
        rows = w.make_rows(50, len(split), leak=False)
        world.replace_rows(split, [r | {'logits': r['logits'][:1], 'label': 40 + i} for i, r in enumerate(rows)])
    refused(world, "holds the class 89, but .*If the model predicts a number, .*outputs.task must be 'regression'")
    world.run(privacy_config=w.config(attacks=('loss_threshold',), outputs={'task': 'regression'}))


@pytest.mark.parametrize(
    ('asked', 'message'),
    [
        ({'attacks': ['entropy_threshold']}, "attacks names 'entropy_threshold', for multiclass and multilabel"),
        ({'thresholds': [{'metric': 'auc', 'upper_bound': 0.6, 'slicing_specs': [{'feature_keys': ['@class']}]}]},
         r"thresholds\[0\].slicing_specs names '@class', but this is a regression model"),
    ],
)  # fmt: skip
def test_what_the_task_does_not_have_is_known_before_anything_is_read(world, asked, message):
    refused(world, message, privacy_config=json.dumps({'outputs': {'task': 'regression'}, **asked}))


@pytest.mark.parametrize(
    ('value', 'message'),
    [(0.5, 'holds fractions or NaN in 300 of 300'), (float('nan'), 'has no single value in 300 of 300')],
)
def test_fraction_or_nan_as_label(world, value, message):
    rows = [row | {'label': value} for row in w.make_rows(300, 3, leak=False)]
    world.replace_rows('train', rows)
    world.replace_rows('eval', rows[::-1])
    refused(world, f"label_key 'label' {message}")


@pytest.mark.parametrize('value', [-1, 3])
def test_label_out_of_range(world, value):
    refused(relabelled(world, lambda row: value), f'holds the class {value}, but the model has 3 classes')


def test_label_of_changing_type(world):
    refused(
        relabelled(world, lambda row: float(row['label'])),
        r"Split-train.* 'label' is (int64|float) and in other examples (int64|float): write it with one type",
    )


def test_no_saved_model(world):
    (world.root / 'model' / 'Format-Serving' / 'saved_model.pb').unlink()
    refused(world, r'there is no SavedModel in .*scikit-learn.* or use evaluate_privacy')


def test_model_without_signatures(world):
    tf.saved_model.save(tf.Module(), str(world.root / 'model' / 'Format-Serving'))
    refused(world, "has no signature 'serving_default'; it has none")


def test_unknown_signature(world):
    refused(world, "has no signature 'serving'; it has serving_default",
            evaluation=w.eval_config(signature_name='serving'))  # fmt: skip


def test_unknown_preprocessing_function(world):
    refused(world, "preprocessing_function_names has 'tft_layer', which is none of the model's signatures",
            evaluation=w.eval_config(preprocessing_function_names=['tft_layer']))  # fmt: skip


@pytest.mark.parametrize('bad', [float('nan'), float('inf')])
def test_outputs_not_finite(tmp_path, bad):
    def respond(logits):
        return {'outputs': tf.where(logits > 2.5, bad, logits)}

    refused(w.World(tmp_path).write(respond=respond), 'outputs must be finite')


def test_several_outputs(tmp_path):
    world = w.World(tmp_path).write(respond=lambda logits: {'a': logits, 'b': -logits})
    refused(world, "prediction_key is '' but the model's outputs are a, b")
    refused(world, "prediction_key is 'c'", evaluation=w.eval_config(prediction_key='c'))
    world.run(evaluation=w.eval_config(prediction_key='a'))


def test_sequence_outputs(tmp_path):
    world = w.World(tmp_path).write(respond=lambda logits: {'outputs': tf.tile(logits[:, None], [1, 4, 1])})
    refused(world, r'outputs of shape \(None, 4, 3\)')


def test_model_reads_a_feature_that_is_not_there(world):
    rows = [{k: v for k, v in row.items() if k != 'logits'} for row in w.make_rows(300, 3, leak=False)]
    world.replace_rows('train', rows)
    refused(world, 'signature .* could not be called')


def test_a_model_by_names_whose_feature_is_not_there(world):
    class ByName(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, w.NUM_CLASSES], tf.float32, name='logits')])
        def serve(self, logits):
            return {'outputs': tf.identity(logits)}

    model = ByName()
    tf.saved_model.save(
        model, str(world.root / 'model' / 'Format-Serving'), signatures={'serving_default': model.serve}
    )
    world.replace_rows('train', [r | {'logits': r['logits'][:2]} for r in w.make_rows(300, 3, leak=False)])
    takes = r"signature 'serving_default' takes 'logits' \(float32, shape \(None, 3\)\), but 'logits' has between "
    refused(world, takes + '2 and 3 values in an example: pass a schema')


def test_outputs_that_could_be_logits_or_unnormalised_probabilities(tmp_path):
    world = w.World(tmp_path).write(respond=lambda z: {'outputs': tf.sigmoid(z)})
    refused(world, 'set PrivacyConfig.outputs.kind to')
    world.run(privacy_config=w.config(outputs={'kind': 'logits'}))


def test_one_class(world):
    for split in ('train', 'eval'):
        world.replace_rows(split, [row | {'label': 1} for row in w.make_rows(300, len(split), leak=False)])
    outputs = world.run()
    assert (Path(outputs['blessing'].uri) / 'NOT_BLESSED').exists()
    assert 'same' in outputs['blessing'].get_string_custom_property('blessing_message')


@pytest.mark.parametrize('share', [0.3, 0.9])
def test_truncated_file(world, share):
    path = next((world.root / 'examples' / 'Split-train').glob('*'))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    refused(world, f'example file {path} cannot be read')


def test_truncated_between_two_records(world):
    """gzip alone would not notice: the decompressed text ends at a whole record."""
    path = next((world.root / 'examples' / 'Split-train').glob('*'))
    _cut_at_a_record(path)
    refused(world, f'example file {path} cannot be read')


def test_an_empty_shard(world):
    path = next((world.root / 'examples' / 'Split-train').glob('*00001-of*'))
    path.write_bytes(b'')
    refused(world, f'example file {path} cannot be read \\(it is empty\\)')


def test_a_lost_shard(world):
    next((world.root / 'examples' / 'Split-train').glob('*00001-of*')).unlink()
    refused(world, "split 'train' lacks shard 1 of 2")


def test_not_a_tf_example(world):
    path = next((world.root / 'examples' / 'Split-eval').glob('*'))
    with tf.io.TFRecordWriter(str(path), 'GZIP') as writer:
        for record in [*(w.serialize(r) for r in w.make_rows(50, 3, leak=False)), b'\xff\xfe nothing of the kind']:
            writer.write(record)
    refused(world, f'record in {path} is not a tf.Example')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{', 'privacy_config is not JSON'),
        ('[]', 'privacy_config must be a JSON object'),
        ('{"attack": ["loss_threshold"]}', "no field 'attack'; did you mean 'attacks'"),
        ('{"attacks": ["los_threshold"]}', "attack 'los_threshold' is not one of .*did you mean 'loss_threshold'"),
        (
            '{"thresholds": [{"metric": "auc", "upper_bound": 1.5}]}',
            r'upper_bound is 1.5; it must be a number in \[0, 1\]',
        ),
        ('{"member_splits": ["eval"]}', "split 'eval' is in both"),
        ('', "'privacy_config' is missing or empty"),
    ],
)
def test_config_that_does_not_parse(world, text, message):
    refused(world, message, privacy_config=text)


def test_several_candidate_models(world):
    evaluation = w.eval_config()
    evaluation.model_specs.add(name='other', label_key='label')
    refused(world, 'has 2 candidate models', evaluation=evaluation)


def test_slices_by_sql(world):
    evaluation = w.eval_config()
    evaluation.slicing_specs.add(slice_keys_sql='SELECT 1')
    refused(world, 'slice_keys_sql', evaluation=evaluation)


def test_sequence_examples(world):
    inputs = world.inputs()
    inputs[executor.EXAMPLES_KEY][0].set_string_custom_property('payload_format', 'FORMAT_TF_SEQUENCE_EXAMPLE')
    refused(world, 'FORMAT_TF_SEQUENCE_EXAMPLE', inputs=inputs)


def test_slice_of_a_feature_that_is_not_there(world):
    evaluation = w.eval_config()
    evaluation.slicing_specs.add(feature_keys=['colour'])
    refused(world, "names the feature 'colour', which no example has", evaluation=evaluation)


def _cut_at_a_record(path: Path) -> None:
    """Rewrites a gzip file so that its stream stops, unfinished, just after a whole record."""
    whole = gzip.decompress(path.read_bytes())
    length = int.from_bytes(whole[:8], 'little') + 16
    compressor = zlib.compressobj(wbits=31)
    path.write_bytes(compressor.compress(whole[:length]) + compressor.flush(zlib.Z_SYNC_FLUSH))


def test_config_object_is_checked_when_the_pipeline_is_written():
    with pytest.raises(PrivacyInputError, match="metric 'auk' is not one of"):
        PrivacyConfig.from_json('{"thresholds": [{"metric": "auk", "upper_bound": 0.5}]}')
