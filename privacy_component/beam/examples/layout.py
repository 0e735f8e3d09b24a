"""How the examples are cut into batches: settled from the files alone, before the job.

Every call of a model has one shape, so what a batch lacks is padding, which costs as much as examples do. Small splits
get a smaller shape, and small files are read one after the other into the same batches. All splits get one shape: if
those of members and of non-members differed, so would the last bits of their outputs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import tensorflow as tf

from privacy_component.beam.examples.read import BATCH_SIZE, read_records
from privacy_component.beam.plan import Plan, SplitFiles

_SMALLEST_BATCH = 16
_STEPS = 32  # from zero to a power of two; few enough that a few examples more or less seldom change a shape
_GZIP_RATIO = 4  # a guess; it decides no more than how many files are read by one worker
_BATCHES_TOGETHER = 16  # so that the padding of a last batch is at most a sixteenth of what is read


def laid_out(plan: Plan) -> Plan:
    """The plan with the size of its batches, and the files of each split in groups that are read one after the other.

    Raises:
      PrivacyInputError: one of the first files cannot be read.
    """
    wanted = plan.config.measurement.batch_size
    most = wanted or BATCH_SIZE
    seen = [_first_records(split, plan.compression, most) for split in plan.splits]
    size = wanted or _shape_for(min(max(num for num, _ in seen), BATCH_SIZE))
    splits = tuple(
        dataclasses.replace(split, groups=tuple(_grouped(split.paths, _BATCHES_TOGETHER * size * num_bytes)))
        for split, (_, num_bytes) in zip(plan.splits, seen, strict=True)
    )
    return dataclasses.replace(plan, splits=splits, batch_size=size)


def _first_records(split: SplitFiles, compression: str, most: int) -> tuple[int, float]:
    """How many records a split has, if fewer than `most`, and about how many bytes of a file one of them takes."""
    num_records = num_bytes = 0
    for path in split.paths:
        for records in read_records(path, compression, most):
            num_records += len(records)
            num_bytes += sum(map(len, records))
            if num_records >= most:
                return most, _in_file(num_bytes / num_records, compression)
    return num_records, _in_file(num_bytes / max(num_records, 1), compression)


def _in_file(num_bytes: float, compression: str) -> float:
    return num_bytes / (_GZIP_RATIO if compression else 1)


def _size(path: str) -> int:
    return tf.io.gfile.stat(path).length


def _grouped(paths: Sequence[str], enough: float) -> Iterator[tuple[str, ...]]:
    """Neighbouring files together until they have enough bytes."""
    group: list[str] = []
    num_bytes = 0
    for path in paths:
        group.append(path)
        num_bytes += _size(path)
        if num_bytes >= enough:
            yield tuple(group)
            group, num_bytes = [], 0
    if group:
        yield tuple(group)


def _shape_for(number: int) -> int:
    """The smallest batch that holds so many, in steps of a sixteenth: what fills it up costs as much."""
    step = max((1 << (number - 1).bit_length()) // _STEPS, 1)
    return max(_SMALLEST_BATCH, -(-number // step) * step)
