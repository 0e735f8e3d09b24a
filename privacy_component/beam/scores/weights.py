"""Sums of example weights, slice by slice: what TFMA shows as the weighted example count. They change no figure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from privacy_component.beam.models.batch import Batch
from privacy_component.metrics.counts import fixed_point
from privacy_component.metrics.counts.mergeable import Mergeable
from privacy_component.observations.slicing import SliceKey, SliceRows


@dataclasses.dataclass(frozen=True)
class WeightSums(Mergeable):
    """The weights of a slice's examples, added up; exact, in the units of `fixed_point`.

    Attributes:
      members, non_members: the sums.
    """

    members: int
    non_members: int

    def merge(self, *others: WeightSums) -> WeightSums:
        """The sums of all parts together."""
        parts = (self, *others)
        return WeightSums(sum(part.members for part in parts), sum(part.non_members for part in parts))

    def as_floats(self) -> dict[str, float]:
        """The sums as numbers, by side."""
        return {side: fixed_point.from_units(units) for side, units in dataclasses.asdict(self).items()}


def weigh(batch: Batch, slices: Sequence[SliceRows]) -> Iterator[tuple[SliceKey, WeightSums]]:
    """The sums of every slice of a batch; none where the examples have no weights."""
    if batch.weights is None:
        return
    terms = fixed_point.digits(batch.weights)
    for sliced in slices:
        rows, num_slices = sliced.rows, len(sliced.keys)
        codes = sliced.codes + num_slices * batch.is_member[rows].astype(int)
        sums = fixed_point.exact_sums(terms[rows], codes, 2 * num_slices)
        yield from zip(sliced.keys, map(WeightSums, sums[num_slices:], sums[:num_slices]), strict=True)
