"""The blind baseline keeps its rate of false alarms, copies and groups or not, and finds what differs."""

import numpy as np
import pytest
from scipy.stats import binom

from privacy_component import PrivacyConfig, Threshold, evaluate_privacy
from privacy_component.checks import blind_baseline
from privacy_component.checks.feature_sample import CATEGORY, VALUE, FeatureSample, Input, bounded_sample
from privacy_component.checks.sketches import DistinctCounts
from privacy_component.hashing import mix

RUNS = 60


def chance(level, runs):
    """The most that a rate of `level` shows in so many runs, but for one time in ten thousand."""
    return binom.ppf(1 - 1e-4, runs, level) / runs


def distinct(rng, n):
    return {'x': rng.normal(size=n), 'y': rng.normal(size=n), 'kind': rng.integers(0, 30, n)}, np.arange(n)


def few_values(rng, n):
    """Popular combinations, which stand on both sides many times."""
    kind, size = np.minimum(rng.geometric(0.1, n), 30), np.minimum(rng.geometric(0.05, n), 60)
    return {'size': size.astype(float), 'kind': kind}, kind * 100 + size


def figures_of(columns, keys, is_member, groups=None, most=10_000):
    hashes = mix(keys.astype(np.uint64), 5)
    inputs = {Input(k, CATEGORY if k == 'kind' else VALUE): v.astype(float) for k, v in columns.items()}
    units = hashes if groups is None else mix(groups.astype(np.uint64), 9)
    sample = bounded_sample(FeatureSample.of(hashes, is_member, units, inputs), most)
    return blind_baseline.measure_blind(sample, DistinctCounts.of(hashes, is_member, 1 << 20), groups is not None)


def null_worlds(rng):
    """Splits without a difference: name -> arguments of `figures_of`."""
    share = rng.choice([0.5, 0.75])
    columns, keys = distinct(rng, 800)
    yield 'distinct', (columns, keys, rng.random(800) < share, None, 250)
    position = np.repeat(np.arange(400), 3)
    columns, keys = distinct(rng, 400)
    threefold = {k: v[position] for k, v in columns.items()}
    yield 'copies on one side', (threefold, keys[position], (rng.random(400) < 0.5)[position])
    yield 'copies on both sides', (threefold, keys[position], rng.random(1200) < 0.5)
    columns, keys = few_values(rng, 2500)
    yield 'few values', (columns, keys, rng.random(2500) < share, None, 250)
    people = rng.integers(0, 400, 1600)
    columns, keys = distinct(rng, 1600)
    alike = {'x': columns['x'], 'y': columns['y'][people], 'kind': columns['kind'][people]}
    yield 'people', (alike, keys, (rng.random(400) < 0.5)[people], people)


def test_false_alarms_stay_below_their_level(monkeypatch):
    """At 5 %, where a rate shows in few runs; docs/checks.md has the rates of a longer simulation."""
    monkeypatch.setattr(blind_baseline, 'ALPHA', 0.05)
    alarms = {}
    for run in range(RUNS):
        for name, given in null_worlds(np.random.default_rng(run)):
            found = figures_of(*given)
            alarms.setdefault(name, []).append(found.lower > 0.5)
    rates = {name: np.mean(found) for name, found in alarms.items()}
    assert len(rates) == 5
    assert max(rates.values()) <= chance(0.05, RUNS), rates


def test_people_would_alarm_if_their_rows_counted():
    """So that the test above is known to tell."""
    alarms = []
    for run in range(5):
        columns, keys, sides, _ = dict(null_worlds(np.random.default_rng(run)))['people']
        alarms.append(figures_of(columns, keys, sides).lower > 0.5)
    assert sum(alarms) >= 4


@pytest.mark.parametrize('name', ['x', 'kind'])
def test_a_difference_is_found_and_named(name):
    rng = np.random.default_rng(0)
    columns, keys = distinct(rng, 4000)
    is_member = rng.random(4000) < 0.5
    other = columns['x'] + 2 if name == 'x' else 0
    columns[name] = np.where(is_member & (rng.random(4000) < 0.3), other, columns[name])
    found = figures_of(columns, keys, is_member)
    assert found.lower > 0.5
    assert found.features[0] == name


def test_missing_values_are_a_difference_too():
    rng = np.random.default_rng(1)
    columns, keys = distinct(rng, 2000)
    is_member = rng.random(2000) < 0.5
    columns['y'] = np.where(is_member & (rng.random(2000) < 0.4), np.nan, columns['y'])
    found = figures_of(columns, keys, is_member)
    assert found.lower > 0.55 and found.features[0] == 'y'


def test_too_few_and_nothing_to_tell_by_are_said():
    columns, keys = distinct(np.random.default_rng(0), 100)
    assert 'Too few distinct examples' in figures_of(columns, keys, np.arange(100) % 2 == 0)
    flat = {'x': np.zeros(600)}
    assert figures_of(flat, np.arange(600), np.arange(600) % 2 == 0) == 'No feature varies.'


def mixed(rng, n, shares, shift):
    """n a side, of which `shares` are of class 0; members' answers are surer by `shift` in each."""
    is_member = np.arange(2 * n) < n
    labels = (rng.random(2 * n) >= np.where(is_member, *shares)).astype(int)
    z = rng.normal(size=2 * n) + shift * is_member + 1.4 * labels
    return {
        'is_member': is_member,
        'labels': labels,
        'logits': np.column_stack([np.where(labels, 0, z), np.where(labels, z, 0)]),
    }


@pytest.mark.parametrize('with_features', [True, False])
def test_another_class_mix_is_found_without_features_and_says_what_to_read(with_features):
    """The leak that it hides: .71 in each class, below one half over all."""
    rng = np.random.default_rng(0)
    given = mixed(rng, 2000, (0.9, 0.1), 0.8)
    if with_features:
        given['features'] = {'half': rng.integers(0, 2, 4000)}
    config = PrivacyConfig(thresholds=(Threshold('auc', 0.6),), slices={'by_class': False}, attacks=('loss_threshold',))
    result = evaluate_privacy(**given, config=config)
    assert result.rows()[0]['auc'] < 0.55
    found = next(check for check in result.checks if check.name == 'blind_baseline')
    assert found.status == 'warning' and 'most by @label' in found.message
    assert 'read the attacks class by class' in found.message
    by_class = evaluate_privacy(**given, config=PrivacyConfig(thresholds=config.thresholds))
    assert not by_class.verdict.blessed
    assert min(row['auc'] for row in by_class.rows() if 'class' in str(row['slice'])) > 0.65


def test_the_same_class_mix_is_no_finding():
    alarms = 0
    for run in range(RUNS):
        result = evaluate_privacy(**mixed(np.random.default_rng(run), 300, (0.7, 0.7), 0.0))
        found = next(check for check in result.checks if check.name == 'blind_baseline')
        assert found.status in ('ok', 'warning')
        alarms += found.status == 'warning'
    assert alarms / RUNS <= chance(0.01, RUNS)
