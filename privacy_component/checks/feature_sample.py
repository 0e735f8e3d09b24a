"""A bounded sample of examples' features as numbers and categories, by hash: what the blind baseline learns from."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from privacy_component.checks.sketches import NO_LIMIT, below
from privacy_component.hashing import hash_ids, mix

MOST_INPUTS = 200
MOST_PER_SIDE = 5_000
# Position p is looked at with a chance of _MANY_POSITIONS / p: so the MOST_INPUTS smallest hashes of a list of whatever
# length are looked at, all but surely, and yet no more positions than the logarithm of the longest list times as many.
_MANY_POSITIONS = 270

_ARRAYS = ('hashes', 'is_member', 'units', 'lacks_unit')
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
class Entries:
    """The known inputs of some examples, at most MOST_INPUTS of each, whatever others stand beside it.

    Examples are dropped from a sample as others with smaller hashes are met. If inputs were chosen for several examples
    together, those that are dropped would have a say in what is known of the others, and the order would show.

    Attributes:
      names: of the inputs.
      rows: (m,) int32, which example.
      codes: (m,) int32, which of the names.
      values: (m,) float64; the hash of a category as a number.
    """

    names: tuple[Input, ...]
    rows: NDArray[np.int32]
    codes: NDArray[np.int32]
    values: NDArray[np.float64]

    @classmethod
    def of(cls, columns: Mapping[Input, Callable[[], NDArray[np.float64]]], num_rows: int) -> Entries:
        """Of functions that give an input's (n,) numbers, NaN where there is no value; called only if needed."""
        left = np.full(num_rows, MOST_INPUTS)
        names, rows, values = [], [np.zeros(0, np.int64)], [np.zeros(0)]
        for name in sorted(columns, key=_rank):
            if not left.any():
                break
            column = columns[name]()
            known = np.flatnonzero(~np.isnan(column) & (left > 0))
            left[known] -= 1
            names.append(name)
            rows.append(known)
            values.append(column[known])
        codes = np.repeat(np.arange(len(names), dtype=np.int32), [len(known) for known in rows[1:]])
        return cls(tuple(names), np.concatenate(rows).astype(np.int32), codes, np.concatenate(values))

    def select(self, rows: NDArray, num_rows: int) -> Entries:
        """Those of the examples at `rows`, a mask (n,) or distinct positions (k,), of `num_rows` examples."""
        chosen = np.arange(num_rows)[rows]
        moved = np.full(num_rows, -1, np.int32)
        moved[chosen] = np.arange(len(chosen), dtype=np.int32)
        kept = np.flatnonzero(moved[self.rows] >= 0)
        codes = self.codes[kept]
        is_used = np.bincount(codes, minlength=len(self.names)) > 0
        names = tuple(name for name, used in zip(self.names, is_used, strict=True) if used)
        renumbered = (np.cumsum(is_used) - 1).astype(np.int32)
        return Entries(names, moved[self.rows[kept]], renumbered[codes], self.values[kept])

    def columns(self, num_rows: int) -> dict[Input, NDArray[np.float64]]:
        """Input -> (n,) numbers, NaN where there is no value: at most MOST_INPUTS, sorted by name.

        The first value of each feature comes before anything else, then what most examples have, then a hash decides.
        """
        times = dict(zip(self.names, np.bincount(self.codes, minlength=len(self.names)).tolist(), strict=True))
        known = [name for name in self.names if times[name]]
        wanted = sorted(sorted(known, key=lambda one: (not _is_first(one), -times[one], _rank(one)))[:MOST_INPUTS])
        row_of = {name: i for i, name in enumerate(wanted)}
        place = np.array([row_of.get(name, -1) for name in self.names], np.int64)[self.codes]
        inside = np.flatnonzero(place >= 0)
        table = np.full((len(wanted), num_rows), np.nan)
        table[place[inside], self.rows[inside]] = self.values[inside]
        return dict(zip(wanted, table, strict=True))


