"""The files of the example splits: which there are, which there should be."""

from __future__ import annotations

import re
from collections.abc import Sequence

import tensorflow as tf

from privacy_component.beam.plan import SplitFiles
from privacy_component.component.compat import artifact_utils, examples_utils, io_utils, types
from privacy_component.errors import PrivacyInputError

_COMPRESSION = {'tfrecords_gzip': 'GZIP', 'tfrecords': ''}
_SHARD = re.compile(r'-(?P<number>\d{5})-of-(?P<total>\d{5})(?=\.|$)')


def compression_of(examples: Sequence[types.Artifact]) -> str:
    """How the files are compressed, as tf.data names it.

    Raises:
      PrivacyInputError: they hold no tf.Examples, or are in another format, or in several.
    """
    for artifact in examples:
        payload = artifact.get_string_custom_property('payload_format') or 'FORMAT_TF_EXAMPLE'
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


def split_files(examples: Sequence[types.Artifact], split: str, is_member: bool) -> SplitFiles:
    """The files of a split.

    Raises:
      PrivacyInputError: there is no such split, it has no files, or some of its shards are missing.
    """
    field = 'member_splits' if is_member else 'non_member_splits'
    existing = sorted({name for artifact in examples for name in _split_names(artifact)})
    if split not in existing:
        raise PrivacyInputError(
            f"PrivacyConfig.{field} names the split '{split}', but the examples have {', '.join(existing) or 'none'}."
        )
    patterns = [io_utils.all_files_pattern(uri) for uri in artifact_utils.get_split_uris(list(examples), split)]
    paths = sorted(path for pattern in patterns for path in tf.io.gfile.glob(pattern))
    if not paths:
        raise PrivacyInputError(f"the split '{split}' has no files under {patterns[0]}: run the ExampleGen again.")
    _check_shards(split, paths)
    return SplitFiles(split, is_member, tuple(paths))


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


def _check_shards(split: str, paths: Sequence[str]) -> None:
    """Raises PrivacyInputError if a file says that it is one of several and the others are not all there."""
    shards: dict[tuple[str, int], set[int]] = {}
    for path in paths:
        found = _SHARD.search(path)
        if found:
            shards.setdefault((path[: found.start()], int(found['total'])), set()).add(int(found['number']))
    for (name, total), numbers in shards.items():
        missing = sorted(set(range(total)) - numbers)
        if missing:
            raise PrivacyInputError(
                f"the split '{split}' lacks shard {missing[0]} of {total} of {name}: run the component that wrote it "
                'again.'
            )
