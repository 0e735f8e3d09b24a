"""The jobs of an audit: where canaries are found in the splits, and what the model says of them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
from apache_beam.io.filesystems import FileSystems
from numpy.typing import NDArray

from privacy_component.beam.examples.read import RawBatch, read_batches, read_files
from privacy_component.beam.job import observe
from privacy_component.beam.models.batch import Batch
from privacy_component.beam.models.totals import observations_of
from privacy_component.beam.plan import Plan, SplitFiles
from privacy_component.config.canary_config import MOST_CANARIES
from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.canary_audit import CANARY_SCORES, check_coins
from privacy_component.observations.needs import SNAPSHOT_ALIGNMENT
from privacy_component.observations.observations import MULTICLASS
from privacy_component.observations.signals import compute

_ALL = -1  # in the place of an id: all examples of the split


@dataclasses.dataclass(frozen=True)
class Canaries:
    """The canaries of an audit.

    Attributes:
      splits: the files of those that are in, as members, and of those that are not.
      is_in: id -> whether the coin put it into the training data.
    """

    splits: tuple[SplitFiles, SplitFiles]
    is_in: Mapping[int, bool]


class Scored(NamedTuple):
    """What the model says of m canaries, in the order of their ids, which knows nothing of the coins.

    Attributes:
      scores: (m,) each, higher = more likely in the training data. LOSS: of a classifier the scaled logit of the label,
        which goes down with the loss and has no largest value; else the negative loss. ALIGNMENT, with snapshots: the
        sum over them of the step of training along the canary's own gradient.
      is_in: (m,) bool.
      labels: (m,) of a classifier; else all 0.
    """

    scores: Mapping[str, np.ndarray]
    is_in: np.ndarray
    labels: np.ndarray


def read_canaries(splits: tuple[SplitFiles, SplitFiles], compression: str) -> Canaries:
    """The canaries of both sides, by their hashes.

    Raises:
      PrivacyInputError: one is there twice, there are too many, or their coins are not fair.
    """
    is_in: dict[int, bool] = {}
    for split in splits:
        for batch in read_files(split.paths, split.split, split.is_member, compression):
            for example_id in batch.example_id.tolist():
                if example_id in is_in:
                    raise PrivacyInputError(
                        f"a canary of the split '{split.split}' is there twice, or in '{splits[0].split}' too: each "
                        'has one coin. Run CanaryInjector again.'
                    )
                is_in[example_id] = split.is_member
            if len(is_in) > MOST_CANARIES:
                raise PrivacyInputError(
                    f"the splits '{splits[0].split}' and '{splits[1].split}' hold more than {MOST_CANARIES:,} "
                    'examples: these are no canaries. Give the examples that CanaryInjector wrote.'
                )
    if not is_in:
        raise PrivacyInputError(
            f"the splits '{splits[0].split}' and '{splits[1].split}' hold no canary: run CanaryInjector again."
        )
    check_coins(np.array(list(is_in.values()), bool))
    return Canaries(splits, is_in)


def build_sightings(root: beam.Pipeline, plan: Plan, is_in: Mapping[int, bool], path: str) -> None:
    """Adds to a pipeline: how often each canary is in each split, as JSON in the file `path`."""
    _ = (
        read_batches(root, plan)
        | 'FindCanaries' >> beam.FlatMap(_sightings, np.array(sorted(is_in), np.uint64))
        | 'CountCanaries' >> beam.CombinePerKey(sum)
        | 'GatherCanaries' >> beam.combiners.ToList()
        | 'WriteCanaries' >> beam.Map(_write, path)
    )


def build_scores(root: beam.Pipeline, plan: Plan, canaries: Canaries, path: str) -> None:
    """Adds to a pipeline: what the model says of each canary, as JSON in the file `path`.

    Args:
      root: of the pipeline.
      plan: of the evaluation, with the kind of the outputs.
      canaries: what to ask about.
      path: where it goes.
    """
    asked = dataclasses.replace(
        plan,
        splits=canaries.splits,
        columns=(),
        references=None,
        snapshots=plan.audited_snapshots,
        canaries=frozenset(),
    )
    batches, _ = observe(read_batches(root, asked), asked)
    scored = batches | 'ScoreCanaries' >> beam.FlatMap(_scores, asked)
    _ = scored | 'GatherScores' >> beam.combiners.ToList() | 'WriteScores' >> beam.Map(_write, path)


def take_sightings(path: str, plan: Plan, canaries: Canaries) -> dict[str, int]:
    """The number of examples in each split, canaries among them, from what `build_sightings` left.

    Raises:
      PrivacyInputError: not every canary is once where its coin says, and nowhere else.
    """
    counts = {(split, example_id): number for (split, example_id), number in _take(path)}
    sides = {split.split: split.is_member for split in plan.splits}
    times: dict[int, int] = {}
    for (split, example_id), number in sorted(counts.items()):
        if example_id == _ALL:
            continue
        if not sides[split]:
            raise PrivacyInputError(
                f"a canary is in the split '{split}', whose examples are not trained on: canaries belong to the split "
                'that is. Give the examples that CanaryInjector wrote, and name the splits as they are.'
            )
        if not canaries.is_in[example_id]:
            raise PrivacyInputError(
                f"a canary of '{canaries.splits[1].split}' is in the split '{split}', which is trained on: its coin "
                'said out. Run CanaryInjector again.'
            )
        times[example_id] = times.get(example_id, 0) + number
    _check_all_there(times, sum(canaries.is_in.values()), ', '.join(name for name, side in sides.items() if side))
    return {split: number for (split, example_id), number in counts.items() if example_id == _ALL}


def _check_all_there(times: Mapping[int, int], num_in: int, where: str) -> None:
    if len(times) < num_in:
        raise PrivacyInputError(
            f"{num_in - len(times):,} of {num_in:,} canaries of 'canary_in' are not in the split that is trained on "
            f'({where}): either the model was trained on data without canaries, or a filter or Transform took them out '
            'or changed them. Give the examples that Trainer was given, and put CanaryInjector behind what filters.'
        )
    repeated = sum(number > 1 for number in times.values())
    if repeated:
        raise PrivacyInputError(
            f'{repeated:,} canaries are there more than once ({where}): the audit '
            'counts on each being one example. Run CanaryInjector again, behind what repeats examples.'
        )


def take_scores(path: str, canaries: Canaries) -> Scored:
    """What `build_scores` left, for all canaries.

    Raises:
      PrivacyInputError: some are missing.
    """
    rows = sorted(map(tuple, _take(path)))
    ids = [row[0] for row in rows]
    if ids != sorted(canaries.is_in):
        raise PrivacyInputError(
            f'{len(rows):,} of {len(canaries.is_in):,} canaries have a score: they were changed during the evaluation. '
            'Run it again.'
        )
    _, labels, *scores = zip(*rows, strict=True)
    by_name = {name: np.array(values) for name, values in zip(CANARY_SCORES, scores, strict=False)}
    return Scored(by_name, np.array([canaries.is_in[one] for one in ids]), np.array(labels))


def _sightings(batch: RawBatch, ids: NDArray[np.uint64]) -> Iterator[tuple[tuple[str, int], int]]:
    yield (batch.split, _ALL), len(batch.records)
    found = batch.example_id[np.isin(batch.example_id, ids)]
    for example_id in found.tolist():
        yield (batch.split, example_id), 1


def _scores(batch: Batch, plan: Plan) -> Iterator[tuple[int | float, ...]]:
    """(id, label, score by the loss, and by the alignment if there are snapshots) of each."""
    observations = observations_of(batch, plan)
    is_classifier = plan.task == MULTICLASS
    scores = compute('scaled_logit', observations) if is_classifier else -compute('loss', observations)
    labels = observations.labels if is_classifier else np.zeros(len(scores), np.int64)
    aligned = [batch.columns[SNAPSHOT_ALIGNMENT].sum(axis=1)] if SNAPSHOT_ALIGNMENT in batch.columns else []
    columns = (batch.example_id, labels.astype(np.int64), scores, *aligned)
    yield from zip(*(column.tolist() for column in columns), strict=True)


def _write(found: Sequence[Any], path: str) -> None:
    with FileSystems.create(path) as file:
        file.write(json.dumps(list(found)).encode('utf-8'))


def _take(path: str) -> Iterable[Any]:
    with FileSystems.open(path) as file:
        found: list[Any] = json.loads(file.read().decode('utf-8'))
    FileSystems.delete([path])
    return found
