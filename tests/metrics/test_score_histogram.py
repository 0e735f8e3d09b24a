import json

import numpy as np
import pytest

from privacy_component import PrivacyConfig, PrivacyResult, Threshold, evaluate_privacy
from privacy_component.evaluation.gaps import gap_of
from privacy_component.metrics.counts.keys import score_keys
from privacy_component.metrics.counts.roc import count_scores
from privacy_component.metrics.score_histogram import NUM_BINS, score_histogram
from privacy_component.observations.signals import entropy


def counts_of(scores, is_member):
    return count_scores(score_keys(scores), is_member)


@pytest.mark.parametrize('scale', [1e-12, 1.0, 1e9])
@pytest.mark.parametrize('tails', [False, True])
def test_every_example_is_in_one_bin_as_numpy_counts_them(scale, tails):
    rng = np.random.default_rng(3)
    scores = scale * (rng.standard_t(1.5, 5000) if tails else rng.normal(size=5000))
    is_member = rng.random(5000) < 0.4
    found = score_histogram([counts_of(scores, is_member)])
    inside = np.clip(scores, found.low, found.high)
    for side, mask in ((found.members, is_member), (found.non_members, ~is_member)):
        expected, _ = np.histogram(inside[mask], bins=NUM_BINS, range=(found.low, found.high))
        assert sum(side) == mask.sum()
        assert np.abs(np.array(side) - expected).sum() <= 4  # a score on an edge, rounded to either side
    assert np.mean((scores < found.low) | (scores > found.high)) <= 0.01


@pytest.mark.parametrize('scores', [np.zeros(50), np.r_[np.full(25, -np.inf), np.full(25, np.inf)], np.full(50, 7e8)])
def test_scores_without_a_range_have_a_histogram_too(scores):
    is_member = np.arange(50) % 2 == 0
    found = score_histogram([counts_of(scores, is_member)])
    assert found.low < found.high and sum(found.members) == sum(found.non_members) == 25


def test_folds_and_their_order_make_no_difference():
    rng = np.random.default_rng(5)
    scores, is_member = rng.normal(size=900), rng.random(900) < 0.5
    parts = [counts_of(scores[i::3], is_member[i::3]) for i in range(3)]
    assert score_histogram(parts) == score_histogram(parts[::-1]) == score_histogram([counts_of(scores, is_member)])


@pytest.fixture(scope='module')
def data():
    rng = np.random.default_rng(11)
    labels, is_member = rng.integers(0, 4, 8000), np.arange(8000) < 4000
    logits = rng.normal(size=(8000, 4))
    logits[np.arange(8000), labels] += 1 + 1.5 * is_member
    return labels, is_member, logits


@pytest.fixture(scope='module')
def result(data):
    labels, is_member, logits = data
    config = PrivacyConfig(
        thresholds=(Threshold('auc', 0.6),), attacks=('confidence_threshold', 'entropy_threshold', 'loss_threshold')
    )
    return evaluate_privacy(is_member=is_member, labels=labels, logits=logits, config=config)


def test_gaps_are_those_of_the_distributions(data, result):
    labels, is_member, logits = data
    p = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    values = {
        'confidence_threshold': p[np.arange(len(p)), labels],
        'entropy_threshold': entropy(logits.T.copy(), labels) / np.log(4),
    }
    for attack, value in values.items():
        one = next(r for r in result.results if r.attack == attack and not r.slice_key)
        gap = gap_of(one, result.record)
        at = np.linspace(0, 1, 10_001)
        below = [
            np.searchsorted(np.sort(value[side]), at, side='right') / side.sum() for side in (is_member, ~is_member)
        ]
        distances = np.abs(below[0] - below[1])
        assert gap.max_gap == pytest.approx(distances.max(), abs=2e-3)
        assert gap.mean_gap == pytest.approx(distances.mean(), abs=4e-3)
        assert np.abs(np.interp(at, gap.at, gap.members) - below[0]).max() < 0.03
        assert np.all(np.diff(gap.members) >= 0) and np.all(np.diff(gap.at) > 0)


def test_histograms_and_gaps_are_in_the_file_and_come_back(result):
    text = result.to_json()
    fields = json.loads(text)
    assert {(gap['slice'], gap['of']) for gap in fields['gaps']} >= {('Overall', 'confidence'), ('Overall', 'entropy')}
    assert all(0 <= gap['mean_gap'] <= gap['max_gap'] <= 1 for gap in fields['gaps'])
    assert all(sum(one['histogram']['members']) == one['num_members'] for one in fields['results'])
    read = PrivacyResult.from_json(text)
    assert [one.histogram for one in read.results] == [one.histogram for one in result.results]
    assert read.to_json() == text


def test_a_loss_has_no_gap_of_answers(result):
    assert all(gap_of(one, result.record) is None for one in result.results if one.attack == 'loss_threshold')
