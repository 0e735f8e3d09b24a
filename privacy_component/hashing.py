"""Stable hashes of ids, the same on every machine and for every order of the data: folds and samples come from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_STEP = 0x9E3779B97F4A7C15


def mix(values: NDArray[np.uint64], seed: int = 0) -> NDArray[np.uint64]:
    """Well mixed 64 bits of each value and the seed (Steele, Lea and Flood 2014, OOPSLA, SplitMix64); any shape."""
    z = values + np.uint64((seed + 1) * _STEP % 2**64)  # arrays of unsigned integers wrap around, as is meant here
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def hash_ids(ids: NDArray) -> NDArray[np.uint64]:
    """(n,) uint64 of n whole numbers, which stand for themselves, or of n texts, which are hashed."""
    if ids.dtype.kind in 'iub':
        return ids.astype(np.uint64)
    texts = np.ascontiguousarray(ids.astype(np.str_))
    width = texts.dtype.itemsize // 4
    letters = texts.view(np.uint32).reshape(len(texts), width).astype(np.uint64)
    hashes = np.zeros(len(texts), np.uint64)
    for position in range(width):
        letter = letters[:, position]
        # Shorter texts are padded with zeros, and a hash must not depend on the longest text beside it.
        hashes = np.where(letter == 0, hashes, mix(hashes ^ letter, position + 1))
    return hashes


def fingerprint(hashes: NDArray[np.uint64]) -> int:
    """What (n,) hashes add up to modulo 2^64, once mixed: the same in any order, and those of parts add up.

    It tells data sets apart that differ by accident. It is no defence against somebody who makes data to match.
    """
    return int(mix(hashes).sum(dtype=np.uint64))
