"""Class names from the config, and from a vocabulary of Transform that is called as the label is."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata import metadata_io
from tfx.types import standard_artifacts

from privacy_component.component import executor
from privacy_component.component.class_names import class_names
from tests.beam.arrays import load
from tests.component import world as w

WORDS = ('cash', 'card', 'prepaid')  # by how often they are there


@pytest.fixture(scope='module')
def graph(tmp_path_factory):
    """A transform_graph whose label is a position in a vocabulary of the same name."""
    root = tmp_path_factory.mktemp('graph')
    metadata = tft.DatasetMetadata.from_feature_spec({'word': tf.io.FixedLenFeature([], tf.string)})
    data = [{'word': WORDS[min(i % 6, 3) % 3]} for i in range(12)]
    data += [{'word': WORDS[0]}] * 9 + [{'word': WORDS[1]}] * 4
    with tft_beam.Context(temp_dir=str(root / 'tmp')):
        _, function = (data, metadata) | tft_beam.AnalyzeAndTransformDataset(
            lambda raw: {'kind': tft.compute_and_apply_vocabulary(raw['word'], vocab_filename='kind')}
        )
        _ = function | tft_beam.WriteTransformFn(str(root / 'transform'))
    metadata_io.write_metadata(metadata, str(root / 'transform' / 'metadata'))  # as Transform does
    return str(root / 'transform')


def test_only_a_vocabulary_of_the_label_that_fits_tells(graph, tmp_path):
    assert class_names((), graph, 'kind', 3) == WORDS
    assert class_names((), graph, 'kind', 4) == WORDS  # the last class is for other words
    assert class_names((), graph, 'kind', 2) is None
    assert class_names((), graph, 'word', 3) is None
    assert class_names((), str(tmp_path / 'nowhere'), 'kind', 3) is None
    assert class_names((), '', 'kind', 3) is None
    assert class_names(('a', 'b'), graph, 'kind', 2) == ('a', 'b')


def test_the_report_of_the_component_has_the_words(graph, tmp_path):
    world = w.World(tmp_path).write()
    for seed, split in ((1, 'train'), (2, 'eval')):
        rows = w.make_rows(300, seed, split == 'train')
        world.replace_rows(split, [{'logits': row['logits'], 'word': WORDS[row['label']]} for row in rows])
    transform = standard_artifacts.TransformGraph()
    transform.uri = graph
    inputs = world.inputs() | {executor.TRANSFORM_GRAPH_KEY: [transform]}
    evaluation = w.eval_config(label_key='kind')
    del evaluation.slicing_specs[1:]
    outputs = world.run(evaluation=evaluation, inputs=inputs)
    assert load(outputs).record.class_names == WORDS
    assert 'class = 2 (prepaid)' in (tmp_path / 'out' / 'metrics' / 'report.html').read_text()


def test_names_of_the_config_and_of_numbers_reach_the_record():
    from privacy_component import evaluate_privacy

    rng = np.random.default_rng(0)
    given = {'is_member': np.arange(200) < 100, 'logits': rng.standard_normal((200, 2))}
    numbers = rng.integers(0, 2, 200)
    names = evaluate_privacy(labels=np.array(['no', 'yes'])[numbers], classes=['no', 'yes'], **given).record
    assert names.class_names == ('no', 'yes')
    assert evaluate_privacy(labels=np.array([30, 7])[numbers], classes=[30, 7], **given).record.class_names == (
        '30',
        '7',
    )
    assert evaluate_privacy(labels=numbers, **given).record.class_names is None
