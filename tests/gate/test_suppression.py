"""What is too small to be named is nowhere named."""

import numpy as np
import pytest

from privacy_component import PrivacyConfig, PrivacyResult, SlicingSpec, Threshold, evaluate_privacy
from privacy_component.evaluation.decision import decide_result
from privacy_component.gate.verdict import decide
from privacy_component.report import html
from privacy_component.report.summary import summary

THRESHOLDS = (Threshold('auc', 0.9),)
# (value, members, non-members)
KINDS = (('common', 300, 300), ('ten', 10, 10), ('nine', 9, 29), ('three', 40, 3), ('members only', 50, 0))
HIDDEN = ('nine',)
# Members enough to give nobody away are named, beside all non-members.
ONE_SIDED = ('three', 'members only')


def evaluated(kinds=KINDS, **settings):
    rows = [(value, side) for value, members, others in kinds for side in [True] * members + [False] * others]
    values, is_member = np.array([value for value, _ in rows]), np.array([side for _, side in rows])
    rng = np.random.default_rng(0)
    labels, logits = rng.integers(0, 2, len(rows)), rng.normal(size=(len(rows), 2))
    logits[np.arange(len(rows)), labels] += 1  # a model that knows something
    return evaluate_privacy(
        is_member=is_member,
        labels=labels,
        logits=logits,
        features={'kind': values},
        config=PrivacyConfig(thresholds=THRESHOLDS, **settings),
    )


def everything_said(result):
    return '\n'.join((result.to_json(), html.render(result), summary(result)))


def test_small_groups_are_counted_and_not_named():
    result = evaluated()
    assert result.num_suppressed == 1
    text = everything_said(result)
    assert all(f'kind = {value}' in text for value in ('common', 'ten', *ONE_SIDED))
    assert not any(f'kind = {value}' in text or f'"{value}"' in text for value in HIDDEN)
    assert text.count('1 slice with fewer than 10 members or non-members is not listed.') == 2  # metrics and report
    own = {one.slice for one in result.results}
    assert own.isdisjoint(f'kind = {value}' for value in ONE_SIDED)  # that has how many non-members there are
    assert own >= {f'kind = {value}, non_members = all' for value in ONE_SIDED}


def test_a_replay_from_json_agrees():
    for settings in ({}, {'decision': {'small_slices': 'block'}}):
        result = evaluated(**settings)
        back = PrivacyResult.from_json(result.to_json())
        assert decide_result(back) == result.verdict
        assert result.verdict.blessed == (not settings)


def test_all_are_named_if_the_config_says_so():
    result = evaluated(people={'min_reported_examples': 0})
    assert result.num_suppressed == 0
    assert all(f'kind = {value}' in everything_said(result) for value in (*HIDDEN, *ONE_SIDED))


def test_the_overall_slice_is_never_suppressed():
    result = evaluated(kinds=(('few', 4, 5),), slices={'by_class': False})
    assert [one.slice for one in result.results] == ['Overall', 'Overall'] and result.num_suppressed == 1
    assert not result.verdict.blessed


def test_tenths_by_loss_are_points_of_the_overall_curve_and_stay():
    result = evaluated(kinds=(('few', 40, 40),), slices={'by_loss_percentile': True, 'by_class': False})
    assert len({one.slice for one in result.results if one.slice.startswith('loss_percentile')}) == 10
    assert result.num_suppressed == 0


def test_a_few_people_stay_unnamed_in_a_tenth_by_loss_too():
    specs = (SlicingSpec(('kind', '@loss_percentile')),)
    result = evaluated(kinds=(('few', 40, 40),), slicing_specs=specs, slices={'by_class': False})
    assert result.num_suppressed == 10 and 'loss_percentile = ' not in html.render(result)


@pytest.mark.parametrize('value', [*HIDDEN, *ONE_SIDED, 'no such kind'])
def test_a_small_slice_that_is_named_blocks_and_reads_like_one_that_is_missing(value):
    spec = SlicingSpec(feature_values={'kind': value})
    result = evaluated(slicing_specs=(spec,))
    assert not result.verdict.blessed
    assert result.verdict.reasons[0] == (
        f"The slice 'kind = {value}' has no examples, or fewer than 10 members or non-members: correct the feature or "
        'its value, give more examples, or leave it out of slicing_specs.'
    )
    named = PrivacyConfig(thresholds=(Threshold('auc', 0.9, slicing_specs=(spec,)),))
    reason = decide(result.results, named).reasons[0]
    assert f"names the slice 'kind = {value}', which the data do not have, or only with fewer than 10" in reason


def test_a_leak_in_a_named_slice_is_not_hidden_by_suppression():
    """Whatever is decidable is also listed: min_reported_examples is at most min_examples."""
    result = evaluated(decision={'min_examples': 10}, people={'min_reported_examples': 10})
    listed = {one.slice for one in result.results}
    assert {c.slice for c in result.verdict.comparisons} <= listed
    assert all(min(one.num_members, one.num_non_members) >= 10 for one in result.results)
