"""The taxi model, trained by its own pipeline up to Trainer: python -m tests.cluster.taxi FOLDER."""

import dataclasses
import shutil
import sys
from pathlib import Path

import tensorflow as tf
from tfx import v1 as tfx
from tfx.orchestration import metadata
from tfx.orchestration.pipeline import RunOptions
from tfx.types import standard_artifacts

from pipelines.taxi import configs
from pipelines.taxi.demo import BEAM_PIPELINE_ARGS, TRAINERS, TRIPS
from pipelines.taxi.pipeline import create_pipeline
from privacy_component.component import executor
from tests.component.world import World

COPIES = 30  # enough for some seconds of reading on each worker
ATTACKS = ('loss_threshold', 'gradient_norm')  # both in one pass; the second takes a worker's model apart
DATABASE = 'metadata.sqlite'
TRAINER = TRAINERS / 'overfit' / 'trainer.py'


def train(folder):
    """Runs the pipeline from the trips to the trained model."""
    data = folder / 'data'
    data.mkdir(parents=True)
    shutil.copy(TRIPS, data)
    pipeline = create_pipeline(
        pipeline_name='taxi',
        pipeline_root=str(folder / 'pipeline'),
        data_root=str(data),
        trainer_module_file=str(TRAINER),
        serving_dir=str(folder / 'serving'),
        metadata_connection_config=_database(folder),
        beam_pipeline_args=list(BEAM_PIPELINE_ARGS),
    )
    tfx.orchestration.LocalDagRunner().run(pipeline, run_options=RunOptions(to_nodes=['Trainer']))


class TaxiWorld(World):
    """What PrivacyEvaluator gets in the taxi pipeline, the examples of each file COPIES times."""

    def write(self, trained):
        """Takes artifacts from the folder that `train` wrote."""
        self._artifacts = _artifacts(trained)
        for split in self.splits:
            self._copy(split)
        return self

    def inputs(self):
        """As the pipeline wires them, apart from the blessing, which Evaluator would have to be run for."""
        found = self._artifacts
        return super().inputs() | {
            executor.MODEL_KEY: [found[standard_artifacts.Model]],
            executor.TRANSFORM_GRAPH_KEY: [found[standard_artifacts.TransformGraph]],
            executor.SCHEMA_KEY: [found[standard_artifacts.Schema]],
        }

    def run(self, **arguments):
        """With the configuration of the taxi pipeline, and its own attacks."""
        shutil.rmtree(self.root / 'out', ignore_errors=True)
        config = dataclasses.replace(configs.privacy_config(), attacks=ATTACKS)
        chosen = {'privacy_config': config, 'evaluation': configs.eval_config()}
        return super().run(**chosen | arguments)

    def _copy(self, split):
        folder = self.root / 'examples' / f'Split-{split}'
        folder.mkdir(parents=True)
        (file,) = Path(self._artifacts[standard_artifacts.Examples].uri, f'Split-{split}').iterdir()
        records = list(tf.data.TFRecordDataset(str(file), 'GZIP').as_numpy_iterator())
        for i in range(COPIES):  # each in another order, as no two files may be equal
            path = folder / f'data_tfrecord-{i:05d}-of-{COPIES:05d}.gz'
            with tf.io.TFRecordWriter(str(path), 'GZIP') as writer:
                for record in records[i:] + records[:i]:
                    writer.write(record)


def _database(folder):
    return tfx.orchestration.metadata.sqlite_metadata_connection_config(str(folder / DATABASE))


def _artifacts(folder):
    """By type; the examples are those of ExampleGen, the first."""
    types = [getattr(standard_artifacts, name) for name in ('Examples', 'Model', 'TransformGraph', 'Schema')]
    with metadata.Metadata(_database(folder)) as store:
        return {each: _first(store, each) for each in types}


def _first(store, artifact_type):
    found = min(store.store.get_artifacts_by_type(artifact_type.TYPE_NAME), key=lambda artifact: artifact.id)
    artifact = artifact_type()
    artifact.set_mlmd_artifact(found)
    return artifact


if __name__ == '__main__':
    train(Path(sys.argv[1]))
