"""Checks of reference models: right ones pass at the stated rate, wrong ones are named."""

import dataclasses

import numpy as np
import pytest

from privacy_component import PrivacyConfig, evaluate_privacy
from privacy_component.checks.reference_models import know_their_halves, same_recipe
from privacy_component.checks.reference_summary import ReferenceSummary
from privacy_component.observations.observations import Observations
from privacy_component.observations.reference_halves import halves


def observed(seed=0, n=2_000, num_models=8, learns=0.5, target_learns=None, noise=1.0):
    """Signals of models that know an example by `learns` more."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 2**63, n).astype(np.uint64)
    knows = halves(ids, num_models, seed)
    is_member, level = rng.random(n) < 0.5, 3 * rng.standard_normal(n)
    target_learns = learns if target_learns is None else target_learns
    signals = level[:, None] + learns * knows + noise * rng.standard_normal(knows.shape)
    target = level + target_learns * is_member + noise * rng.standard_normal(n)
    columns = {'reference_signals': signals, 'reference_is_member': knows}
    outputs = np.column_stack([np.zeros(n), target])
    return Observations(is_member, ids, np.ones(n, np.int64), outputs, columns=columns)


def with_columns(observations, **columns):
    return dataclasses.replace(observations, columns={**observations.columns, **columns})


@dataclasses.dataclass
class Seen:
    """Evidence with nothing but reference models."""

    references: object


def seen(observations):
    return Seen(ReferenceSummary.of(observations).figures())


def test_halves_are_pairs_of_fair_independent_coins():
    ids = np.arange(100_000, dtype=np.uint64)
    is_in = halves(ids, 8, seed=3)
    np.testing.assert_array_equal(is_in[:, 0::2], ~is_in[:, 1::2])
    assert np.abs(is_in.mean(axis=0) - 0.5).max() < 0.006
    assert np.abs(np.corrcoef(is_in[:, 0::2].T) - np.eye(4)).max() < 0.012
    np.testing.assert_array_equal(halves(ids[::-1], 8, 3)[::-1], is_in)
    assert np.mean(halves(ids, 8, 4) == is_in) < 0.51


@pytest.mark.parametrize('num_models', [2, 4, 8])
@pytest.mark.parametrize('learns', [0.0, 0.05, 1.0])
def test_right_models_pass(num_models, learns):
    for seed in range(30):
        evidence = seen(observed(seed, n=600, num_models=num_models, learns=learns))
        assert not know_their_halves(evidence).is_unsound
        assert not same_recipe(evidence).is_unsound


def test_a_model_of_the_wrong_half_is_named():
    observations = observed()
    knows = observations.columns['reference_is_member'].copy()
    knows[:, [4, 5]] = knows[:, [5, 4]]
    found = know_their_halves(seen(with_columns(observations, reference_is_member=knows)))
    assert found.is_unsound
    assert 'Reference model 5 does worse on its own half' in found.message


def test_models_that_ignored_their_files_are_named():
    observations = observed()
    signals = observations.columns['reference_signals'].copy()
    signals[:, 3] = signals[:, 2]
    found = know_their_halves(seen(with_columns(observations, reference_signals=signals)))
    assert 'Reference models 3 and 4 give the same answers to the last bit' in found.message


def test_models_that_all_know_the_members_are_named():
    """A module that reads the audited model's own training files in the place of those that it is given."""
    observations = observed(learns=0.0, target_learns=1.0, n=20_000)
    signals = observations.columns['reference_signals'] + observations.is_member[:, np.newaxis]
    evidence = seen(with_columns(observations, reference_signals=signals))
    found = know_their_halves(evidence)
    assert found.is_unsound
    assert 'the module trains on other files than those that it is given' in found.message


@pytest.mark.parametrize('target_learns', [0.0, 3.0])
def test_another_recipe_is_noticed(target_learns):
    found = same_recipe(seen(observed(learns=1.0 if target_learns == 0 else 0.3, n=4_000, target_learns=target_learns)))
    # A model that remembers a little less or more is within what halves do.
    assert found.is_unsound == (target_learns == 3.0)
    if found.is_unsound:
        assert 'They were trained by another recipe' in found.message
        assert 'examples that it was trained on' in found.message


def test_parts_merge_to_the_whole_in_any_order():
    observations = observed(n=999)
    rows = np.random.default_rng(1).permutation(999)
    parts = [ReferenceSummary.of(observations.select(rows[i::7])) for i in range(7)]
    assert parts[3].merge(*parts[:3], *parts[4:]).figures() == ReferenceSummary.of(observations).figures()


def test_without_reference_models_there_is_nothing_to_check():
    rng = np.random.default_rng(0)
    result = evaluate_privacy(
        is_member=np.arange(200) < 100,
        labels=rng.integers(0, 2, 200),
        logits=rng.standard_normal((200, 2)),
        config=PrivacyConfig(report_only=True),
    )
    checks = {check.name: check for check in result.checks}
    assert checks['reference_halves'].status == checks['reference_recipe'].status == 'not_run'


def test_models_that_know_no_example_are_not_blamed_for_it():
    observations = observed(learns=0.3)
    nobody = np.zeros_like(observations.columns['reference_is_member'])
    evidence = seen(with_columns(observations, reference_is_member=nobody))
    assert not know_their_halves(evidence).is_unsound
    assert not same_recipe(evidence).is_unsound
