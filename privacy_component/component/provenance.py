"""Which artifacts an evaluation read, and fingerprints of what was in them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from privacy_component.component.compat import fileio, types

_CHUNK = 1 << 20


def artifacts(input_dict: Mapping[str, Sequence[types.Artifact]]) -> dict[str, list[dict[str, Any]]]:
    """Id and URI of every input artifact; an id of 0 means that the orchestrator gave none."""
    return {name: [{'id': one.id, 'uri': one.uri} for one in ones] for name, ones in sorted(input_dict.items())}


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
