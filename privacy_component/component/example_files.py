"""The files of the example splits: which there are, which there should be, and that none is there twice."""

from __future__ import annotations

import collections
import dataclasses
import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

import tensorflow as tf

from privacy_component.beam.plan import SplitFiles
from privacy_component.component.compat import artifact_utils, examples_utils, types
from privacy_component.component.equal_files import check_no_equal_files
from privacy_component.component.payloads import SEQUENCE, other_payload
from privacy_component.component.provenance import check_regular
from privacy_component.errors import PrivacyInputError

_COMPRESSION = {'tfrecords_gzip': 'GZIP', 'tfrecords': ''}
_SHARD = re.compile(r'-(?P<number>\d{5})-of-(?P<total>\d{5})(?=\.|$)')


@dataclasses.dataclass(frozen=True)
class ExampleFiles:
    """What is read.

    Attributes:
      splits: the files of all splits.
      compression: 'GZIP' or '', as tf.data names it.
    """

    splits: tuple[SplitFiles, ...]
    compression: str

    @classmethod
    def of(
        cls, examples: Sequence[types.Artifact], member_splits: Iterable[str], non_member_splits: Iterable[str]
    ) -> ExampleFiles:
        """Those of artifacts; see `splits_of` and `compression_of`."""
        compression = compression_of(examples)
        return cls(splits_of(examples, member_splits, non_member_splits), compression)


def compression_of(examples: Sequence[types.Artifact]) -> str:
    """How the files are compressed, as tf.data names it.

    Raises:
      PrivacyInputError: they hold no tf.Examples, or are in another format, or in several.
    """
    for artifact in examples:
        payload = artifact.get_string_custom_property('payload_format') or 'FORMAT_TF_EXAMPLE'
        if payload == 'FORMAT_TF_SEQUENCE_EXAMPLE':
            raise other_payload(f'the examples in {artifact.uri} are {payload}, of records {SEQUENCE}', SEQUENCE)
        if payload != 'FORMAT_TF_EXAMPLE':
            raise PrivacyInputError(
                f'the examples in {artifact.uri} are {payload}; only FORMAT_TF_EXAMPLE can be read.'
            )
    formats = {examples_utils.get_file_format(artifact) for artifact in examples}
    if len(formats) != 1 or not formats <= set(_COMPRESSION):
        raise PrivacyInputError(
            f'examples are in the file formats {sorted(formats)}; one of {list(_COMPRESSION)} is needed.'
        )
    return _COMPRESSION[formats.pop()]


def splits_of(
    examples: Sequence[types.Artifact], member_splits: Iterable[str], non_member_splits: Iterable[str]
) -> tuple[SplitFiles, ...]:
    """The files of all splits.

    Raises:
      PrivacyInputError: an artifact, a split's writing or a file is there twice; or see `split_files`.
    """
    _check_distinct(examples)
    sides = ((member_splits, True), (non_member_splits, False))
    splits = tuple(split_files(examples, split, is_member) for names, is_member in sides for split in names)
    check_files(splits)
    return splits


def check_files(splits: Sequence[SplitFiles]) -> None:
    """Raises PrivacyInputError if one is no regular file, or two have the same content."""
    for path in (path for split in splits for path in split.paths):
        check_regular(path)
    check_no_equal_files(splits)


def split_files(examples: Sequence[types.Artifact], split: str, is_member: bool) -> SplitFiles:
    """The files of a split: all in its folders, whose names are no patterns, of every artifact that has the split.

    Raises:
      PrivacyInputError: there is no such split, it has no files, some of its shards are missing, or other files lie
        beside them, which TFX would read too.
    """
    field = 'member_splits' if is_member else 'non_member_splits'
    existing = sorted({name for artifact in examples for name in _split_names(artifact)})
    if split not in existing:
        raise PrivacyInputError(
            f"PrivacyConfig.{field} names the split '{split}', but the examples have {', '.join(existing) or 'none'}."
        )
    holding = [artifact for artifact in examples if split in _split_names(artifact)]
    folders = artifact_utils.get_split_uris(holding, split)
    paths = []
    for folder in folders:
        names = _names_in(split, folder)
        _check_one_writing(split, folder, names)
        _check_shards(split, folder, names)
        paths += [f'{folder}/{name}' for name in names]
    if not paths:
        raise PrivacyInputError(f"the split '{split}' has no files under {folders[0]}: run the ExampleGen again.")
    return SplitFiles(split, is_member, tuple(sorted(paths)))


def _check_distinct(examples: Sequence[types.Artifact]) -> None:
    """Raises PrivacyInputError if an artifact is there twice: its examples would count twice."""
    uris = collections.Counter(artifact.uri.rstrip('/') for artifact in examples)
    ids = collections.Counter(artifact.id for artifact in examples if artifact.id)
    for what, counted in (('uri', uris), ('id', ids)):
        twice = [value for value, times in counted.items() if times > 1]
        if twice:
            raise PrivacyInputError(
                f"the input 'examples' holds {counted[twice[0]]} artifacts of the {what} {twice[0]}, and every example "
                'would count as often: pass each once.'
            )


def _split_names(examples: types.Artifact) -> list[str]:
    try:
        names = artifact_utils.decode_split_names(examples.split_names)
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise PrivacyInputError(
            f'the examples in {examples.uri} have the split_names {examples.split_names!r}; a JSON list of names is '
            'needed: run the ExampleGen again.'
        )
    return names


def _names_in(split: str, folder: str) -> list[str]:
    """What is in a folder, by name; nothing if it does not exist."""
    try:
        return sorted(name.rstrip('/') for name in tf.io.gfile.listdir(folder))
    except tf.errors.NotFoundError:
        return []
    except tf.errors.OpError as error:
        raise PrivacyInputError(
            f"the files of the split '{split}' in {folder} cannot be listed ({error.message[:160]}): correct its "
            'rights, or run the ExampleGen again.'
        ) from error


def _check_one_writing(split: str, folder: str, names: Sequence[str]) -> None:
    """Raises PrivacyInputError if a file is none of the set that most belong to; TFX would read it as well."""
    sets = collections.Counter(map(_set_of, names))
    for name in names:
        usual, _ = sets.most_common(1)[0]
        if _set_of(name) != usual or name.startswith('.'):
            other = next((one for one in names if _set_of(one) == usual and one != name), 'nothing else')
            raise PrivacyInputError(
                f"the split '{split}' has the file {name} beside {other} in {folder}: that is a copy, another writing "
                'or no data, and every component that reads the split would read it too. Remove it, or run the '
                'component that wrote the split again.'
            )


def _set_of(name: str) -> tuple[str, ...]:
    """What the names of all shards of one writing have in common; of other files, their ending."""
    found = _SHARD.search(name)
    if found:
        return name[: found.start()], found['total'], name[found.end() :]
    return (PurePosixPath(name).suffix,)


def _check_shards(split: str, folder: str, names: Sequence[str]) -> None:
    """Raises PrivacyInputError if a file says that it is one of several and the others are not all there."""
    found = [shard for name in names if (shard := _SHARD.search(name))]
    if not found:
        return
    missing = sorted(set(range(int(found[0]['total']))) - {int(shard['number']) for shard in found})
    if missing:
        raise PrivacyInputError(
            f"the split '{split}' lacks shard {missing[0]} of {int(found[0]['total'])} in {folder}: run the component "
            'that wrote it again.'
        )
