"""The attacks that are fitted: a bounded sample by hash, one fit per attack and fold, each a Beam element."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence

import apache_beam as beam
import numpy as np

from privacy_component.attacks import Attack, attack_named
from privacy_component.attacks.attack import check_needs
from privacy_component.attacks.crossfit import FEWEST_TO_LEARN_FROM, fold_numbers
from privacy_component.beam.models.totals import observations_of
from privacy_component.beam.plan import Plan
from privacy_component.beam.scores.count_scores import FittedAttacks
from privacy_component.errors import PrivacyInputError
from privacy_component.hashing import mix
from privacy_component.observations.needs import CANDIDATE
from privacy_component.observations.observations import Observations, concatenate

# Of each side and fold; more would not make attackers better, but the sample has to fit into one worker.
_SAMPLED_PER_SIDE_AND_FOLD = 20_000


def draw_sample(
    batches: beam.PCollection, plan: Plan, role: str = CANDIDATE, /, **totals: beam.pvalue.AsSingleton
) -> beam.pvalue.AsSingleton:
    """A bounded sample of all observations, the same in every run, as the model of a role sees them."""
    of = _step(role)
    observations = batches | f'AsObservations{of}' >> beam.Map(observations_of, plan, role=role, **totals)
    return beam.pvalue.AsSingleton(
        observations | f'Sample{of}' >> beam.CombineGlobally(SmallestHashes(plan)).without_defaults()
    )


def fit_attacks(
    root: beam.Pipeline, sample: beam.pvalue.AsSingleton, plan: Plan, attacks: Sequence[str], role: str = CANDIDATE
) -> beam.pvalue.AsSingleton:
    """{attack: fitted attack of each fold}; the model's role tells steps for several models apart."""
    of = _step(role)
    folds = plan.config.measurement.folds
    work = [(attack, number) for attack in attacks for number in range(folds if attack_named(attack).learns else 1)]
    fitted = (
        root
        | f'AttacksAndFolds{of}' >> beam.Create(work)
        | f'SpreadFits{of}' >> beam.Reshuffle()
        | f'Fit{of}' >> beam.Map(fit_one, sample, plan)
        | f'GatherFits{of}' >> beam.combiners.ToList()
        | f'ByAttack{of}' >> beam.Map(_by_attack)
    )
    return beam.pvalue.AsSingleton(fitted)


class SmallestHashes(beam.CombineFn):
    """Observations -> at most _SAMPLED_PER_SIDE_AND_FOLD for each side and fold, those with the smallest hashes.

    What is kept depends on nothing but the examples, so every order, partition and retry keeps the same.
    """

    def __init__(self, plan: Plan):
        self._plan = plan

    def create_accumulator(self) -> list[Observations]:
        """Nothing sampled yet."""
        return []

    def add_input(self, accumulator: list[Observations], part: Observations) -> list[Observations]:
        """Adds one batch."""
        parts = [*accumulator, part]
        return parts if sum(map(len, parts)) < 4 * _SAMPLED_PER_SIDE_AND_FOLD else self.compact(parts)

    def merge_accumulators(self, accumulators: Iterable[list[Observations]]) -> list[Observations]:
        """Adds all batches, a few at a time."""
        parts = itertools.chain.from_iterable(accumulators)
        return self.compact(functools.reduce(self.add_input, parts, self.create_accumulator()))

    def compact(self, accumulator: list[Observations]) -> list[Observations]:
        """Drops what will not be in the sample."""
        return [_smallest(concatenate(accumulator), self._plan)] if accumulator else []

    def extract_output(self, accumulator: list[Observations]) -> Observations:
        """The sample, in the order of its hashes."""
        return _smallest(concatenate(accumulator), self._plan)


def fit_one(work: tuple[str, int], sample: Observations, plan: Plan) -> tuple[str, int, Attack]:
    """An attack fitted on every fold but one; on all of the sample where it learns nothing of memberships."""
    attack, number = work
    info = attack_named(attack)
    check_needs(attack, info, sample.task, sample.available)
    if not info.learns:
        return attack, number, info.fit(sample)
    training = sample.select(
        fold_numbers(sample, plan.config.measurement.folds, plan.config.measurement.seed) != number
    )
    if min(training.num_members, training.num_non_members) < FEWEST_TO_LEARN_FROM:
        raise PrivacyInputError(
            f"attack '{attack}' learns from at least {FEWEST_TO_LEARN_FROM} members and non-members; there are "
            f'{training.num_members} and {training.num_non_members}: leave it out of PrivacyConfig.attacks, or give '
            'more examples.'
        )
    return attack, number, info.fit(training)


def _step(role: str) -> str:
    return '' if role == CANDIDATE else f'Of{role.capitalize()}'


def _by_attack(fitted: Iterable[tuple[str, int, Attack]]) -> FittedAttacks:
    ordered = sorted(fitted, key=lambda one: one[:2])
    return {attack: [one for name, _, one in ordered if name == attack] for attack, _, _ in ordered}


def _smallest(observations: Observations, plan: Plan) -> Observations:
    hashes = mix(observations.example_id, seed=1)
    # By side last, so that an example that stands on both is not in the order in which its copies arrived.
    order = np.lexsort((observations.is_member, observations.labels.reshape(len(observations), -1)[:, 0], hashes))
    stratum = (
        fold_numbers(observations, plan.config.measurement.folds, plan.config.measurement.seed).astype(np.int64) * 2
    )
    stratum = (stratum + observations.is_member)[order]
    kept = np.concatenate([_first(stratum == number) for number in range(2 * plan.config.measurement.folds)])
    return observations.select(order[np.sort(kept)])


def _first(where: np.ndarray) -> np.ndarray:
    return np.flatnonzero(where)[:_SAMPLED_PER_SIDE_AND_FOLD]
