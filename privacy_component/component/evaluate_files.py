"""An evaluation of a SavedModel on files, without a pipeline: PrivacyEvaluator's executor, told which files."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import apache_beam as beam
from google.protobuf import json_format

from privacy_component.beam.models.eval_config import EvalConfig, ModelSpec, SlicingSpec
from privacy_component.beam.plan import SplitFiles
from privacy_component.component import executor
from privacy_component.component.artifacts import PrivacyMetrics
from privacy_component.component.compat import (
    BaseBeamExecutor,
    blessing_constants,
    fileio,
    standard_artifacts,
    tfma,
    types,
)
from privacy_component.component.example_files import ExampleFiles, check_files
from privacy_component.component.executor import Artifacts, Executor
from privacy_component.component.provenance import check_regular
from privacy_component.component.publish import REPORT_FILE_NAME
from privacy_component.component.tabular_files import format_of, write_records
from privacy_component.component.tfma_views import FOLDER_NAME
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.errors import PrivacyInputError
from privacy_component.evaluation import decision
from privacy_component.evaluation.result import FILE_NAME

MEMBERS, NON_MEMBERS = 'members', 'non_members'
_SAVED_MODEL, _SERVING = 'saved_model.pb', 'Format-Serving'
_GZIP = b'\x1f\x8b'
_OURS = {
    executor.PRIVACY_METRICS_KEY: {REPORT_FILE_NAME, FILE_NAME, decision.FILE_NAME, FOLDER_NAME},
    executor.BLESSING_KEY: {blessing_constants.BLESSED_FILE_NAME, blessing_constants.NOT_BLESSED_FILE_NAME},
}
_RUNNER = '--runner=FnApiRunner'  # DirectRunner would first try to download another


@dataclasses.dataclass(frozen=True)
class Question:
    """What is evaluated.

    Attributes:
      model: directory of a SavedModel, or of a Trainer's output that holds one.
      members, non_members: names or patterns of files, all TFRecords of tf.Examples, all CSV or all Parquet.
      label_key: the feature that holds the label.
      slices: of each kind of slices, the features; ('color', 'size') for their combinations.
      config: attacks and limits; its splits are not looked at.
      signature: of the model; '' for TFMA's choice.
      transform_graph, schema: directories as of PrivacyEvaluator's inputs; '' for none.
    """

    model: str
    members: tuple[str, ...]
    non_members: tuple[str, ...]
    label_key: str
    slices: tuple[tuple[str, ...], ...] = ()
    config: PrivacyConfig = dataclasses.field(default_factory=PrivacyConfig)
    signature: str = ''
    transform_graph: str = ''
    schema: str = ''


def evaluate_files(question: Question, out: str) -> Path:
    """Runs the evaluation, with everything that the component checks.

    Args:
      question: what is evaluated.
      out: a directory for what the component leaves, under the names of its outputs; made if it is not there.

    Returns:
      The directory with privacy_metrics.json, decision.json and report.html.

    Raises:
      PrivacyInputError: something cannot be measured, or the directory holds files of others; nothing is blessed then.
    """
    outputs = _outputs(out)
    sides = {MEMBERS: _files(question.members, MEMBERS), NON_MEMBERS: _files(question.non_members, NON_MEMBERS)}
    config = dataclasses.replace(question.config, member_splits=(MEMBERS,), non_member_splits=(NON_MEMBERS,))
    with tempfile.TemporaryDirectory(prefix='privacy_component_') as folder:
        files = _example_files(sides, Path(folder))
        context = Executor.Context(tmp_dir=folder, unique_id='0')
        properties = {
            executor.EVAL_CONFIG_KEY: json_format.MessageToJson(_eval_config(question)),
            executor.PRIVACY_CONFIG_KEY: config.to_json(),
        }
        _OnFiles(context, question.model, files).Do(_inputs(question, sides), outputs, properties)
    return Path(outputs[executor.PRIVACY_METRICS_KEY][0].uri)


class _OnFiles(Executor):
    """The executor, whose model and examples were named and not found by the layout of artifacts."""

    def __init__(self, context: BaseBeamExecutor.Context, model: str, files: ExampleFiles):
        super().__init__(context)
        self._model, self._files = model, files

    def _make_beam_pipeline(self) -> beam.Pipeline:
        """Without what TFX would add: labels, and an archive of itself."""
        return beam.Pipeline(argv=[_RUNNER])

    def _model_path(self, model: types.Artifact | None) -> str:
        inside = f'{self._model}/{_SERVING}'
        return inside if fileio.exists(f'{inside}/{_SAVED_MODEL}') else self._model

    def _example_files(self, examples: list[types.Artifact], config: PrivacyConfig) -> ExampleFiles:
        return self._files


def _files(patterns: Sequence[str], side: str) -> tuple[str, ...]:
    """The files that patterns match, each once.

    Raises:
      PrivacyInputError: one matches none, or a directory.
    """
    found: set[str] = set()
    for pattern in patterns:
        matched = [str(path) for path in fileio.glob(pattern)]
        if not matched:
            raise PrivacyInputError(f"--{side.replace('_', '-')} '{pattern}' matches no file: correct it.")
        for path in matched:
            if fileio.isdir(path):
                raise PrivacyInputError(f"{path} is a directory: name the files in it, '{path.rstrip('/')}/*'.")
            check_regular(path)
        found.update(matched)
    return tuple(sorted(found))


def _example_files(sides: Mapping[str, Sequence[str]], folder: Path) -> ExampleFiles:
    """What the job reads: the files, or what CSV and Parquet files become in `folder`."""
    check_files(_splits(sides, str))
    paths = [path for side in sides.values() for path in side]
    by_format = {format_of(path): path for path in paths}
    if len(by_format) > 1:
        raise PrivacyInputError(f'{" and ".join(by_format.values())} are of different formats: give files of one.')
    (form,) = by_format
    if not form:
        return ExampleFiles(_splits(sides, str), _compression(paths))
    return ExampleFiles(_splits(sides, write_records(paths, form, folder).__getitem__), '')


def _splits(sides: Mapping[str, Sequence[str]], path_of: Callable[[str], str]) -> tuple[SplitFiles, ...]:
    return tuple(SplitFiles(side, side == MEMBERS, tuple(map(path_of, paths))) for side, paths in sides.items())


def _compression(paths: Sequence[str]) -> str:
    """'GZIP' or '', as all files begin."""
    found = {}
    for path in paths:
        with fileio.open(path, 'rb') as file:
            found['GZIP' if file.read(len(_GZIP)) == _GZIP else ''] = path
    if len(found) > 1:
        raise PrivacyInputError(f'{found["GZIP"]} is compressed by gzip and {found[""]} is not: give all files alike.')
    return next(iter(found))


def _outputs(given: str) -> Artifacts:
    """The output artifacts. Their directories are emptied, so nothing may lie there that no evaluation left.

    Raises:
      PrivacyInputError: something else lies there.
    """
    if '://' in given:
        raise PrivacyInputError(f'--out {given} is no directory of this machine: name one, and copy it from there.')
    out = Path(given)
    artifacts = {
        executor.PRIVACY_METRICS_KEY: PrivacyMetrics(),
        executor.BLESSING_KEY: standard_artifacts.ModelBlessing(),
    }
    for name, artifact in artifacts.items():
        artifact.uri = str(out / name)
        if out.is_file() or (out / name).is_file():
            raise PrivacyInputError(f'--out {out} is or holds a file in the place of a directory: name another.')
        others = sorted({path.name for path in (out / name).glob('*')} - _OURS[name])
        if others:
            raise PrivacyInputError(f'{artifact.uri} holds {others[0]}, which would be lost: name another --out.')
    return {name: [artifact] for name, artifact in artifacts.items()}


def _inputs(question: Question, sides: Mapping[str, Sequence[str]]) -> Artifacts:
    """Input artifacts, of which the record tells the URIs: of examples, every directory that a file is in."""
    folders = sorted({path.rpartition('/')[0] or '.' for paths in sides.values() for path in paths})
    optional = {
        executor.TRANSFORM_GRAPH_KEY: (standard_artifacts.TransformGraph, question.transform_graph),
        executor.SCHEMA_KEY: (standard_artifacts.Schema, question.schema),
    }
    return {
        executor.EXAMPLES_KEY: [_artifact(standard_artifacts.Examples, folder) for folder in folders],
        executor.MODEL_KEY: [_artifact(standard_artifacts.Model, question.model)],
        **{name: [_artifact(kind, uri)] for name, (kind, uri) in optional.items() if uri},
    }


def _artifact(kind: type[types.Artifact], uri: str) -> types.Artifact:
    artifact = kind()
    artifact.uri = uri
    return artifact


def _eval_config(question: Question) -> tfma.EvalConfig:
    slices = [(), *question.slices]
    return EvalConfig(
        model_specs=[ModelSpec(label_key=question.label_key, signature_name=question.signature)],
        slicing_specs=[SlicingSpec(feature_keys=list(features)) for features in slices],
    )
