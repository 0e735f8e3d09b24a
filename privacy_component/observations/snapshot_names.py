"""How the directory of a snapshot is named, the same where it is written and where it is read."""

from __future__ import annotations

import re

SNAPSHOTS_DIRECTORY = 'snapshots'
_PATTERN = re.compile(r'epoch_(\d+)')


def snapshot_name(epoch: int) -> str:
    """The name of the snapshot that was taken after an epoch, counted from 1.

    >>> snapshot_name(12)
    'epoch_00012'
    """
    return f'epoch_{epoch:05d}'


def epoch_of(name: str) -> int | None:
    """The epoch after which the snapshot of this name was taken; None where it is no snapshot's name.

    >>> epoch_of('epoch_00012'), epoch_of('variables')
    (12, None)
    """
    found = _PATTERN.fullmatch(name)
    return int(found[1]) if found else None
