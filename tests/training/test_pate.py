"""PATE on scikit-learn's digits: what it guarantees, what a student learns, errors."""

import math

import dp_accounting
import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from privacy_component import PrivacyInputError
from privacy_component.training import DPClaim, pate_labels
from privacy_component.training.dp_claim import claim_of_votes
from privacy_component.training.pate import noisy_winners
from tests.training.data import classifier, digits

X, Y = digits()
PRIVATE, PUBLIC, HELD_OUT = (X[:1000], Y[:1000]), X[1000:1300], (X[1300:], Y[1300:])
SETTINGS = {'num_classes': 10, 'num_teachers': 10, 'noise': 1.0, 'seed': 0}


def linear(x, y):
    return LogisticRegression(max_iter=200).fit(x, y)


def labels_of(train=linear, private=PRIVATE, queries=PUBLIC, **changes):
    return pate_labels(train, private, queries, **SETTINGS | changes)


def test_a_student_learns_from_noisy_votes(tmp_path):
    found = labels_of()
    assert np.mean(found.labels == Y[1000:1300]) > 0.85
    assert linear(PUBLIC, found.labels).score(*HELD_OUT) > 0.85
    assert found.claim.mechanism == 'pate' and found.claim.steps == 300 and found.claim.num_examples == 1000
    found.claim.save(tmp_path)
    assert DPClaim.load(tmp_path) == found.claim
    # Noise that drowns the votes leaves nothing to learn.
    assert np.mean(labels_of(noise=1000.0).labels == Y[1000:1300]) < 0.25


def test_noise_is_drawn_anew_unless_a_seed_is_given():
    votes = np.tile(np.arange(10), (50, 1))
    assert np.array_equal(noisy_winners(votes, 5.0, 1), noisy_winners(votes, 5.0, 1))
    assert not np.array_equal(noisy_winners(votes, 5.0), noisy_winners(votes, 5.0))
    assert (noisy_winners(votes, 1e-9) == 9).all()


@pytest.mark.parametrize(('noise', 'queries'), [(20.0, 500), (40.0, 1000), (5.0, 10)])
def test_epsilon_is_that_of_an_accountant(noise, queries):
    vote = dp_accounting.GaussianDpEvent(noise / math.sqrt(2))
    accountant = dp_accounting.pld.PLDAccountant().compose(vote, queries)
    assert claim_of_votes(noise, queries, 10_000, 1e-5).epsilon == pytest.approx(accountant.get_epsilon(1e-5), rel=2e-3)


def test_epsilon_where_accountants_are_slow():
    assert claim_of_votes(1.0, 300, 1000, None).epsilon > 300
    assert claim_of_votes(1e6, 1, 1000, None).epsilon == 0.0


def parts(private, group_ids=None):
    """What each teacher learned from: sets of records."""
    seen = []

    def train(x, y):
        seen.append({(row.tobytes(), int(label)) for row, label in zip(x, y, strict=True)})
        return lambda queries: np.zeros(len(queries), np.int64)

    labels_of(train, private, group_ids=group_ids)
    return seen


def test_a_record_is_in_one_part_and_moves_no_other():
    whole = parts(PRIVATE)
    assert sum(map(len, whole)) == 1000 == len(set().union(*whole))
    without = parts((X[1:1000], Y[1:1000]))
    changed = [number for number in range(10) if whole[number] != without[number]]
    assert len(changed) == 1
    assert whole[changed[0]] - without[changed[0]] == {(X[0].tobytes(), int(Y[0]))}


def test_records_of_a_person_go_to_one_teacher():
    person = np.arange(1000) // 5
    seen = parts(PRIVATE, person)
    for number in range(200):
        rows = slice(5 * number, 5 * number + 5)
        records = {(row.tobytes(), int(label)) for row, label in zip(X[rows], Y[rows], strict=True)}
        assert sum(bool(records & one) for one in seen) == 1
    assert labels_of(group_ids=person).claim.num_examples == 200


def test_teachers_of_keras_give_scores():
    def train(x, y):
        model = classifier(keras, learning_rate=1e-2)
        model.fit(x, y, epochs=8, verbose=0)
        return model

    found = labels_of(train, num_teachers=2, noise=0.1)
    assert np.mean(found.labels == Y[1000:1300]) > 0.8


def test_a_query_may_be_like_a_record_by_chance():
    assert len(labels_of(queries=np.concatenate([X[999:1000], PUBLIC])).labels) == 301


def refused(x, y):
    raise PrivacyInputError('the teacher has no chalk')


def test_teachers_in_a_beam_job_vote_as_those_of_one_process(tmp_path):
    runner, here = ['--runner=FnApiRunner'], labels_of()
    job = labels_of(beam_pipeline_args=runner, temp_dir=str(tmp_path))
    assert np.array_equal(job.labels, here.labels) and job.claim == here.claim
    workers = [*runner, '--direct_running_mode=multi_threading', '--direct_num_workers=3']
    assert np.array_equal(labels_of(beam_pipeline_args=workers).labels, here.labels)
    # Votes without noise are private: none is left behind.
    assert not list(tmp_path.iterdir())
    with pytest.raises(PrivacyInputError, match=r'^the teacher has no chalk$'):
        labels_of(refused, beam_pipeline_args=runner, temp_dir=str(tmp_path))


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'num_teachers': 30}, 'learn from .* records, and min_records is 50: 1,000 records are too few for 30'),
        ({'num_teachers': 1}, 'num_teachers is 1'),
        ({'num_classes': 5}, 'class numbers from 0 to 4'),
        ({'noise': 0}, 'noise is 0: .* no guarantee'),
        ({'noise': math.nan}, 'noise is nan'),
        ({'delta': 1.0}, 'delta is 1.0'),
        ({'queries': X[990:1100]}, '10 of 110 queries are in the private data'),
        ({'queries': X[:0]}, 'one or more'),
        ({'group_ids': np.arange(5)}, r'group_ids has shape \(5,\)'),
        ({'private': (X[:10], Y[:9])}, 'private has'),
        ({'train': lambda x, y: None}, 'train returned a NoneType'),
        ({'train': lambda x, y: lambda q: np.full(len(q), 10)}, 'class numbers .* below 10'),
        ({'train': lambda x, y: lambda q: np.full((len(q), 10), np.nan)}, 'finite scores'),
    ],
)
def test_arguments_that_cannot_be_used_are_named(changes, words):
    with pytest.raises(PrivacyInputError, match=words):
        labels_of(**changes)
