"""Files of equal content, in one split or in several: their examples would count twice, or stand on both sides."""

from __future__ import annotations

import collections
import functools
import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import tensorflow as tf

from privacy_component.beam.plan import SplitFiles
from privacy_component.errors import PrivacyInputError

_CHUNK = 1 << 20
_FIRST_BYTES = 1 << 16  # files of one size mostly differ there already
_GZIP = b'\x1f\x8b'


def check_no_equal_files(splits: Sequence[SplitFiles]) -> None:
    """Refuses equal files; those that hold no record may be equal.

    Raises:
      PrivacyInputError: two are equal; the message names them.
    """
    groups = _groups([(split.split, path) for split in splits for path in split.paths], _size)
    for most in (_FIRST_BYTES, None):
        groups = [part for group in groups for part in _groups(group, functools.partial(_content, most=most))]
    for (split, path), (other_split, other_path), *_ in groups:
        raise PrivacyInputError(
            f"two example files have the same content: {path} of the split '{split}' and {other_path} of the split "
            f"'{other_split}'. Their examples would count twice, or be members and non-members at once: remove one, or "
            'name other splits in PrivacyConfig.member_splits and non_member_splits.'
        )


def _groups(files: Iterable[tuple[str, str]], key: Callable[[str], object]) -> list[list[tuple[str, str]]]:
    """Those of the files that share a key with another; files whose key is None do not."""
    groups: dict[object, list[tuple[str, str]]] = collections.defaultdict(list)
    for split, path in files:
        groups[key(path)].append((split, path))
    return [group for value, group in groups.items() if value is not None and len(group) > 1]


def _size(path: str) -> int | None:
    """None for what is no file with something in it; reading it says what is wrong."""
    try:
        found = tf.io.gfile.stat(path)
    except tf.errors.OpError:
        return None
    return None if found.is_directory or not found.length else int(found.length)


def _content(path: str, most: int | None) -> str | None:
    """The hash of a file's first bytes, or of all; None if it holds no record or cannot be read."""
    digest = hashlib.sha256()
    try:
        for number, chunk in enumerate(_chunks(path, most)):
            if not number and _is_empty(chunk):
                return None
            digest.update(chunk)
    except tf.errors.OpError:
        return None
    return digest.hexdigest()


def _chunks(path: str, most: int | None) -> Iterator[bytes]:
    with tf.io.gfile.GFile(path, 'rb') as file:
        if most is not None:
            yield file.read(most)
            return
        while chunk := file.read(_CHUNK):
            yield chunk


def _is_empty(first: bytes) -> bool:
    """Whether a file that begins so is compressed and holds nothing."""
    if not first.startswith(_GZIP):
        return not first
    try:
        return not zlib.decompressobj(wbits=31).decompress(first, 1)
    except zlib.error:
        return False
