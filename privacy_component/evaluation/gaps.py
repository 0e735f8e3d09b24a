"""How differently a model answers members and non-members, by confidence and by uncertainty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from privacy_component.config.moved_fields import regrouped
from privacy_component.evaluation.record import Record
from privacy_component.metrics.score_histogram import GapCurve, gap_curve
from privacy_component.metrics.slice_result import SliceResult
from privacy_component.observations.observations import MULTILABEL

CONFIDENCE = 'confidence_threshold'
ENTROPY = 'entropy_threshold'
OF_GAPS = (CONFIDENCE, ENTROPY)


def gap_of(result: SliceResult, record: Record) -> GapCurve | None:
    """The gap on a slice, where one of the two attacks that score by it ran; None elsewhere.

    Source: Nasr, Shokri and Houmansadr 2018, arXiv 1807.05852, section 5.3.
    """
    largest = {CONFIDENCE: 1.0, ENTROPY: -_largest_entropy(record)}.get(result.attack)
    if not largest or result.histogram is None or result.curve is None:
        return None
    return gap_curve(result.histogram, result.curve.two_sided_advantage, largest)


def gap_rows(results: Iterable[SliceResult], record: Record) -> Iterator[dict[str, Any]]:
    """What privacy_metrics.json says of gaps: their largest and mean height, by slice."""
    for result in results:
        gap = gap_of(result, record)
        if gap is not None:
            heights = {'max_gap': gap.max_gap, 'mean_gap': gap.mean_gap}
            yield {'slice': result.slice, 'of': result.attack.removesuffix('_threshold'), **heights}


def _largest_entropy(record: Record) -> float:
    """In nats; 0 where it is not known how many classes there are."""
    if record.output_evidence is None:
        return 0.0
    outputs = record.output_evidence.num_outputs
    settings = regrouped(record.config or {}).get('outputs')
    task = record.task or (settings.get('task') if isinstance(settings, Mapping) else None)
    return outputs * float(np.log(2)) if task == MULTILABEL else float(np.log(max(outputs, 2)))
