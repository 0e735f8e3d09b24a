"""How counts and everything else that travels beside them add up: the one CombineFn of the job."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import apache_beam as beam

from privacy_component.beam.scores.two_models import add, bounded
from privacy_component.checks.example_sketch import ExampleSketch, merge_sketches
from privacy_component.checks.output_summary import Answers, merge_answers

PARTS_KEPT = 8


class Merge(beam.CombineFn):
    """Counts, totals or weights, added up; associative, commutative, exact. `max_keys` bounds the distinct scores."""

    def __init__(self, max_keys: int):
        self._max_keys = max_keys

    def create_accumulator(self) -> list[Any]:
        """Nothing yet."""
        return []

    def add_input(self, accumulator: list[Any], part: Any) -> list[Any]:
        """Adds one part."""
        parts = [*accumulator, part]
        return parts if len(parts) < PARTS_KEPT else self.compact(parts)

    def merge_accumulators(self, accumulators: Iterable[list[Any]]) -> list[Any]:
        """Adds all parts, a few at a time: every bundle has one for each key, and one can fill megabytes."""
        parts = itertools.chain.from_iterable(accumulators)
        return self.compact(functools.reduce(self.add_input, parts, self.create_accumulator()))

    def compact(self, accumulator: list[Any]) -> list[Any]:
        """One part in the place of many."""
        return [self._bounded(merged(accumulator))] if accumulator else []

    def extract_output(self, accumulator: list[Any]) -> Any:
        """The total."""
        return self._bounded(merged(accumulator))

    def _bounded(self, part: Any) -> Any:
        if not isinstance(part, tuple):
            return part
        return tuple(bounded(fold, self._max_keys) for fold in part)


def merged(parts: Sequence[Any]) -> Any:
    """The sum of totals, weights, answers or sketches, or of the counts of each fold."""
    if isinstance(parts[0], Answers):
        return merge_answers(parts)
    if isinstance(parts[0], ExampleSketch):
        return merge_sketches(parts)
    if not isinstance(parts[0], tuple):
        return functools.reduce(type(parts[0]).merge, parts)
    return tuple(add(fold) for fold in zip(*parts, strict=True))
