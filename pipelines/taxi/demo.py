"""The demo: two runs of one pipeline that differ in how they train, and what became of each model."""

import shutil
import time
from pathlib import Path

import tfx
from absl import logging
from tfx.v1.orchestration import LocalDagRunner, metadata

from pipelines.taxi import outcomes, summary
from pipelines.taxi.pipeline import create_pipeline
from pipelines.taxi.terminal import ComponentProgress

RUNS = ('overfit', 'dp_sgd')
TRIPS = Path(tfx.__file__).parent / 'examples' / 'chicago_taxi_pipeline' / 'data' / 'simple' / 'data.csv'
TRAINERS = Path(__file__).parent / 'trainers'

# DirectRunner would first try to download another runner. Any options at all make TFX package its own source for the
# workers in every Beam component, unless they name an image; workers in this process don't need one.
BEAM_PIPELINE_ARGS = ('--runner=FnApiRunner', '--sdk_container_image=unused')


def run(console, folder, database=None):
    """Runs the pipeline once per trainer, and shows the results.

    Args:
      console: a rich Console.
      folder: an empty folder for everything that the runs write.
      database: the ConnectionConfig of an ML Metadata store; None for a SQLite file in the folder.
    """
    database = database or metadata.sqlite_metadata_connection_config(str(folder / 'metadata.sqlite'))
    started = time.monotonic()
    logging.set_verbosity(logging.INFO)
    _copy_trips(folder / 'data')
    finished = [_run_once(console, folder, name, database) for name in RUNS]
    console.print(summary.table(finished))
    console.print(summary.paths(finished), soft_wrap=True)
    console.print(f'Both runs took {time.monotonic() - started:.0f} s.')


def _copy_trips(data_root):
    data_root.mkdir()
    shutil.copy(TRIPS, data_root)


def _run_once(console, folder, name, database):
    """Both runs have one pipeline name and metadata store, so the second takes data and Transform from the cache."""
    pipeline = create_pipeline(
        pipeline_name='taxi',
        pipeline_root=str(folder / 'pipeline'),
        data_root=str(folder / 'data'),
        trainer_module_file=str(TRAINERS / name / 'trainer.py'),
        serving_dir=str(folder / 'serving'),
        metadata_connection_config=database,
        # In PostgreSQL, TFX does not find the artifacts that a cached component left, and the next component fails.
        enable_cache=not database.HasField('postgresql'),
        beam_pipeline_args=list(BEAM_PIPELINE_ARGS),
    )
    with ComponentProgress(console, name):
        LocalDagRunner().run(pipeline)
    outcome = outcomes.read_latest(name, database)
    console.print(summary.verdict_panel(outcome))
    return outcome
