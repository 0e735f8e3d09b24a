"""Which artifacts an evaluation read, fingerprints of what was in them, and whether that stayed the same."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import tensorflow as tf

from privacy_component.beam.plan import SplitFiles
from privacy_component.component.compat import fileio, types
from privacy_component.errors import PrivacyInputError
from privacy_component.evaluation.record import InputArtifact

_CHUNK = 1 << 20
_FINGERPRINTED = ('transform_graph', 'schema', 'baseline_model', 'reference_models', 'snapshots')
_TOLD_ELSEWHERE = ('previous_metrics',)  # those that matter are the record's earlier_evaluations


@dataclasses.dataclass(frozen=True)
class Provenance:
    """What an evaluation read.

    Attributes:
      model_fingerprint: of the model's files; '' where there is no model.
      artifacts: channel -> its artifacts. Examples have their fingerprints from the job, which reads them.
    """

    model_fingerprint: str
    artifacts: Mapping[str, tuple[InputArtifact, ...]]

    @property
    def uris(self) -> dict[str, str]:
        """The URIs of every channel that has artifacts."""
        return {name: ', '.join(one.uri for one in ones) for name, ones in self.artifacts.items() if ones}


def provenance(input_dict: Mapping[str, Sequence[types.Artifact]], model_path: str) -> Provenance:
    """The fingerprint of the model in `model_path` ('' for none), and the input artifacts with those of small ones."""
    artifacts = {
        name: tuple(_artifact(one, with_files=name in _FINGERPRINTED) for one in input_dict[name])
        for name in sorted(input_dict)
        if name not in _TOLD_ELSEWHERE
    }
    return Provenance(directory_fingerprint(model_path) if model_path else '', artifacts)


def _artifact(artifact: types.Artifact, with_files: bool) -> InputArtifact:
    return InputArtifact(artifact.id, artifact.uri, directory_fingerprint(artifact.uri) if with_files else None)


def check_unchanged(before: Provenance, after: Provenance) -> None:
    """Compares what `provenance` said before and after a measurement.

    Raises:
      PrivacyInputError: an input has changed in between; the message names it.
    """
    changed = [name for name, ones in before.artifacts.items() if ones != after.artifacts[name]]
    if before.model_fingerprint != after.model_fingerprint:
        changed.insert(0, 'model')
    if changed:
        raise _changed(f"the input '{changed[0]}'")


def example_files_state(splits: Iterable[SplitFiles]) -> dict[str, tuple[int, int]]:
    """Size and time of change, in ns, of each file; what cannot be looked at has (-1, -1), and reading it says why."""
    return {path: _state(path) for split in splits for path in split.paths}


def check_files_unchanged(before: Mapping[str, tuple[int, int]], after: Mapping[str, tuple[int, int]]) -> None:
    """Compares what `example_files_state` said before and after a measurement.

    Raises:
      PrivacyInputError: a file has changed in between; the message names it.
    """
    changed = sorted(path for path in before if before[path] != after[path])
    if changed:
        raise _changed(f'the example file {changed[0]}')


def _changed(what: str) -> PrivacyInputError:
    return PrivacyInputError(
        f'{what} was changed while it was evaluated, so nobody can say what was measured: run the evaluation again '
        'when nothing writes there.'
    )


def _state(path: str) -> tuple[int, int]:
    try:
        found = tf.io.gfile.stat(path)
    except tf.errors.OpError:
        return -1, -1
    return int(found.length), int(found.mtime_nsec)


def directory_fingerprint(path: str) -> str:
    """'sha256:' and the hash of all files under `path`: their names in it and their contents.

    Raises:
      PrivacyInputError: a file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        for name in sorted(_files(path)):
            digest.update(f'{name}\0{_file_sha256(f"{path}/{name}")}\n'.encode())
    except (OSError, tf.errors.OpError) as error:
        why = ' '.join(str(error).split())[:160]
        raise PrivacyInputError(
            f'the input in {path} cannot be read ({why}): a part of it is missing, or not yours to read.'
        ) from error
    return f'sha256:{digest.hexdigest()}'


def check_regular(path: str) -> None:
    """Raises PrivacyInputError for a pipe, socket or device of this machine, which reading would wait for."""
    if Path(path).exists() and not Path(path).is_file():
        raise PrivacyInputError(f'{path} is no regular file, so reading it may never end: remove it.')


def _files(path: str) -> Iterator[str]:
    for folder, _, names in fileio.walk(path):
        inside = str(folder)[len(path) :].strip('/')
        yield from (f'{inside}/{name!s}'.lstrip('/') for name in names)


def _file_sha256(path: str) -> str:
    check_regular(path)
    digest = hashlib.sha256()
    with fileio.open(path, 'rb') as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
