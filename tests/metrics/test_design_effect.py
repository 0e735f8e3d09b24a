import numpy as np
import pytest

from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.counts.roc import score_keys
from privacy_component.metrics.design_effect import _influences, change_design_effect, design_effect
from tests.metrics.simulate import wins


def naive_auc_effect(scores, is_member, group_id):
    """Obuchowski's variance over DeLong's, without their (n / (n - 1)), pair by pair."""
    members, others = scores[is_member], scores[~is_member]
    auc = np.mean([wins(a, b) for a in members for b in others])
    parts = [
        (np.mean([wins(s, b) for b in others]) - auc) / len(members)
        if m
        else (np.mean([wins(a, s) for a in members]) - auc) / len(others)
        for s, m in zip(scores, is_member, strict=True)
    ]
    totals = [sum(p for p, g in zip(parts, group_id, strict=True) if g == group) for group in set(group_id)]
    return sum(t * t for t in totals) / sum(p * p for p in parts)


@pytest.mark.parametrize('seed', range(5))
def test_naive_twin(seed):
    rng = np.random.default_rng(seed)
    scores, is_member = np.round(rng.standard_normal(60), 1), rng.random(60) < 0.5
    group_id = rng.integers(0, 20, 60)
    placement = next(_influences(score_keys(scores), is_member))
    totals = np.bincount(group_id, weights=placement)
    ours = totals @ totals / (placement @ placement)
    assert ours == pytest.approx(naive_auc_effect(scores, is_member, group_id.tolist()))
    assert design_effect(scores, is_member, group_id) >= ours


def test_independent_rows_have_an_effect_of_about_one():
    rng = np.random.default_rng(0)
    scores, is_member = rng.standard_normal(4000), rng.random(4000) < 0.5
    assert design_effect(scores, is_member, np.arange(4000)) == pytest.approx(1.0, abs=0.01)
    assert design_effect(scores, is_member, rng.integers(0, 1000, 4000)) < 1.25


def test_copies_count_once():
    rng = np.random.default_rng(0)
    scores, is_member = np.repeat(rng.standard_normal(500), 6), np.repeat(rng.random(500) < 0.5, 6)
    assert design_effect(scores, is_member, np.repeat(np.arange(500), 6)) == pytest.approx(6, rel=0.01)


def test_groups_that_are_alike_in_the_tail_only_are_seen():
    rng = np.random.default_rng(0)
    scores, group_id = rng.standard_normal(5000), np.repeat(np.arange(500), 10)
    scores[group_id % 50 < 2] += 6  # one group in twenty-five stands out as a whole
    is_member = group_id % 2 == 0
    placement = next(_influences(score_keys(scores), is_member))
    totals = np.bincount(group_id, weights=placement)
    assert totals @ totals / (placement @ placement) < 2.5  # the AUC hardly notices
    assert design_effect(scores, is_member, group_id) > 4


def test_one_group_counts_as_one_row():
    assert design_effect(np.arange(40.0), np.arange(40) < 20, np.arange(40) // 20) == 40


def test_bad_input():
    assert design_effect([1.0, 2.0], [True, True], [0, 1]) == 1.0
    with pytest.raises(PrivacyInputError, match='one entry per row'):
        design_effect([1.0, 2.0], [True, False], [0])


def test_the_order_of_rows_changes_no_bit():
    rng, n = np.random.default_rng(5), 3000
    scores, other, group_id = rng.standard_normal(n).round(2), rng.standard_normal(n), rng.integers(0, 300, n)
    is_member = rng.random(n) < 0.5
    effects = set()
    for _ in range(10):
        p = rng.permutation(n)
        one = design_effect(scores[p], is_member[p], group_id[p])
        effects.add((one, change_design_effect(scores[p], other[p], is_member[p], group_id[p])))
    assert len(effects) == 1
