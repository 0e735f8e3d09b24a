"""Serialized examples through the job's side branch, without the rest of the job."""

import numpy as np

from privacy_component import PrivacyConfig
from privacy_component.beam.examples.read import BATCH_SIZE, RawBatch
from privacy_component.beam.examples.sketch_examples import SketchExamples
from privacy_component.beam.plan import Plan
from privacy_component.checks.example_sketch import ExampleSketch


def batches_of(members, non_members, size=BATCH_SIZE):
    """Raw batches of members, then of non-members."""
    sides = ((True, 'train', members), (False, 'eval', non_members))
    return [
        RawBatch(part, np.full(len(part), side), split, split)
        for side, split, records in sides
        for start in range(0, len(records), size)
        for part in [records[start : start + size]]
    ]


def sketch_batches(batches, **settings) -> ExampleSketch:
    """What one bundle of these batches gives."""
    do_fn = SketchExamples(Plan(PrivacyConfig(**settings), {}, (), ()))
    do_fn.setup()
    do_fn.start_bundle()
    for batch in batches:
        do_fn.process(batch)
    (sketch,) = (one.value for one in do_fn.finish_bundle())
    return sketch


def sketch_of(members, non_members, **settings) -> ExampleSketch:
    """The sketch of two lists of serialized examples."""
    return sketch_batches(batches_of(members, non_members), **settings)
