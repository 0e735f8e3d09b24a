"""Trains one reference model, in a process of its own: `python -m ...train_one job.json`.

So no TensorFlow state is shared between models, and a module that crashes or hangs takes nothing with it. The user's
module is run by TFX's own Trainer, as it is in the pipeline.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from privacy_component.component.compat import (
    FORMAT_TF_EXAMPLE,
    TrainerExecutor,
    artifact_utils,
    examples_utils,
    standard_artifacts,
    types,
)
from privacy_component.component.provenance import directory_fingerprint
from privacy_component.component.reference_models.half_files import EVAL, TRAIN, Halving
from privacy_component.errors import PrivacyInputError

JOB, RESULT, FAILURE = 'job.json', 'result.json', 'failure.json'
MODEL = 'model'
_CLASSES = {
    'transform_graph': standard_artifacts.TransformGraph,
    'schema': standard_artifacts.Schema,
    'hyperparameters': standard_artifacts.HyperParameters,
}
_CHANGED_FILES = (
    'its training files were changed while it was trained, so what it knows is not sure: let run_fn leave them alone.'
)


@dataclasses.dataclass(frozen=True)
class TrainingJob:
    """All that one training takes; JSON both ways.

    Attributes:
      halving: how examples are divided.
      model: which of the models.
      inputs: Trainer's other inputs, by name, as URIs.
      properties: Trainer's execution properties.
    """

    halving: Halving
    model: int
    inputs: Mapping[str, str]
    properties: Mapping[str, Any]

    def to_json(self) -> str:
        """JSON text."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> TrainingJob:
        """The job that `to_json` wrote."""
        fields = json.loads(text)
        return cls(**{**fields, 'halving': Halving.from_json(fields['halving'])})


def train(job: TrainingJob, folder: Path) -> dict[str, Any]:
    """Trains the job's model under `folder` and says what on.

    Raises:
      PrivacyInputError: examples cannot be read, or run_fn has changed them.
      Exception: what run_fn raises.
    """
    half = job.halving.write(job.model, folder / 'examples')
    before = directory_fingerprint(str(folder / 'examples'))
    inputs = {'examples': [_examples(job, folder)]}
    inputs |= {name: [_artifact(_CLASSES[name], uri)] for name, uri in job.inputs.items()}
    outputs = {
        'model': [_artifact(standard_artifacts.Model, str(folder / MODEL))],
        'model_run': [_artifact(standard_artifacts.ModelRun, str(folder / 'model_run'))],
    }
    TrainerExecutor().Do(inputs, outputs, dict(job.properties))
    if directory_fingerprint(str(folder / 'examples')) != before:
        raise PrivacyInputError(_CHANGED_FILES)
    return dataclasses.asdict(half)


def main(path: str, parent: int) -> int:
    """Trains the job in the file `path`; leaves `result.json` beside it, or `failure.json` without people's data.

    Args:
      path: of the job.
      parent: the process that waits for it.
    """
    folder = Path(path).parent
    _die_with(parent, folder)
    try:
        result = train(TrainingJob.from_json(Path(path).read_text(encoding='utf-8')), folder)
    except Exception as error:  # whatever a module raises
        traceback.print_exc()  # to the log, as Trainer's would be
        (folder / FAILURE).write_text(json.dumps(_failure(error)), encoding='utf-8')
        return 1
    (folder / RESULT).write_text(json.dumps(result), encoding='utf-8')
    return 0


def _examples(job: TrainingJob, folder: Path) -> types.Artifact:
    examples = _artifact(standard_artifacts.Examples, str(folder / 'examples'))
    examples.split_names = artifact_utils.encode_split_names([TRAIN, EVAL])
    examples_utils.set_file_format(examples, 'tfrecords_gzip' if job.halving.compression else 'tfrecords')
    examples_utils.set_payload_format(examples, FORMAT_TF_EXAMPLE)
    return examples


def _artifact(kind: type[types.Artifact], uri: str) -> types.Artifact:
    artifact = kind()
    artifact.uri = uri
    return artifact


def _failure(error: Exception) -> dict[str, str]:
    """What of an error can be repeated: a message of ours, or another's type and place, for its text may quote data."""
    if isinstance(error, PrivacyInputError):
        return {'message': str(error)}
    frames = traceback.extract_tb(error.__traceback__)
    place = next((one for one in reversed(frames) if 'site-packages' not in one.filename), frames[-1])
    return {'message': f'{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}'}


def _die_with(parent: int, folder: Path) -> None:
    """A worker that is killed takes the training along, and the examples: nobody would ever fetch its model."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        shutil.rmtree(folder, ignore_errors=True)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
