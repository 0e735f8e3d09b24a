"""What a ReferenceModelSet says of itself: which models there are, and which examples each was trained on."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping

from privacy_component.component.compat import fileio
from privacy_component.config.json_text import read_json
from privacy_component.errors import PrivacyInputError
from privacy_component.evaluation.typed_json import from_json, to_json

FILE_NAME = 'reference_models.json'
SCHEMA_VERSION = 1


@dataclasses.dataclass(frozen=True)
class TrainedModel:
    """One reference model.

    Attributes:
      directory: of its SavedModel, within the artifact.
      fingerprint: 'sha256:' and the hash of its files.
      num_examples: how many it was trained on.
      seconds: that its training took.
    """

    directory: str
    fingerprint: str
    num_examples: int
    seconds: float


@dataclasses.dataclass(frozen=True)
class ReferenceManifest:
    """The models, and the rule by which examples were divided between them; no list of ids.

    Attributes:
      schema_version: of this file.
      seed: of `observations.reference_halves`.
      member_splits, non_member_splits: the splits whose examples were divided.
      num_examples: split -> how many.
      fingerprints: split -> 16 hexadecimal digits that tell its examples from others, whatever their order.
      recipe: 'sha256:' and the hash of all that decides how a model is trained, but for its half.
      models: in the order of the rule, pairs side by side.
      version: of this package.
    """

    schema_version: int
    seed: int
    member_splits: tuple[str, ...]
    non_member_splits: tuple[str, ...]
    num_examples: Mapping[str, int]
    fingerprints: Mapping[str, str]
    recipe: str
    models: tuple[TrainedModel, ...]
    version: str

    def to_json(self) -> str:
        """JSON text that `read_manifest` reads."""
        return json.dumps(to_json(self), indent=1, sort_keys=True)


def read_manifest(uri: str) -> ReferenceManifest:
    """What the artifact at `uri` says of itself.

    Raises:
      PrivacyInputError: it was not finished, is not readable, or is of another release.
    """
    path = f'{uri}/{FILE_NAME}'
    if not fileio.exists(path):
        raise PrivacyInputError(
            f'reference_models: {uri} has no {FILE_NAME}, which is written last, so ReferenceModels has not finished: '
            'run it again; models that are trained are kept.'
        )
    with fileio.open(path, 'rb') as file:
        text = file.read().decode('utf-8', errors='replace')
    fields = read_json(text, FILE_NAME)
    version = fields.get('schema_version') if isinstance(fields, Mapping) else None
    if version != SCHEMA_VERSION:
        raise PrivacyInputError(
            f'reference_models: {path} has schema_version {version!r:.20}, this release reads {SCHEMA_VERSION}: run '
            'ReferenceModels again.'
        )
    manifest: ReferenceManifest = from_json(ReferenceManifest, fields, FILE_NAME)
    directories = [model.directory for model in manifest.models]
    if len(directories) < 2 or len(directories) % 2 or not all(re.fullmatch(r'models/\d+', one) for one in directories):
        raise PrivacyInputError(
            f'reference_models: {path} names {len(directories)} models; an even number of them is needed, in models/0, '
            'models/1 and so on: run ReferenceModels again.'
        )
    return manifest
