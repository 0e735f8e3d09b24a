"""How counts and everything else that travels beside them add up: the one CombineFn of the job."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence

import apache_beam as beam

from privacy_component.metrics.counts.mergeable import Mergeable

PARTS_KEPT = 8


class Merge(beam.CombineFn):
    """Parts of one kind, merged; associative, commutative, exact. `max_keys` bounds the distinct scores."""

    def __init__(self, max_keys: int):
        self._max_keys = max_keys

    def create_accumulator(self) -> list[Mergeable]:
        """Nothing yet."""
        return []

    def add_input(self, accumulator: list[Mergeable], part: Mergeable) -> list[Mergeable]:
        """Adds one part."""
        parts = [*accumulator, part]
        return parts if len(parts) < PARTS_KEPT else self.compact(parts)

    def merge_accumulators(self, accumulators: Iterable[list[Mergeable]]) -> list[Mergeable]:
        """Adds all parts, a few at a time: every bundle has one for each key, and one can fill megabytes."""
        parts = itertools.chain.from_iterable(accumulators)
        return self.compact(functools.reduce(self.add_input, parts, self.create_accumulator()))

    def compact(self, accumulator: list[Mergeable]) -> list[Mergeable]:
        """One part in the place of many."""
        return [self.extract_output(accumulator)] if accumulator else []

    def extract_output(self, accumulator: list[Mergeable]) -> Mergeable:
        """The total."""
        return merged(accumulator).bounded_to(self._max_keys)


def merged(parts: Sequence[Mergeable]) -> Mergeable:
    """All parts together; there is at least one."""
    return parts[0].merge(*parts[1:])
