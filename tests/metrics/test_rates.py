import numpy as np
import pytest
from sklearn.metrics import roc_curve

from privacy_component.metrics import rates
from tests.metrics.simulate import counts_of, seven


def tf_privacy_ppv(scores, is_member):
    """tensorflow-privacy 0.9, RocCurve.get_ppv, on scikit-learn's curve."""
    fpr, tpr, _ = roc_curve(is_member, scores)
    gamma = (~is_member).sum() / is_member.sum()
    both_near_zero = np.isclose(tpr, 0, atol=1e-3) & np.isclose(fpr, 0, atol=1e-3)
    whole = tpr + gamma * fpr
    return np.max(
        np.where(both_near_zero, 1 / (1 + gamma), np.divide(tpr, whole, out=np.zeros_like(whole), where=whole != 0))
    )


def test_seven_rows_by_hand():
    # The highest score is a member's: of one flagged, one is a member.
    assert rates.max_ppv(seven()) == 1.0
    # All seven flagged: 4 members of 7; with the top score a non-member's the best is 4 of 6 here:
    # n M M M M n n -> 0/1, 1/2, 2/3, 3/4, 4/5, 4/6, 4/7.
    assert rates.max_ppv(counts_of([7, 6, 5, 4, 3, 2, 1], [0, 1, 1, 1, 1, 0, 0])) == pytest.approx(4 / 5)


@pytest.mark.parametrize('seed', range(60))
def test_max_ppv_is_tf_privacys(seed):
    rng = np.random.default_rng(seed)
    members, non_members = rng.integers(1, 12, 2) if seed % 3 else rng.integers(1500, 4000, 2)
    scores = rng.standard_normal(members + non_members)
    if seed % 2:
        scores = np.round(scores, seed % 4)
    is_member = np.arange(len(scores)) < members
    assert rates.max_ppv(counts_of(scores, is_member)) == pytest.approx(tf_privacy_ppv(scores, is_member), abs=1e-12)
