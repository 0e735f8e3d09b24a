"""A whole pipeline: canaries, a trainer whose DP-SGD is broken, its audit, and a Pusher that pushes nothing."""

import shutil
from pathlib import Path

import pytest
import tensorflow_model_analysis as tfma
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx import v1 as tfx

from privacy_component import (
    CanaryConfig,
    CanaryInjector,
    OneRunAudit,
    PrivacyConfig,
    PrivacyEvaluator,
    PrivacyResult,
    Threshold,
)
from tests.canaries import trainers
from tests.component import world as w


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """Runs the pipeline once; its metadata store and where it pushes to."""
    root = tmp_path_factory.mktemp('canaries')
    for split, num_rows, seed in (('train', 800, 0), ('eval', 400, 1)):
        records = [w.serialize(row) for row in trainers.rows(num_rows, seed)]
        w.write_split(root / 'data', split, records)
    (root / 'trainer').mkdir()
    shutil.copy(trainers.__file__, root / 'trainer' / 'trainers.py')
    splits = [tfx.proto.Input.Split(name=split, pattern=f'Split-{split}/*') for split in ('train', 'eval')]
    example_gen = tfx.components.ImportExampleGen(
        input_base=str(root / 'data'), input_config=tfx.proto.Input(splits=splits)
    )
    injector = CanaryInjector(
        examples=example_gen.outputs['examples'],
        canary_config=CanaryConfig(label_key='label', feature_keys=('pixels',), num_canaries=400),
    )
    trainer = tfx.components.Trainer(
        module_file=str(root / 'trainer' / 'trainers.py'),
        examples=injector.outputs['examples_with_canaries'],
        train_args=tfx.proto.TrainArgs(num_steps=1),
        eval_args=tfx.proto.EvalArgs(num_steps=1),
        custom_config={'fault': trainers.WRONG_CLIP, 'noise': 5.0, 'learning_rate': 5.0, 'batch_size': 50},
    )
    evaluator = PrivacyEvaluator(
        examples=injector.outputs['examples_with_canaries'],
        model=trainer.outputs['model'],
        eval_config=tfma.EvalConfig(model_specs=[tfma.ModelSpec(label_key='label')]),
        privacy_config=PrivacyConfig(
            attacks=('loss_threshold',),
            thresholds=(Threshold('auc', 0.95),),
            audits=(OneRunAudit(),),
            slices={'by_class': False},
        ),
    )
    pusher = tfx.components.Pusher(
        model=trainer.outputs['model'],
        model_blessing=evaluator.outputs['blessing'],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=str(root / 'serving'))
        ),
    )
    connection = tfx.orchestration.metadata.sqlite_metadata_connection_config(str(root / 'metadata.db'))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv('PRIVACY_CANARY_SALT', 'the secret of a whole pipeline')
        tfx.orchestration.LocalDagRunner().run(
            tfx.dsl.Pipeline(
                pipeline_name='canaries',
                pipeline_root=str(root / 'pipeline'),
                components=[example_gen, injector, trainer, evaluator, pusher],
                metadata_connection_config=connection,
            )
        )
    database = metadata_store_pb2.ConnectionConfig()
    database.sqlite.filename_uri = str(root / 'metadata.db')
    return MetadataStore(database), root / 'serving'


def test_a_trainer_that_clips_to_another_norm_is_not_pushed(run):
    store, serving = run
    (blessing,) = store.get_artifacts_by_type('ModelBlessing')
    assert blessing.custom_properties['blessed'].int_value == 0
    assert 'The training is not what it claims' in blessing.custom_properties['blessing_message'].string_value
    (pushed,) = store.get_artifacts_by_type('PushedModel')
    assert pushed.custom_properties['pushed'].int_value == 0 and not serving.exists()


def test_the_result_holds_the_audit(run):
    (metrics,) = run[0].get_artifacts_by_type('privacy_component.PrivacyMetrics')
    result = PrivacyResult.load(Path(metrics.uri))
    (audit,) = result.audits
    assert audit.outcome == 'refuted' and audit.lower_bound > audit.claimed_epsilon
    assert result.record.num_examples == {'train': 800, 'eval': 400}  # no canaries


def test_examples_with_canaries_are_marked_and_the_secret_is_nowhere(run):
    marked = [
        artifact.custom_properties['num_canaries'].int_value for artifact in run[0].get_artifacts_by_type('Examples')
    ]
    assert sorted(marked) == [0, 400]
    assert 'the secret of a whole pipeline' not in str(run[0].get_artifacts()) + str(run[0].get_executions())
