"""Which artifacts an evaluation read, and fingerprints of what was in them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from privacy_component.component.compat import fileio, types

_CHUNK = 1 << 20
_FINGERPRINTED = ('transform_graph', 'schema', 'baseline_model')
_TOLD_ELSEWHERE = ('previous_metrics',)  # those that matter are the context's earlier_evaluations


def provenance(input_dict: Mapping[str, Sequence[types.Artifact]], model_path: str) -> dict[str, Any]:
    """The model's fingerprint, and ids, URIs and fingerprints of the input artifacts; JSON values.

    An id of 0 means that the orchestrator gave none. Examples have their fingerprints from the job, which reads them.
    """
    return {
        'model_fingerprint': directory_fingerprint(model_path),
        'artifacts': {
            name: [_artifact(one, with_files=name in _FINGERPRINTED) for one in input_dict[name]]
            for name in sorted(input_dict)
            if name not in _TOLD_ELSEWHERE
        },
    }


def _artifact(artifact: types.Artifact, with_files: bool) -> dict[str, Any]:
    fields = {'id': artifact.id, 'uri': artifact.uri}
    return fields | ({'fingerprint': directory_fingerprint(artifact.uri)} if with_files else {})


def directory_fingerprint(path: str) -> str:
    """'sha256:' and the hash of all files under `path`: their names in it and their contents."""
    digest = hashlib.sha256()
    for name in sorted(_files(path)):
        digest.update(f'{name}\0{_file_sha256(f"{path}/{name}")}\n'.encode())
    return f'sha256:{digest.hexdigest()}'


def _files(path: str) -> Iterator[str]:
    for folder, _, names in fileio.walk(path):
        inside = str(folder)[len(path) :].strip('/')
        yield from (f'{inside}/{name!s}'.lstrip('/') for name in names)


def _file_sha256(path: str) -> str:
    digest = hashlib.sha256()
    with fileio.open(path, 'rb') as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
