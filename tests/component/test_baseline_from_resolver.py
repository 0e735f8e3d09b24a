"""A pipeline whose baseline is the model that it blessed last: the first run has none, the second has the first's."""

import json
from pathlib import Path

import pytest
import tensorflow as tf
from ml_metadata import MetadataStore
from tfx import v1 as tfx
from tfx.types import standard_artifacts

from privacy_component import PrivacyEvaluator, PrivacyResult, Threshold
from tests.component import world as w


def guarded(logits):
    return {'outputs': tf.reverse(logits, [1])}


def run(world, pipeline_root, connection, model):
    examples = tfx.dsl.Importer(
        source_uri=str(world.root / 'examples'),
        artifact_type=standard_artifacts.Examples,
        properties={'split_names': json.dumps(['train', 'eval'])},
    ).with_id('Examples')
    imported = tfx.dsl.Importer(source_uri=str(model), artifact_type=standard_artifacts.Model).with_id('Model')
    resolver = tfx.dsl.Resolver(
        strategy_class=tfx.dsl.experimental.LatestBlessedModelStrategy,
        model=tfx.dsl.Channel(type=standard_artifacts.Model),
        model_blessing=tfx.dsl.Channel(type=standard_artifacts.ModelBlessing, producer_component_id='PrivacyEvaluator'),
    ).with_id('Baseline')
    thresholds = (Threshold('auc', upper_bound=0.95), Threshold('auc', absolute=0.02))
    privacy = PrivacyEvaluator(
        examples=examples.outputs['result'],
        model=imported.outputs['result'],
        baseline_model=resolver.outputs['model'],
        eval_config=w.eval_config(),
        # The guarded model is no better than guessing, which a check of its own would refuse.
        privacy_config=w.config(
            thresholds=thresholds,
            decision={'without_baseline': 'ignore'},
            checks={'labels_fit_outputs': 'off'},
        ),
    )
    pipeline = tfx.dsl.Pipeline(
        pipeline_name='gated',
        pipeline_root=str(pipeline_root),
        components=[examples, imported, resolver, privacy],
        metadata_connection_config=connection,
    )
    tfx.orchestration.LocalDagRunner().run(pipeline)


@pytest.fixture(scope='module')
def results(tmp_path_factory):
    """What the runs of two models, the second of which leaks more, leave behind."""
    root = tmp_path_factory.mktemp('resolved')
    world = w.World(root).write(num_rows=400)
    w.save_model(root / 'guarded', guarded)
    connection = tfx.orchestration.metadata.sqlite_metadata_connection_config(str(root / 'metadata.db'))
    for model in ('guarded', 'model'):
        run(world, root / 'pipeline', connection, root / model)
    found = MetadataStore(connection).get_artifacts_by_type('privacy_component.PrivacyMetrics')
    return [PrivacyResult.load(Path(one.uri) / 'privacy_metrics.json') for one in sorted(found, key=lambda a: a.id)]


def test_the_first_run_is_judged_without_a_baseline(results):
    assert results[0].verdict.blessed
    assert any(warning.startswith('There is no baseline model') for warning in results[0].verdict.warnings)


def test_the_second_is_held_against_the_first(results):
    assert results[1].record.baseline_model_uri == results[0].record.model_uri
    assert not results[1].verdict.blessed
    assert 'over the baseline' in results[1].verdict.reasons[0]
