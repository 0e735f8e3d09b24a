"""Slices with many members and hardly a non-member: told, compared with all non-members, never only counted."""

import numpy as np
import pytest

from privacy_component import PrivacyConfig, PrivacyResult, SlicingSpec, Threshold, evaluate_privacy, policy
from privacy_component.evaluation.decision import decide_result
from privacy_component.metrics.counts import roc

ORLEANS = SlicingSpec(feature_values={'city': 'Orleans'})


def inputs(members=250, others=0, leak=3.0, rest=600, seed=0):
    """Members of one city answer better by `leak`."""
    rng = np.random.default_rng(seed)
    is_member = np.repeat([True, False, True, False], [members, others, rest, rest])
    cities = np.where(np.arange(len(is_member)) < members + others, 'Orleans', 'Lyon')
    labels, logits = rng.integers(0, 3, len(is_member)), rng.normal(size=(len(is_member), 3))
    logits[np.arange(len(labels)), labels] += 1 + leak * (is_member & (cities == 'Orleans'))
    return {'is_member': is_member, 'labels': labels, 'logits': logits, 'features': {'city': cities}}


def evaluated(config=None, **world):
    config = config or PrivacyConfig(attacks=('loss_threshold',), thresholds=(Threshold('auc', 0.6),))
    return evaluate_privacy(**inputs(**world), config=config)


def beside_all(result, attack='loss_threshold'):
    return [r for r in result.results if r.slice == 'city = Orleans, non_members = all' and r.attack == attack]


@pytest.mark.parametrize('others', [0, 1, 9, 15])
def test_250_exposed_members_are_never_blessed(others):
    result = evaluated(others=others)
    assert not result.verdict.blessed
    (reason,) = (r for r in result.verdict.reasons if r.startswith('city = Orleans, non_members = all'))
    assert 'a leak is shown' in reason and 'easier than the rest can look like a leak' in reason
    assert result.num_suppressed == 0


@pytest.mark.parametrize('others', [0, 9])
def test_without_a_leak_it_is_named_and_undecided(others):
    result = evaluated(leak=0.0, others=others)
    assert result.verdict.blessed
    (told,) = (w for w in result.verdict.warnings if w.startswith('city = Orleans: undecided'))
    assert 'with 250 members and fewer than 10 non-members' in told
    for config in (
        policy('strict'),
        PrivacyConfig(thresholds=(Threshold('auc', 0.6),), decision={'small_slices': 'block'}),
    ):
        blocked = evaluated(config, leak=0.0, others=others).verdict
        assert any(reason.startswith('city = Orleans: undecided') for reason in blocked.reasons)


@pytest.mark.parametrize(('members', 'others'), [(12, 3), (29, 0)])
def test_too_few_to_compare_are_named_and_undecided(members, others):
    result = evaluated(members=members, others=others)
    assert [r.status for r in beside_all(result)] == ['inconclusive']
    assert any(w.startswith('city = Orleans: undecided') for w in result.verdict.warnings)


@pytest.mark.parametrize(('members', 'others'), [(9, 0), (9, 250), (250, 250), (35, 27), (0, 250)])
def test_other_slices_are_as_they_were(members, others):
    assert not beside_all(evaluated(members=members, others=others))


def test_the_figures_are_those_of_its_members_and_all_non_members():
    world = inputs(others=4)
    (found,) = beside_all(evaluated(others=4))
    loss = -np.log(np.exp(world['logits']).sum(1)) + world['logits'][np.arange(len(world['labels'])), world['labels']]
    chosen = ~world['is_member'] | (world['features']['city'] == 'Orleans')
    counts = roc.count_scores(roc.score_keys(loss[chosen]), world['is_member'][chosen])
    assert (found.num_members, found.num_non_members) == (250, 604)
    assert found.metrics['auc'].value == pytest.approx(roc.auc(counts), abs=1e-12)


def test_one_that_is_named_blocks_as_before():
    for config in (
        PrivacyConfig(thresholds=(Threshold('auc', 0.6),), slicing_specs=(ORLEANS,)),
        PrivacyConfig(thresholds=(Threshold('auc', 0.6, slicing_specs=(ORLEANS,)),)),
    ):
        verdict = evaluated(config, leak=0.0).verdict
        assert not verdict.blessed and any("'city = Orleans'" in reason for reason in verdict.reasons)


def test_a_threshold_that_only_such_slices_meet_is_unchecked():
    only = PrivacyConfig(
        thresholds=(Threshold('auc', 0.6, slicing_specs=(SlicingSpec(('city',)),)),), decision={'min_examples': 700}
    )
    assert any('could be checked on no slice' in r for r in evaluated(only, leak=0.0, members=800).verdict.reasons)


def test_a_replay_agrees():
    for leak in (0.0, 3.0):
        result = evaluated(leak=leak)
        assert decide_result(PrivacyResult.from_json(result.to_json())) == result.verdict


def test_a_baseline_is_compared_there_too():
    """Beside an equally easy baseline the change is none, whatever the slice is like."""
    world = inputs()
    config = PrivacyConfig(thresholds=(Threshold('auc', absolute=0.05),))
    same = evaluate_privacy(**world, baseline_logits=world['logits'], config=config)
    (found,) = beside_all(same)
    assert found.baseline is not None and found.baseline.curve.auc == found.curve.auc
    assert not any('rose' in reason for reason in same.verdict.reasons)
    tight = evaluate_privacy(**world, baseline_logits=inputs(leak=0.0)['logits'], config=config)
    assert any('Orleans, non_members = all' in r and 'rose by' in r for r in tight.verdict.reasons)


def test_rows_of_few_people_widen_the_interval():
    world, config = inputs(others=2, leak=0.5), PrivacyConfig(thresholds=(Threshold('auc', 0.6),))
    alone = evaluate_privacy(**world, config=config)
    people = np.arange(len(world['is_member'])) // 25
    rows = np.random.default_rng(1).normal(size=people.max() + 1)[people]
    world['logits'][np.arange(len(rows)), world['labels']] += 2 * rows
    grouped = evaluate_privacy(**world, group_ids=people, config=config)
    (one,), (other,) = beside_all(alone), beside_all(grouped)
    assert one.curve.design_effect == 1 and other.curve.design_effect > 5


def test_null_slices_alarm_at_most_at_the_nominal_rate():
    """Members like all non-members: a limit of 0.5 is exceeded in at most 5 % of evaluations."""
    config = PrivacyConfig(thresholds=(Threshold('auc', 0.5),), attacks=('loss_threshold',), slices={'by_class': False})
    runs = 200
    alarms = sum(
        any('non_members = all' in r for r in evaluated(config, leak=0.0, members=60, rest=100, seed=s).verdict.reasons)
        for s in range(runs)
    )
    assert alarms <= 0.05 * runs + 2 * np.sqrt(0.05 * 0.95 * runs)
