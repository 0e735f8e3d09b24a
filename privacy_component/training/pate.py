"""PATE: teachers on disjoint parts of the private data vote, with noise, on the labels of public examples."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from privacy_component.errors import PrivacyInputError
from privacy_component.hashing import hash_ids, mix
from privacy_component.training.dp_claim import DPClaim, claim_of_votes
from privacy_component.training.epoch_privacy import Examples, arrays_of
from privacy_component.training.reference_overlap import MOST_SHARED, hashes_of

Teacher = Callable[[Any], ArrayLike]


@dataclasses.dataclass(frozen=True, eq=False)
class PateLabels:
    """Labels for a student, and what they guarantee.

    Attributes:
      labels: (q,) class numbers, one for each query.
      claim: the epsilon of the private data, whatever a student makes of the labels.
    """

    labels: NDArray[np.int64]
    claim: DPClaim


def pate_labels(
    train: Callable[[Any, NDArray], Any],
    private: tuple[Any, ArrayLike],
    queries: Any,
    *,
    num_classes: int,
    num_teachers: int,
    noise: float,
    group_ids: ArrayLike | None = None,
    min_records: int = 50,
    delta: float | None = None,
    seed: int | None = None,
    beam_pipeline_args: Sequence[str] | None = None,
    temp_dir: str | None = None,
) -> PateLabels:
    """Trains teachers, one after the other or as a Beam job, and labels public examples by their noisy vote.

        found = pate_labels(train, (x, y), public, num_classes=10, num_teachers=100, noise=20.0)
        student.fit(public, found.labels)
        found.claim.save(folder)

    Only the student may be released. Its accuracy rises with the number of teachers that agree, against `noise`;
    epsilon grows with the number of queries, whatever the votes, so ask no more of them than the student needs.

    Args:
      train: (inputs, labels) of a part -> a fitted model with `predict`, or a function from inputs to outputs; these
        are (n,) class numbers or (n, num_classes) scores.
      private: (inputs, labels), what must not be given away; labels are class numbers.
      queries: public inputs, not of the private data.
      num_classes: of the labels.
      num_teachers: each learns from about 1 / num_teachers of the private data.
      noise: standard deviation of the Gaussian noise on each count of votes; above 0.
      group_ids: (n,) whose record it is: a person's records go to one teacher, and the claim is then of people.
      min_records: the fewest records that a teacher may learn from.
      delta: by default 1 / (2 * number of records, or of people).
      seed: of the noise, for tests: who knows it can take the noise away. By default it is drawn anew.
      beam_pipeline_args: options of a Beam job that trains one teacher an element, [] for Beam's own runner; `train` is
        then pickled. By default this process trains all.
      temp_dir: of the Beam job: a folder that all workers can reach. By default one of this machine, which is enough
        where all workers are on it. Votes without noise are there while the job runs.

    Raises:
      PrivacyInputError: an argument cannot be used, a teacher has too few records, or more than 1 % of the queries
        are private data (fewer can be alike by chance, and to leave these out would tell of the private data).

    Reference: Papernot et al. 2018, arXiv 1802.08908, section 4.1 (GNMax), with
    the exact epsilon of the Gaussian mechanism in place of the RDP bound.
    """
    examples = Examples.of('private', private)
    _check_numbers(examples.labels, num_classes, num_teachers, min_records)
    units = _units(examples, group_ids)
    part = (mix(units, 1) % np.uint64(num_teachers)).astype(np.int64)
    _check_parts(part, num_teachers, min_records)
    num_queries = _check_queries(queries, examples.inputs)
    claim = claim_of_votes(noise, num_queries, len(examples) if group_ids is None else len(np.unique(units)), delta)
    vote = functools.partial(_vote, train=train, queries=queries, shape=(num_queries, num_classes))
    parts = (_part_of(examples, np.flatnonzero(part == number)) for number in range(num_teachers))
    votes = _votes(vote, parts, (num_queries, num_classes), beam_pipeline_args, temp_dir)
    return PateLabels(noisy_winners(votes, noise, seed), claim)


def noisy_winners(votes: NDArray[np.int64], noise: float, seed: int | None = None) -> NDArray[np.int64]:
    """(q,) the class with the most votes after noise on each of the counts (q, classes)."""
    return np.argmax(votes + np.random.default_rng(seed).normal(0.0, noise, votes.shape), axis=1)


def _check_numbers(labels: NDArray, num_classes: int, num_teachers: int, min_records: int) -> None:
    for name, value, least in (
        ('num_classes', num_classes, 2),
        ('num_teachers', num_teachers, 2),
        ('min_records', min_records, 1),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise PrivacyInputError(f'{name} is {value!r}: give a whole number, {least} or more.')
    if labels.ndim != 1 or labels.dtype.kind not in 'iu' or labels.min() < 0 or labels.max() >= num_classes:
        raise PrivacyInputError(
            f'the private labels have shape {labels.shape} and type {labels.dtype}: give class numbers from 0 to '
            f'{num_classes - 1}, one for each record.'
        )


def _units(examples: Examples, group_ids: ArrayLike | None) -> NDArray[np.uint64]:
    """(n,) hashes that say which records stay together; whoever else is in the data moves nobody to another teacher."""
    if group_ids is None:
        return hashes_of(examples.inputs, examples.labels)
    ids = np.asarray(group_ids)
    if ids.shape != (len(examples),) or ids.dtype.kind not in 'iuU':
        raise PrivacyInputError(
            f'group_ids has shape {ids.shape} and type {ids.dtype}; one whole number or text for each of the '
            f'{len(examples)} records is needed.'
        )
    return hash_ids(ids)


def _check_parts(part: NDArray[np.int64], num_teachers: int, min_records: int) -> None:
    sizes = np.bincount(part, minlength=num_teachers)
    if sizes.min() < min_records:
        raise PrivacyInputError(
            f'a teacher would learn from {sizes.min()} records, and min_records is {min_records}: {len(part):,} '
            f'records are too few for {num_teachers} teachers. Take fewer teachers, or lower min_records.'
        )


def _check_queries(queries: Any, inputs: Any) -> int:
    """How many there are."""
    lengths = {len(array) for array in arrays_of(queries)}
    if len(lengths) != 1 or 0 in lengths:
        raise PrivacyInputError(f'queries have {sorted(lengths)} rows: give one or more, as many in each input.')
    (num_queries,) = lengths
    num_private = len(arrays_of(inputs)[0])
    known = hashes_of(inputs, np.zeros(num_private, np.int64))
    shared = int(np.isin(hashes_of(queries, np.zeros(num_queries, np.int64)), known).sum())
    if shared > MOST_SHARED * num_queries:
        raise PrivacyInputError(
            f'{shared:,} of {num_queries:,} queries are in the private data too: the student would be trained on them, '
            'which the claim does not cover. Take queries from public data; 1 % may be alike by chance.'
        )
    return num_queries


def _rows_of(inputs: Any, rows: NDArray[np.int64]) -> Any:
    if isinstance(inputs, dict):
        return {name: np.asarray(array)[rows] for name, array in inputs.items()}
    if isinstance(inputs, tuple | list):
        return [np.asarray(array)[rows] for array in inputs]
    return np.asarray(inputs)[rows]


def _part_of(examples: Examples, rows: NDArray[np.int64]) -> tuple[Any, NDArray]:
    return _rows_of(examples.inputs, rows), examples.labels[rows]


def _votes(
    vote: Callable[[tuple[Any, NDArray]], NDArray[np.int64]],
    parts: Iterator[tuple[Any, NDArray]],
    shape: tuple[int, int],
    beam_pipeline_args: Sequence[str] | None,
    temp_dir: str | None,
) -> NDArray[np.int64]:
    """(q, classes) how many teachers vote for each."""
    if beam_pipeline_args is not None:
        from privacy_component.training.teachers_job import votes_in_beam

        return votes_in_beam(vote, parts, shape, beam_pipeline_args, temp_dir)
    votes = np.zeros(shape, np.int64)
    for part in parts:
        votes[np.arange(shape[0]), vote(part)] += 1
    return votes


def _vote(part: tuple[Any, NDArray], train: Callable, queries: Any, shape: tuple[int, int]) -> NDArray[np.int64]:
    """(q,) what a teacher of this part votes for."""
    return _voted(train(*part), queries, *shape)


def _voted(teacher: Any, queries: Any, num_queries: int, num_classes: int) -> NDArray[np.int64]:
    """(q,) the class that a teacher votes for."""
    if hasattr(teacher, 'layers'):
        given = np.asarray(teacher.predict(queries, verbose=0))
    elif hasattr(teacher, 'predict') or callable(teacher):
        given = np.asarray(teacher.predict(queries) if hasattr(teacher, 'predict') else teacher(queries))
    else:
        raise PrivacyInputError(
            f'train returned a {type(teacher).__name__}: return a fitted model with predict, or a function.'
        )
    if given.shape == (num_queries, num_classes) and np.isfinite(given).all():
        return given.argmax(axis=1)
    is_class = given.shape == (num_queries,) and given.dtype.kind in 'iu'
    if not is_class or given.min() < 0 or given.max() >= num_classes:
        raise PrivacyInputError(
            f'a teacher answered with shape {given.shape} and type {given.dtype}: class numbers ({num_queries},) below '
            f'{num_classes}, or finite scores ({num_queries}, {num_classes}) are needed.'
        )
    return given.astype(np.int64)
