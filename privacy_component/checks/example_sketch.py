"""What is kept of all examples to look for duplicates and differences: counts of hashes, and a sample of features."""

from __future__ import annotations

import dataclasses

from privacy_component.checks.blind_baseline import measure_blind
from privacy_component.checks.duplicates import measure_duplicates
from privacy_component.checks.evidence import BlindFigures, DuplicateFigures
from privacy_component.checks.feature_sample import FeatureSample, merge_samples
from privacy_component.checks.sketches import DistinctCounts, merge_counts
from privacy_component.metrics.counts.mergeable import Mergeable

# 12 MB; duplicates are counted exactly among so many distinct examples, and estimated above.
MOST_COUNTED = 1 << 19


@dataclasses.dataclass(frozen=True, eq=False)
class ExampleSketch(Mergeable):
    """Of a part of the examples.

    Attributes:
      counts: how often each distinct example stands on either side.
      sample: features of some; None if no classifier is wanted.
    """

    counts: DistinctCounts
    sample: FeatureSample | None

    def merge(self, *others: ExampleSketch) -> ExampleSketch:
        """The sketch of all parts together."""
        parts = (self, *others)
        samples = [part.sample for part in parts if part.sample is not None]
        return ExampleSketch(
            counts=merge_counts([part.counts for part in parts], MOST_COUNTED),
            sample=merge_samples(samples) if samples else None,
        )

    def figures(self, is_grouped: bool, seed: int) -> dict[str, DuplicateFigures | BlindFigures | str]:
        """The numbers that checks look at, by field of Evidence."""
        blind: BlindFigures | str = 'No sample of features was taken.'
        if self.sample is not None and self.sample.lacks_unit.any():
            lacking = int(self.sample.lacks_unit.sum())
            blind = (
                f'PrivacyConfig.people.group_key has no single value in {lacking:,} of the {len(self.sample):,} '
                "examples looked at, as they are read (without the schema's defaults), and a classifier that meets the "
                "same people on both sides of a fold would recognise them: leave 'blind_baseline' off, or give "
                'examples that hold it.'
            )
        elif self.sample is not None:
            blind = measure_blind(self.sample, self.counts, is_grouped, seed)
        return {'duplicates': measure_duplicates(self.counts), 'blind': blind}
