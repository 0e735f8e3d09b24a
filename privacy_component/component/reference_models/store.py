"""Where trained models wait until their set is whole, by all that decides what they are: none is trained twice."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

from privacy_component.component.compat import fileio, io_utils
from privacy_component.component.provenance import directory_fingerprint
from privacy_component.component.reference_models.manifest import TrainedModel
from privacy_component.errors import PrivacyInputError

_MODEL, _DONE = 'model', 'done.json'


@dataclasses.dataclass(frozen=True)
class Kept:
    """A trained model.

    Attributes:
      path: of its SavedModel.
      fingerprint: of that.
      num_examples, half: how many it was trained on, and their fingerprint.
      seconds: that training took.
    """

    path: str
    fingerprint: str
    num_examples: int
    half: int
    seconds: float


@dataclasses.dataclass(frozen=True)
class Store:
    """A directory of models by key.

    Attributes:
      directory: where.
    """

    directory: str

    def has(self, key: str) -> bool:
        """Whether a model of this key was finished; whether it is whole, `find` tells."""
        return bool(fileio.exists(f'{self.directory}/{key}/{_DONE}'))

    def find(self, key: str) -> Kept | None:
        """The model of this key; None if there is none, or not the whole of it."""
        if not self.has(key):
            return None
        try:
            with fileio.open(f'{self.directory}/{key}/{_DONE}', 'rb') as file:
                kept = Kept(f'{self.directory}/{key}/{_MODEL}', **json.loads(file.read()))
        except (ValueError, TypeError):
            return None
        return kept if directory_fingerprint(kept.path) == kept.fingerprint else None

    def keep(self, key: str, saved_model: Path, num_examples: int, half: int, seconds: float) -> Kept:
        """Copies a SavedModel; what says that it is whole is written last."""
        self.drop(key)
        path = f'{self.directory}/{key}/{_MODEL}'
        io_utils.copy_dir(str(saved_model), path)
        kept = Kept(path, directory_fingerprint(str(saved_model)), num_examples, half, seconds)
        _check_copy(path, kept.fingerprint)
        fields = {name: value for name, value in dataclasses.asdict(kept).items() if name != 'path'}
        io_utils.write_string_file(f'{self.directory}/{key}/{_DONE}.part', json.dumps(fields))
        fileio.rename(f'{self.directory}/{key}/{_DONE}.part', f'{self.directory}/{key}/{_DONE}', overwrite=True)
        return kept

    def drop(self, key: str) -> None:
        """Removes a model, whole or not."""
        if fileio.exists(f'{self.directory}/{key}'):
            fileio.rmtree(f'{self.directory}/{key}')


def copied(kept: Kept, uri: str, directory: str, check: Callable[[], None]) -> TrainedModel:
    """A model's line in the manifest, once it has been copied into the artifact at `uri`."""
    check()
    io_utils.copy_dir(kept.path, f'{uri}/{directory}')
    _check_copy(f'{uri}/{directory}', kept.fingerprint)
    return TrainedModel(directory, kept.fingerprint, kept.num_examples, kept.seconds)


def _check_copy(path: str, fingerprint: str) -> None:
    if directory_fingerprint(path) != fingerprint:
        raise PrivacyInputError(
            f'the copy of a reference model in {path} is not what was trained: something else writes there. Run '
            'ReferenceModels again, alone.'
        )