def merge_entries(parts: Sequence[Entries], sizes: Sequence[int]) -> Entries:
    """Those of consecutive examples together; `sizes` are the parts' numbers of examples."""
    number: dict[Input, int] = {}
    codes = [np.array([number.setdefault(name, len(number)) for name in part.names], np.int32) for part in parts]
    starts = (np.cumsum(sizes) - np.asarray(sizes)).astype(np.int32)
    return Entries(
        names=tuple(number),
        rows=np.concatenate([part.rows + start for part, start in zip(parts, starts, strict=True)]),
        codes=np.concatenate([new[part.codes] for part, new in zip(parts, codes, strict=True)]),
        values=np.concatenate([part.values for part in parts]),
    )


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureSample:
    """Of each side, the distinct examples with the smallest hashes.

    Attributes:
      hashes: (n,) uint64, of the examples; ascending, at most one for each side.
      is_member: (n,) bool, the side.
      units: (n,) uint64, whose example it is; the hash itself without groups.
      lacks_unit: (n,) bool, whether groups were asked for, and the example does not tell its own.
      entries: the known inputs of the n examples.
      limits: every example of the non-members, and of the members, with a hash below it is in the sample.
    """

    hashes: NDArray[np.uint64]
    is_member: NDArray[np.bool_]
    units: NDArray[np.uint64]
    lacks_unit: NDArray[np.bool_]
    entries: Entries
    limits: tuple[int, int] = (NO_LIMIT, NO_LIMIT)

    @classmethod
    def of(
        cls,
        hashes: NDArray[np.uint64],
        is_member: NDArray[np.bool_],
        units: NDArray[np.uint64],
        columns: Mapping[Input, NDArray[np.float64]],
        limits: tuple[int, int] = (NO_LIMIT, NO_LIMIT),
    ) -> FeatureSample:
        """Of columns of numbers, and with a unit for each example."""
        entries = Entries.of({k: functools.partial(np.asarray, v) for k, v in columns.items()}, len(hashes))
        return cls(hashes, is_member, units, np.zeros(len(hashes), bool), entries, limits)

    def __len__(self) -> int:
        return len(self.hashes)

    def select(self, rows: NDArray) -> FeatureSample:
        """The examples at `rows`, a mask (n,) or positions (k,)."""
        arrays = {field: getattr(self, field)[rows] for field in _ARRAYS}
        return dataclasses.replace(self, **arrays, entries=self.entries.select(rows, len(self)))

    def columns(self) -> dict[Input, NDArray[np.float64]]:
        """Input -> (n,) numbers, NaN where there is no value; what none of the examples has is none of them."""
        return self.entries.columns(len(self))


def bounded_sample(sample: FeatureSample, most: int = MOST_PER_SIDE) -> FeatureSample:
    """At most `most` distinct examples of each side; the same ones for every partition and order."""
    order = np.lexsort((sample.is_member, sample.hashes))
    hashes, sides = sample.hashes[order], sample.is_member[order]
    is_repeated = np.concatenate([[False], (hashes[1:] == hashes[:-1]) & (sides[1:] == sides[:-1])])[: len(order)]
    kept, limits = [], []
    for side, limit in zip((False, True), sample.limits, strict=True):
        rows = np.flatnonzero((sides == side) & ~is_repeated & below(hashes, limit))
        limits.append(int(hashes[rows[most]]) if len(rows) > most else limit)
        kept.append(rows[:most])
    chosen = sample.select(order[np.sort(np.concatenate(kept))])
    return dataclasses.replace(chosen, limits=(limits[0], limits[1]))


def merge_samples(parts: Sequence[FeatureSample], most: int = MOST_PER_SIDE) -> FeatureSample:
    """The sample of all parts together."""
    arrays = {field: np.concatenate([getattr(part, field) for part in parts]) for field in _ARRAYS}
    entries = merge_entries([part.entries for part in parts], [len(part) for part in parts])
    limits = tuple(min(part.limits[side] for part in parts) for side in (0, 1))
    return bounded_sample(FeatureSample(**arrays, entries=entries, limits=(limits[0], limits[1])), most)


@functools.lru_cache(maxsize=2048)
def wanted_positions(feature: str, part: str, width: int) -> NDArray[np.int64]:
    """The positions below `width` at which a value can be an input: a fixed set, of which a longer list has more."""
    positions = np.arange(width, dtype=np.uint64)
    hashes = mix(positions + _name_hash(feature, part))
    return np.flatnonzero(hashes.astype(np.float64) / 2**64 * positions <= _MANY_POSITIONS)


def _rank(one: Input) -> tuple[bool, int, Input]:
    """The order in which inputs are wanted: the first value of each feature, then by a hash of the name."""
    return not _is_first(one), _priority(one), one


def _is_first(one: Input) -> bool:
    return one.part in (VALUE, CATEGORY) and one.position == 0


@functools.lru_cache(maxsize=1 << 16)
def _priority(one: Input) -> int:
    return int(mix(np.array([one.position], np.uint64) + _name_hash(one.feature, one.part))[0])


@functools.lru_cache(maxsize=4096)
def _name_hash(feature: str, part: str) -> np.uint64:
    return hash_ids(np.array([f'{part} {feature}']))[0]
