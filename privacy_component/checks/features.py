"""A bounded sample of examples' features as numbers and categories, by hash: what the blind baseline learns from."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from privacy_component.checks.distinct import NO_LIMIT, below
from privacy_component.hashing import hash_ids, mix

MOST_INPUTS = 200
MOST_PER_SIDE = 5_000

VALUE, CATEGORY, MEAN, COUNT, LENGTH = 'value', 'category', 'mean', 'count', 'length'


class Input(NamedTuple):
    """One column of numbers made of a feature.

    Attributes:
      feature: its name.
      part: 'value' or 'category' at a position, or the 'mean', 'count' or 'length' of the values.
      position: of the value in the example's list.
    """

    feature: str
    part: str
    position: int = 0


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureSample:
    """Of each side, the distinct examples with the smallest hashes.

    Attributes:
      hashes: (n,) uint64, of the examples; ascending, at most one for each side.
      is_member: (n,) bool, the side.
      units: (n,) uint64, whose example it is; the hash itself without groups.
      inputs: name -> (n,) float64, NaN where there is no value; the hash of a category as a number.
      limits: every example of the non-members, and of the members, with a hash below it is in the sample.
    """

    hashes: NDArray[np.uint64]
    is_member: NDArray[np.bool_]
    units: NDArray[np.uint64]
    inputs: Mapping[Input, NDArray[np.float64]]
    limits: tuple[int, int] = (NO_LIMIT, NO_LIMIT)

    def __len__(self) -> int:
        return len(self.hashes)

    def select(self, rows: NDArray) -> FeatureSample:
        """The examples at `rows`, a mask (n,) or positions (k,)."""
        inputs = {name: values[rows] for name, values in self.inputs.items()}
        return dataclasses.replace(
            self, hashes=self.hashes[rows], is_member=self.is_member[rows], units=self.units[rows], inputs=inputs
        )


def bounded_sample(sample: FeatureSample, most: int = MOST_PER_SIDE) -> FeatureSample:
    """At most `most` distinct examples of each side, and MOST_INPUTS inputs; the same for every partition and order."""
    order = np.lexsort((sample.is_member, sample.hashes))
    hashes, sides = sample.hashes[order], sample.is_member[order]
    is_repeated = np.concatenate([[False], (hashes[1:] == hashes[:-1]) & (sides[1:] == sides[:-1])])[: len(order)]
    kept, limits = [], []
    for side, limit in zip((False, True), sample.limits, strict=True):
        rows = np.flatnonzero((sides == side) & ~is_repeated & below(hashes, limit))
        limits.append(int(hashes[rows[most]]) if len(rows) > most else limit)
        kept.append(rows[:most])
    chosen = sample.select(order[np.sort(np.concatenate(kept))])
    inputs = {name: chosen.inputs[name] for name in most_wanted(list(chosen.inputs))}
    return dataclasses.replace(chosen, inputs=inputs, limits=(limits[0], limits[1]))


def merge_samples(parts: Sequence[FeatureSample], most: int = MOST_PER_SIDE) -> FeatureSample:
    """The sample of all parts together; an input that a part lacks is NaN there."""
    names = most_wanted(list({name: None for part in parts for name in part.inputs}))
    nothing = [np.full(len(part), np.nan) for part in parts]
    inputs = {
        name: np.concatenate([part.inputs.get(name, nothing[i]) for i, part in enumerate(parts)]) for name in names
    }
    arrays = {
        field: np.concatenate([getattr(part, field) for part in parts]) for field in ('hashes', 'is_member', 'units')
    }
    limits = tuple(min(part.limits[side] for part in parts) for side in (0, 1))
    return bounded_sample(FeatureSample(**arrays, inputs=inputs, limits=(limits[0], limits[1])), most)


def most_wanted(inputs: Sequence[Input]) -> list[Input]:
    """At most MOST_INPUTS, sorted: the first value of each feature before anything else, then by a hash of the name."""
    ranked = sorted(inputs, key=lambda one: (not _is_first(one), _priority(one), one))
    return sorted(ranked[:MOST_INPUTS])


@functools.lru_cache(maxsize=4096)
def wanted_positions(feature: str, part: str, width: int) -> tuple[int, ...]:
    """The positions below `width` of a feature's values that can be among the inputs, however many values it has."""
    positions = np.arange(1, width, dtype=np.uint64)
    order = np.argsort(mix(positions + _name_hash(feature, part)), kind='stable')[: MOST_INPUTS - 1]
    return (0, *sorted((order + 1).tolist()))


def _is_first(one: Input) -> bool:
    return one.part in (VALUE, CATEGORY) and one.position == 0


@functools.lru_cache(maxsize=1 << 16)
def _priority(one: Input) -> int:
    return int(mix(np.array([one.position], np.uint64) + _name_hash(one.feature, one.part))[0])


@functools.lru_cache(maxsize=4096)
def _name_hash(feature: str, part: str) -> np.uint64:
    return hash_ids(np.array([f'{part} {feature}']))[0]
