import dataclasses

import numpy as np

from privacy_component.attacks import ATTACKS
from privacy_component.attacks.crossfit import fold_numbers, fold_scores
from privacy_component.attacks.trained import balanced_sample
from privacy_component.hashing import hash_ids, mix
from tests import synthetic


@dataclasses.dataclass(frozen=True, eq=False)
class Memory:
    """Scores an example by whether it was in the fitted data: an attack that must never be asked about those."""

    seen: frozenset = frozenset()

    def fit(self, observations):
        return Memory(frozenset(observations.example_id.tolist()))

    def score(self, observations):
        return np.array([float(i in self.seen) for i in observations.example_id.tolist()])


MEMORY = dataclasses.replace(ATTACKS['quantile'], make=Memory)


def test_no_example_is_scored_by_an_attack_that_saw_it():
    for folds in (2, 3, 5):
        scored = fold_scores(MEMORY, synthetic.observations(n=300), folds)
        assert not scored.scores.any()
        assert set(scored.fold) == set(range(folds))


def test_folds_come_from_ids_alone():
    observations = synthetic.observations(n=300)
    order = np.random.default_rng(0).permutation(600)
    folds = fold_numbers(observations, 4, seed=7)
    np.testing.assert_array_equal(fold_numbers(observations.select(order), 4, seed=7), folds[order])
    assert (fold_numbers(observations, 4, seed=8) != folds).any()


def test_folds_are_about_equal_and_independent_of_membership():
    observations = synthetic.observations(n=5_000)
    folds = fold_numbers(observations, 2)
    for side in (observations.is_member, ~observations.is_member):
        assert abs(folds[side].mean() - 0.5) < 4 * 0.5 / np.sqrt(5_000)


def test_a_group_is_never_split():
    observations = synthetic.observations(n=300, group_size=7)
    folds = fold_numbers(observations, 3)
    for group in np.unique(observations.group_id):
        assert len(set(folds[observations.group_id == group])) == 1


def test_nothing_is_scored_where_there_is_too_little_to_learn_from():
    scored = fold_scores(ATTACKS['logistic_regression'], synthetic.observations(n=3))
    assert (scored.fold == -1).all()


def test_an_attack_that_learns_nothing_has_one_fold():
    scored = fold_scores(ATTACKS['loss_threshold'], synthetic.observations(n=3), 5)
    assert scored.num_folds == 1
    assert not scored.fold.any()


def test_balanced_sample_is_balanced_and_the_same_in_any_order():
    observations = synthetic.observations(n=300).select(np.arange(400))  # 300 members, 100 non-members
    sample = balanced_sample(observations, 1_000)
    assert (sample.num_members, sample.num_non_members) == (100, 100)
    shuffled = balanced_sample(observations.select(np.random.default_rng(0).permutation(400)), 1_000)
    np.testing.assert_array_equal(shuffled.example_id, sample.example_id)
    assert len(balanced_sample(observations, 30)) == 60


def test_mix_is_splitmix64():
    # The first outputs of Vigna's splitmix64.c seeded with 0.
    state = np.array([0, 0x9E3779B97F4A7C15], np.uint64)
    assert [hex(value) for value in mix(state).tolist()] == ['0xe220a8397b1dcdaf', '0x6e789e6aa1b965f4']


def test_text_ids_hash_by_their_letters_alone():
    short, with_long = hash_ids(np.array(['ab', 'b'])), hash_ids(np.array(['ab', 'b', 'a much longer one']))
    np.testing.assert_array_equal(short, with_long[:2])
    assert len(set(with_long.tolist())) == 3


def test_whole_numbers_stand_for_themselves():
    np.testing.assert_array_equal(hash_ids(np.array([3, 5])), np.array([3, 5], np.uint64))
