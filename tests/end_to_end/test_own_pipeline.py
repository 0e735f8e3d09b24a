"""README's ten lines in a pipeline unlike the demo's: raw examples, no Transform, another label, ten classes."""

import re
from pathlib import Path

import pytest
import sklearn.datasets
import tensorflow_model_analysis as tfma
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx import v1 as tfx

from privacy_component import PrivacyResult

ROOT = Path(__file__).parents[2]
TRAINER = ROOT / 'pipelines' / 'references' / 'trainer' / 'trainer.py'


def write_digits(folder: Path) -> None:
    """scikit-learn's digits as CSV, with noise in the labels that only a leaky model can learn."""
    digits = sklearn.datasets.load_digits()
    folder.mkdir()
    header = ','.join(['digit', *(f'pixel_{i}' for i in range(64))])
    rows = [
        ','.join(map(str, [(label + 1) % 10 if i % 3 == 0 else label, *pixels.astype(int)]))
        for i, (pixels, label) in enumerate(zip(digits.data, digits.target, strict=True))
    ]
    (folder / 'digits.csv').write_text('\n'.join([header, *rows]))


def readme_lines() -> str:
    """The README's wiring, as a user would paste it."""
    blocks = re.findall(r'```python\n(.*?)```', (ROOT / 'README.md').read_text(), re.DOTALL)
    return next(block for block in blocks if 'PrivacyEvaluator(' in block)


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """Runs the pipeline once; its folder and its metadata store."""
    root = tmp_path_factory.mktemp('own')
    write_digits(root / 'data')
    example_gen = tfx.components.CsvExampleGen(
        input_base=str(root / 'data'),
        output_config=tfx.proto.Output(
            split_config=tfx.proto.SplitConfig(
                splits=[
                    tfx.proto.SplitConfig.Split(name='train', hash_buckets=1),
                    tfx.proto.SplitConfig.Split(name='eval', hash_buckets=1),
                ]
            )
        ),
    )
    trainer = tfx.components.Trainer(
        module_file=str(TRAINER),
        examples=example_gen.outputs['examples'],
        train_args=tfx.proto.TrainArgs(num_steps=1),
        eval_args=tfx.proto.EvalArgs(num_steps=1),
        custom_config={'epochs': 100},
    )
    metrics = [tfma.MetricsSpec(metrics=[tfma.MetricConfig(class_name='ExampleCount')])]
    eval_config = tfma.EvalConfig(model_specs=[tfma.ModelSpec(label_key='digit')], metrics_specs=metrics)
    evaluator = tfx.components.Evaluator(
        examples=example_gen.outputs['examples'], model=trainer.outputs['model'], eval_config=eval_config
    )
    names = {
        'example_gen': example_gen,
        'trainer': trainer,
        'evaluator': evaluator,
        'eval_config': eval_config,
        'Pusher': tfx.components.Pusher,
        'push_destination': tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=str(root / 'serving'))
        ),
    }
    exec(readme_lines(), names)
    connection = tfx.orchestration.metadata.sqlite_metadata_connection_config(str(root / 'metadata.db'))
    tfx.orchestration.LocalDagRunner().run(
        tfx.dsl.Pipeline(
            pipeline_name='digits',
            pipeline_root=str(root / 'pipeline'),
            components=[example_gen, trainer, evaluator, names['privacy'], names['pusher']],
            metadata_connection_config=connection,
        )
    )
    return root, connection


def artifacts(connection: metadata_store_pb2.ConnectionConfig, type_name: str) -> list:
    return MetadataStore(connection).get_artifacts_by_type(type_name)


def test_the_overfit_model_is_not_pushed(run):
    root, connection = run
    (pushed,) = artifacts(connection, 'PushedModel')
    assert pushed.custom_properties['pushed'].int_value == 0
    assert not (root / 'serving').exists()


def test_metadata_alone_tells_the_worst_slice(run):
    _, connection = run
    (metrics,) = artifacts(connection, 'privacy_component.PrivacyMetrics')
    figures = metrics.custom_properties
    assert figures['blessed'].int_value == 0
    assert figures['worst_auc'].double_value > 0.6
    assert figures['worst_slice'].string_value
    assert figures['overall_tpr_at_fpr_0.1'].double_value > 0.1


def test_classes_are_slices_and_the_report_says_why(run):
    _, connection = run
    (metrics,) = artifacts(connection, 'privacy_component.PrivacyMetrics')
    result = PrivacyResult.load(Path(metrics.uri) / 'privacy_metrics.json')
    assert {r.slice for r in result.results} == {'Overall', *(f'class = {digit}' for digit in range(10))}
    assert result.record.output_kind == 'logits'
    assert 'a leak is shown' in (Path(metrics.uri) / 'report.html').read_text()
