"""Which reference model was trained on which example: a rule, so that nobody has to keep a list of ids."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privacy_component.hashing import mix

_STREAM = 0x5EED  # apart from the seeds of folds and samples, which are small


def halves(example_id: NDArray[np.uint64], num_models: int, seed: int = 0) -> NDArray[np.bool_]:
    """(n, num_models) True where the reference model is trained on the example.

    Models 2p and 2p + 1 are a pair: one bit of a hash of the example puts it into one or the other. So every example is
    in for exactly half of the models, and an example that stands in several splits is in for the same ones.

    Args:
      example_id: (n,) hashes; see `RawBatch.example_id`.
      num_models: even.
      seed: another one makes other halves.
    """
    hashes = mix(example_id, _STREAM + seed)
    is_in = np.empty((len(example_id), num_models), bool)
    for pair in range(num_models // 2):
        is_in[:, 2 * pair] = mix(hashes, pair) >> np.uint64(63) == 0
        is_in[:, 2 * pair + 1] = ~is_in[:, 2 * pair]
    return is_in
