"""Noisy copies of serialized examples, for an attacker who sees labels and nothing else.

The amount of noise is fixed and depends on the inputs alone: one that is tuned on the examples that are attacked would
find a "leak" of its own making. It was chosen on scikit-learn's digits; see docs/attacks.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from tensorflow.core.example import example_pb2

from privacy_component.beam.examples.float_values import FloatValues
from privacy_component.beam.examples.record_hashes import example_hashes
from privacy_component.beam.plan import FeatureRange, InputNoise
from privacy_component.errors import PrivacyInputError
from privacy_component.hashing import hash_ids, mix

SCALE = 0.1  # of the noise, in standard deviations of the feature's values
DROPPED = 0.1  # of a feature's values, how many become its median

_TAILS = (1, 99)  # percentiles; what lies beyond says nothing of the usual spread
_WHERE = 7  # a seed of its own
_VALUES = 1 << 16  # of sixteen bits
_LOW, _SHIFT = np.uint64(_VALUES - 1), np.uint64(16)


def input_noise(
    samples: Iterable[Sequence[bytes]], left_alone: Iterable[str], num_copies: int, seed: int
) -> InputNoise:
    """The noise that suits the inputs, by the first examples of every split.

    Args:
      samples: serialized examples of each split.
      left_alone: features that say what an example's label, weight or group is.
      num_copies: how many of each example are asked about.
      seed: of the noise.

    Raises:
      PrivacyInputError: no feature has floats that differ, so there is nothing to add noise to.
    """
    records = [record for sample in samples for record in sample]
    names = sorted(_float_features(records) - set(left_alone))
    found = FloatValues.of(records, names)
    ranges = [_range(name, found.values[found.feature == place]) for place, name in enumerate(names)]
    kept = tuple(one for one in ranges if one is not None)
    if not kept:
        raise PrivacyInputError(
            "the attack 'label_stability' adds noise to features of floats, and in the first examples there is none "
            'whose values differ, besides label, weight and group; text and whole numbers, which may be ids, are left '
            'as they are. Leave the attack out of PrivacyConfig.attacks, or train on examples with floats.'
        )
    return InputNoise(kept, num_copies, seed)


def noisy_copies(records: Sequence[bytes], noise: InputNoise) -> Iterator[list[bytes]]:
    """`num_copies` times the n examples, each time with other noise; the same for an example in any batch.

    To each float value is added noise of `SCALE` standard deviations of its feature, or else the value becomes the
    feature's median, which happens to one in ten. Values leave the range that the feature has in the first examples
    only if they were outside before. NaN stays.
    """
    found = FloatValues.of(records, [one.name for one in noise.features])
    spread, low, high, median = (
        np.array([getattr(one, field) for one in noise.features], np.float32)[found.feature]
        for field in ('spread', 'low', 'high', 'median')
    )
    spread *= np.float32(SCALE)
    low, high = np.minimum(low, found.values), np.maximum(high, found.values)
    is_missing = np.isnan(found.values)
    where = _where(example_hashes(records)[0], found, noise)
    for copy in range(noise.num_copies):
        bits = mix(where, copy)
        values = np.clip(found.values + spread * _nearly_normal(bits), low, high)
        yield found.replaced(np.where(_is_dropped(bits) & ~is_missing, median, values))


def _float_features(records: Iterable[bytes]) -> set[str]:
    features = [example_pb2.Example.FromString(record).features.feature for record in records]
    return {name for one in features for name in one if one[name].WhichOneof('kind') == 'float_list'}


def _range(name: str, values: NDArray[np.float32]) -> FeatureRange | None:
    values = values[np.isfinite(values)].astype(np.float64)
    if not len(values):
        return None
    spread = float(np.clip(values, *np.percentile(values, _TAILS)).std()) or float(values.std())
    return (
        FeatureRange(name, spread, float(values.min()), float(values.max()), float(np.median(values)))
        if spread
        else None
    )


def _where(example_id: NDArray[np.uint64], found: FloatValues, noise: InputNoise) -> NDArray[np.uint64]:
    """(v,) a number for each value of each example, which no other has."""
    names = np.array([_hash_of(one.name) for one in noise.features], np.uint64)
    of_values = mix(names[found.feature] + found.place.astype(np.uint64), _WHERE)
    return mix(mix(example_id, noise.seed)[found.row] ^ of_values)


def _hash_of(name: str) -> int:
    (hashed,) = hash_ids(np.array([name])).tolist()
    return int(hashed)


def _nearly_normal(bits: NDArray[np.uint64]) -> NDArray[np.float32]:
    """(v,) mean 0 and variance 1: the sum of three uniform numbers, which is the same bits on every machine."""
    total = (bits & _LOW) + (bits >> _SHIFT & _LOW) + (bits >> np.uint64(32) & _LOW)
    centred = total.astype(np.float32) - np.float32(1.5 * (_VALUES - 1))
    return centred * np.float32(1 / np.sqrt(3 * (_VALUES**2 - 1) / 12))


def _is_dropped(bits: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """(v,) by the bits that `_nearly_normal` leaves."""
    return bits >> np.uint64(48) < np.uint64(int(DROPPED * _VALUES))
