"""How the most vulnerable examples are named in what is written: by hashes that a secret goes into.

A plain hash of a record gives its person away to anybody who can guess the record: all likely records are hashed and
looked up. With a secret salt only who has it can do that.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from privacy_component.component.compat import fileio
from privacy_component.errors import PrivacyInputError

SALT = 'PRIVACY_COMPONENT_SALT'
SALT_FILE = 'PRIVACY_COMPONENT_SALT_FILE'
_FEWEST_BYTES = 16
_HEX_DIGITS = 32

WITHOUT_SALT = (
    'The ids of the most vulnerable members are hashed with a salt that was made for this run and kept nowhere, so '
    f'nobody can tell whose they are: set {SALT_FILE} (or {SALT}) where the component runs, and evaluate again.'
)


def secret_salt(file_variable: str = SALT_FILE, variable: str = SALT) -> bytes | None:
    """What the file that one environment variable names holds, or another variable; None without both.

    Raises:
      PrivacyInputError: the file cannot be read, or the salt is so short that it can be guessed.
    """
    path = os.environ.get(file_variable)
    salt = _read(path, file_variable) if path else os.environ.get(variable, '').encode()
    if salt and len(salt) < _FEWEST_BYTES:
        raise PrivacyInputError(
            f'the salt that {file_variable if path else variable} gives has {len(salt)} bytes and can be guessed: make '
            f'one of {_FEWEST_BYTES} or more, as `openssl rand -hex 32` does.'
        )
    return salt or None


def printed_id(example_id: int, salt: bytes) -> str:
    """32 hexadecimal digits for an example: HMAC-SHA256 (RFC 2104) of its 64-bit id (`RawBatch.example_id`)."""
    return hmac.new(salt, example_id.to_bytes(8, 'big'), hashlib.sha256).hexdigest()[:_HEX_DIGITS]


def with_printed_ids(members: Iterable[Mapping[str, Any]], salt: bytes | None) -> tuple[dict[str, Any], ...]:
    """The most vulnerable members with the ids that are written; by a new salt if there is none."""
    salt = salt or secrets.token_bytes(32)
    return tuple({**member, 'example_id': printed_id(member['example_id'], salt)} for member in members)


def _read(path: str, variable: str) -> bytes:
    try:
        with fileio.open(path, 'rb') as file:
            salt = file.read().strip()
    except Exception as error:  # what file systems raise differs
        raise PrivacyInputError(
            f'{variable} names {path}, which cannot be read: correct the path or its rights.'
        ) from error
    if not salt:
        raise PrivacyInputError(
            f'{variable} names {path}, which is empty: write a salt into it, or unset the variable.'
        )
    return salt
