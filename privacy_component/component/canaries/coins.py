"""What the secret salt decides: which canaries are in, what they hold, and where in the files they stand."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from privacy_component.component.example_ids import secret_salt
from privacy_component.errors import PrivacyInputError

SALT = 'PRIVACY_CANARY_SALT'
SALT_FILE = 'PRIVACY_CANARY_SALT_FILE'


def canary_salt() -> bytes:
    """The salt of this audit.

    Raises:
      PrivacyInputError: there is none, or it cannot be used.
    """
    salt = secret_salt(SALT_FILE, SALT)
    if salt is None:
        raise PrivacyInputError(
            f'{SALT_FILE} is not set: name a file with a secret of 16 bytes or more, new for each audit '
            f'(openssl rand -hex 32), or give the secret itself as {SALT}. Who knows it knows which canaries are in.'
        )
    return salt


def key_of(salt: bytes, use: Mapping[str, str]) -> bytes:
    """The secret for one use of a salt: for other examples or another config, coins are others, which nobody knows."""
    return _digest(salt, json.dumps(use, sort_keys=True))


def coins(key: bytes, num_canaries: int) -> NDArray[np.bool_]:
    """(m,) whether each canary is in: one bit of HMAC-SHA256 (RFC 2104) of its number, so that all are independent."""
    return np.array([_digest(key, f'coin {i}')[0] & 1 for i in range(num_canaries)], bool)


def generator(key: bytes, of: str) -> np.random.Generator:
    """Random numbers that follow from the key and nothing else, others for each purpose."""
    return np.random.default_rng(int.from_bytes(_digest(key, of), 'big'))


def salt_id(salt: bytes) -> str:
    """64 hexadecimal digits that tell one salt from another and do not give it away."""
    return _digest(salt, 'id').hex()


def _digest(key: bytes, of: str) -> bytes:
    return hmac.new(key, f'privacy_component canaries: {of}'.encode(), hashlib.sha256).digest()
