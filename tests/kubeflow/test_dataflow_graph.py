"""The graph that Dataflow gets: built without any access to the data, and no larger for more attacks or slices."""

import apache_beam as beam
import pytest
from apache_beam.portability import common_urns
from google.protobuf import json_format

from privacy_component import PrivacyConfig, SlicingSpec
from privacy_component.beam import job
from privacy_component.beam.plan import Plan, SplitFiles
from privacy_component.checks import OF_EXAMPLES
from tests.component import world as w

FEW = ('loss_threshold',)
MANY = ('loss_threshold', 'scaled_logit_threshold', 'entropy_threshold')


def graph_of(attacks, num_slices, checks=None, **settings):
    """The job on splits that do not exist, as the portable pipeline that every runner is given."""
    files = tuple(f'gs://bucket/examples/part-{i}.gz' for i in range(3))
    plan = Plan(
        config=PrivacyConfig(attacks=attacks, checks=checks or {}),
        eval_config=json_format.MessageToJson(w.eval_config()),
        model_path='gs://bucket/model',
        splits=(SplitFiles('train', True, files), SplitFiles('eval', False, files)),
        slicing_specs=tuple(SlicingSpec((f'feature_{i}',)) for i in range(num_slices)),
        calls_model_directly=True,
        output_kind='logits',
        **settings,
    )
    pipeline = beam.Pipeline(runner='FnApiRunner')
    job.build(pipeline, plan, 'gs://bucket/measurements.json')
    return pipeline.to_runner_api()


def labels(graph):
    return sorted(each.unique_name for each in graph.components.transforms.values())


def shuffles(graph):
    """GroupByKeys, also within CombinePerKey and Reshuffle: where data move between workers."""
    urn = common_urns.primitives.GROUP_BY_KEY.urn
    return [each.unique_name for each in graph.components.transforms.values() if each.spec.urn == urn]


@pytest.fixture(scope='module')
def graph():
    return graph_of(FEW, num_slices=1)


def test_graph_does_not_grow_with_attacks_and_slices(graph):
    assert labels(graph_of(MANY, num_slices=50)) == labels(graph)


def test_examples_are_never_shuffled(graph):
    """Only file names at the start, and counts at the end."""
    found = {name.split('/')[0] for name in shuffles(graph)}
    assert 'Merge' in found
    assert found <= {'Files', 'SpreadFiles', 'Merge', 'Gather'}


def test_checks_add_one_branch_and_no_shuffle(graph):
    off = dict.fromkeys(OF_EXAMPLES, 'off')
    bare = graph_of(FEW, num_slices=1, checks=off)
    added = {name.split('/')[0] for name in set(labels(graph)) - set(labels(bare))}
    assert added == {'SketchExamples', 'CountsAndSketches'}
    assert len(shuffles(graph)) == len(shuffles(bare))


def test_graph_carries_settings_but_no_data(graph):
    assert sum(len(each.spec.payload) for each in graph.components.transforms.values()) < 100_000
