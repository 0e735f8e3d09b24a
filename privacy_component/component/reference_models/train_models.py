"""The Beam job of ReferenceModels: what there is to train on, and one model an element, each in its own process."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import apache_beam as beam
import tensorflow as tf
from absl import logging
from apache_beam.metrics import Metrics

from privacy_component.beam.examples.read import NAMESPACE, read_files
from privacy_component.beam.models.references import reference_name
from privacy_component.component.compat import io_utils, path_utils
from privacy_component.component.reference_models.half_files import Halving
from privacy_component.component.reference_models.store import Store
from privacy_component.component.reference_models.train_one import FAILURE, JOB, MODEL, RESULT, TrainingJob
from privacy_component.errors import PrivacyInputError
from privacy_component.hashing import fingerprint

_STEP = 'privacy_component.component.reference_models.train_one'


@dataclasses.dataclass(frozen=True)
class Training:
    """How models are trained.

    Attributes:
      keys: of the models in the store, in their order.
      store: where they are kept.
      attempts: how often each is tried.
      time_limit_minutes: for one attempt.
    """

    keys: tuple[str, ...]
    store: Store
    attempts: int
    time_limit_minutes: float


def look_at(root: beam.Pipeline, halving: Halving, path: str) -> None:
    """Adds to a pipeline: the number and the fingerprint of each split's examples, as JSON in the file `path`."""
    files = [(split.split, one) for split in halving.splits for one in split.paths]
    _ = (
        root
        | 'Files' >> beam.Create(files, reshuffle=False)
        | 'SpreadFiles' >> beam.Reshuffle()
        | 'Look' >> beam.FlatMap(_look, halving.compression)
        | 'Sum' >> beam.CombinePerKey(_sums)
        | 'Gather' >> beam.combiners.ToList()
        | 'Write' >> beam.Map(_write, path)
    )


def train_models(root: beam.Pipeline, jobs: Sequence[TrainingJob], training: Training) -> None:
    """Adds to a pipeline: every job trains its model into the store."""
    _ = (
        root
        | 'Models' >> beam.Create(jobs, reshuffle=False)
        | 'SpreadModels' >> beam.Reshuffle()
        | 'Train' >> beam.ParDo(TrainModel(training))
    )


class TrainModel(beam.DoFn):
    """TrainingJob -> nothing; the model is in the store then. One that is there already is not trained again."""

    def __init__(self, training: Training):
        self._training = training
        self._num_trained = Metrics.counter(NAMESPACE, 'reference_models_trained')

    def process(self, job: TrainingJob) -> None:
        """Trains a model, or finds it.

        Raises:
          PrivacyInputError: every attempt failed; the message says how.
        """
        name = reference_name(job.model, len(self._training.keys))
        store, key = self._training.store, self._training.keys[job.model]
        if store.find(key):
            logging.info('Found %s, trained by an earlier run.', name)
            return
        failures = []
        for attempt in range(self._training.attempts):
            logging.info('Training %s, attempt %d of %d.', name, attempt + 1, self._training.attempts)
            started = time.monotonic()
            failure = self._attempt(job, key)
            if failure is None:
                self._num_trained.inc()
                self._tell(name, time.monotonic() - started)
                return
            logging.warning('Training %s failed: %s.', name, failure)
            failures.append(failure)
        raise PrivacyInputError(
            f'{name} could not be trained in {len(failures)} attempts: {failures[-1]}. What run_fn wrote is in the '
            'log; models that are trained are kept, so mend the module and run ReferenceModels again.'
        )

    def _attempt(self, job: TrainingJob, key: str) -> str | None:
        """Trains once; says what went wrong, None for nothing."""
        with tempfile.TemporaryDirectory(prefix='reference_model_') as name:
            folder, started = Path(name), time.monotonic()
            (folder / JOB).write_text(job.to_json(), encoding='utf-8')
            failure = run_alone(folder, self._training.time_limit_minutes)
            if failure is not None:
                return failure
            saved_model = Path(path_utils.serving_model_path(str(folder / MODEL)))
            if not tf.saved_model.contains_saved_model(str(saved_model)):
                return f'run_fn wrote no SavedModel into fn_args.serving_model_dir (Format-Serving, not {saved_model})'
            result = json.loads((folder / RESULT).read_text(encoding='utf-8'))
            seconds = round(time.monotonic() - started, 1)
            self._training.store.keep(key, saved_model, result['num_examples'], result['fingerprint'], seconds)
        return None

    def _tell(self, name: str, seconds: float) -> None:
        left = sum(not self._training.store.has(key) for key in self._training.keys)
        logging.info(
            'Trained %s in %.0f s; %d are left, about %.0f minutes of training.', name, seconds, left,
            left * seconds / 60,
        )  # fmt: skip


def run_alone(folder: Path, time_limit_minutes: float) -> str | None:
    """Runs the job in `folder` in a clean process; says what went wrong, None for nothing."""
    temporary = folder / 'tmp'  # what TFX and modules leave there goes with the folder
    temporary.mkdir()
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, 'PYTHONPATH': path, 'TMPDIR': str(temporary)}
    process = subprocess.Popen(
        [sys.executable, '-m', _STEP, str(folder / JOB), str(os.getpid())], env=environment, start_new_session=True
    )
    try:
        code = process.wait(timeout=time_limit_minutes * 60)
    except subprocess.TimeoutExpired:
        return f'it was not trained within time_limit_minutes={time_limit_minutes:g}'
    finally:
        _kill_group(process)
    if (folder / FAILURE).exists():
        return str(json.loads((folder / FAILURE).read_text(encoding='utf-8'))['message'])
    if code or not (folder / RESULT).exists():
        how = f'was killed by signal {-code}' if code < 0 else f'ended with exit code {code}'
        return f'its process {how}' + (' (out of memory, perhaps)' if code == -signal.SIGKILL else '')
    return None


def _kill_group(process: subprocess.Popen) -> None:
    """Ends the process and whatever it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def _look(file: tuple[str, str], compression: str) -> Iterator[tuple[str, tuple[int, int]]]:
    split, path = file
    for batch in read_files((path,), split, False, compression):
        yield split, (len(batch.records), fingerprint(batch.example_id))


def _sums(parts: Iterable[tuple[int, int]]) -> tuple[int, int]:
    sums = [sum(column) for column in zip(*parts, strict=True)] or [0, 0]
    return sums[0], sums[1] % 2**64


def _write(found: Sequence[tuple[str, tuple[int, int]]], path: str) -> None:
    io_utils.write_string_file(path, json.dumps(dict(sorted(found))))
