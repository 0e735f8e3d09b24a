"""The graph that Dataflow gets: built without any access to the data, and no larger for more attacks or slices."""

import dataclasses

import apache_beam as beam
import pytest
from apache_beam.portability import common_urns
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from google.protobuf import json_format

from privacy_component import PrivacyConfig, SlicingSpec, Threshold
from privacy_component.beam import job
from privacy_component.beam.plan import ModelPlan, Plan, SplitFiles
from privacy_component.checks import OF_EXAMPLES
from tests.component import world as w

FEW = ('loss_threshold',)
MANY = ('loss_threshold', 'scaled_logit_threshold', 'entropy_threshold')


def plan_of(attacks, num_slices, checks=None, **settings):
    """A plan for splits that do not exist."""
    files = tuple(f'gs://bucket/examples/part-{i}.gz' for i in range(3))
    model = ModelPlan('gs://bucket/model', json_format.MessageToJson(w.eval_config()), 'logits')
    return Plan(
        config=PrivacyConfig(attacks=attacks, checks=checks or {}, **settings),
        models={'candidate': (model,)},
        splits=(SplitFiles('train', True, files), SplitFiles('eval', False, files)),
        slicing_specs=tuple(SlicingSpec((f'feature_{i}',)) for i in range(num_slices)),
        calls_model_directly=True,
    )


def built(plan):
    """The job as the portable pipeline that every runner is given."""
    pipeline = beam.Pipeline(runner='FnApiRunner')
    job.build(pipeline, plan, 'gs://bucket/measurements.json')
    return pipeline.to_runner_api()


def graph_of(*args, **settings):
    return built(plan_of(*args, **settings))


def num_stages(graph):
    """How many stages an engine runs, each with workers of its own: after Beam's own fusing."""
    return len(FnApiRunner().create_stages(graph)[1])


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


def test_of_examples_only_counts_and_a_bounded_sample_are_shuffled(graph):
    """File names at the start; at the end counts and, in the same combine, what the checks sketch of the examples."""
    found = {name.split('/')[0] for name in shuffles(graph)}
    assert 'Merge' in found
    assert found <= {'Files', 'SpreadFiles', 'Merge', 'Gather'}


def test_checks_add_one_branch_and_no_shuffle(graph):
    off = dict.fromkeys(OF_EXAMPLES, 'off')
    bare = graph_of(FEW, num_slices=1, checks=off)
    added = {name.split('/')[0] for name in set(labels(graph)) - set(labels(bare))}
    assert added == {'SketchExamples', 'OfExamples', 'CountsAndSketches'}
    assert len(shuffles(graph)) == len(shuffles(bare))


RISE = (Threshold('auc', absolute=0.1),)
TENTHS = (SlicingSpec(('@loss_percentile',)),)


@pytest.mark.parametrize(
    ('most', 'attacks', 'settings', 'specs'),
    [
        (7, FEW, {}, ()),
        (7, FEW, {'thresholds': RISE}, ()),
        (9, FEW, {}, TENTHS),
        (15, (*FEW, 'quantile', 'mlp'), {}, ()),
        (27, (*FEW, 'quantile'), {'thresholds': RISE, 'people': {'num_most_vulnerable': 5}}, TENTHS),
    ],
    ids=['plain', 'with a baseline', 'tenths by loss', 'attacks that learn', 'all of it'],
)
def test_few_stages(most, attacks, settings, specs):
    """Engines start workers for every stage: whoever adds one should mean to.

    One hands the overall counts on, which slices with hardly a non-member are compared with.
    """
    plan = plan_of(attacks, num_slices=1, **settings)
    baseline = {'baseline': plan.models['candidate']} if 'thresholds' in settings else {}
    plan = dataclasses.replace(plan, slicing_specs=specs, models=plan.models | baseline)
    assert num_stages(built(plan)) == most


def test_graph_carries_settings_but_no_data(graph):
    assert sum(len(each.spec.payload) for each in graph.components.transforms.values()) < 100_000
