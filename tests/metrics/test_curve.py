import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.counts import roc
from privacy_component.metrics.curve import RocCurve, summarize, summarize_folds
from privacy_component.metrics.registry import metric_named
from tests.metrics.simulate import counts_of, gaussian, naive_points, pairs_of_sides, seven, true_figures


def test_seven_rows_by_hand():
    curve = summarize(seven())
    # TPR - FPR after 9, 8, 7, 6 and 6, 5, 4: 1/4, 1/2, 1/2 - 1/3, 3/4 - 2/3, 1 - 2/3, 0.
    assert curve.advantage == curve.two_sided_advantage == 0.5
    # Reversed, FPR - TPR is 0 at best; -(largest difference) = 0.5 the other way.
    backwards = summarize(counts_of([-9, -8, -7, -6, -6, -5, -4], [1, 1, 0, 1, 0, 1, 0]))
    assert (backwards.advantage, backwards.two_sided_advantage) == (0.0, 0.5)
    assert metric_named('balanced_accuracy').value(curve) == 0.75
    # Without a false positive, 2 of 4 members.
    assert curve.true_positives_at(0) == 2
    assert curve.true_positives_beyond(1) == 2
    # Below every member is 4; below all but 5 too, because 6 ties; below all but 5 and 6, that is below 8, are all.
    tnrs = [metric_named(f'tnr_at_fnr_{rate}').value(curve) for rate in (0.01, 0.25, 0.5)]
    assert tnrs == pytest.approx([1 / 3, 1 / 3, 1])


@given(seed=st.integers(0, 200))
@settings(deadline=None, max_examples=40)
def test_naive_twins(seed):
    rng = np.random.default_rng(seed)
    scores, is_member = gaussian(rng, int(rng.integers(1, 60)), int(rng.integers(1, 60)), 0.5)
    scores = np.round(scores, int(seed % 3))
    curve, points = summarize(counts_of(scores, is_member), (0.1,)), naive_points(*pairs_of_sides(scores, is_member))
    assert curve.advantage == pytest.approx(max(tpr - fpr for fpr, tpr in points))
    assert curve.two_sided_advantage == pytest.approx(max(abs(tpr - fpr) for fpr, tpr in points))
    tpr_at = max(tpr for fpr, tpr in points if fpr <= 0.1)
    assert metric_named('tpr_at_fpr_0.1').value(curve) == pytest.approx(tpr_at)
    assert metric_named('ppv_at_fpr_0.1').value(curve) == pytest.approx(tpr_at / (tpr_at + 0.1))
    tnr_at = max(1 - fpr for fpr, tpr in points if 1 - tpr <= 0.1 + 1e-12)
    assert metric_named('tnr_at_fnr_0.1').value(curve) == pytest.approx(tnr_at)


@pytest.mark.parametrize('shift', [0.0, 0.3, 1.0, 2.0])
def test_closed_forms_of_a_gaussian_shift(shift):
    n = 400_000
    curve = summarize(counts_of(*gaussian(np.random.default_rng(7), n, n, shift)), (0.1, 0.01, 0.001))
    truth = true_figures(shift)
    assert curve.auc == pytest.approx(truth['auc'], abs=4 * curve.auc_standard_error)
    for name in ('advantage', 'balanced_accuracy'):
        assert metric_named(name).value(curve) == pytest.approx(truth[name], abs=0.005)
    for rate in (0.1, 0.01, 0.001):
        tpr = truth[f'tpr_at_fpr_{rate:g}']
        # The threshold's FPR has a standard error too; the curve's slope there is at most (tpr / rate) here.
        error = np.sqrt(tpr / n) + tpr / rate * np.sqrt(rate / n)
        assert metric_named(f'tpr_at_fpr_{rate:g}').value(curve) == pytest.approx(tpr, abs=4 * error)
        assert metric_named(f'tnr_at_fnr_{rate:g}').value(curve) == pytest.approx(tpr, abs=4 * error)


def test_mirrored_and_reversed_are_their_own_inverses():
    curve = summarize(counts_of(*gaussian(np.random.default_rng(0), 80, 50, 0.4)))
    for there_and_back in (curve.mirrored().mirrored(), curve.reversed().reversed()):
        np.testing.assert_array_equal(there_and_back.false_positives, curve.false_positives)
        np.testing.assert_array_equal(there_and_back.true_positives, curve.true_positives)
    flipped = summarize(counts_of(*((scores := gaussian(np.random.default_rng(0), 80, 50, 0.4))[0] * -1, scores[1])))
    assert curve.reversed().auc == pytest.approx(flipped.auc)
    differences = flipped.true_positives / 80 - flipped.false_positives / 50
    reversed_curve = curve.reversed()
    assert (reversed_curve.true_positives / 80 - reversed_curve.false_positives / 50).max() <= differences.max() + 1e-12


@pytest.mark.parametrize('is_member', [[True, True], [False, False], []])
def test_one_sided_counts_are_refused(is_member):
    with pytest.raises(PrivacyInputError, match='an ROC needs some of either'):
        summarize(counts_of(np.zeros(len(is_member)), is_member))
    assert summarize_folds([counts_of(np.zeros(len(is_member)), is_member)]) is None


def test_folds_by_hand():
    folds = [seven(), counts_of([4, 3, 2, 1], [1, 0, 1, 0])]
    curve = summarize_folds(folds)
    # AUCs 8.5/12 and 3/4; variances 0.05208 and (1/2 - 1)^2 ... = 1/8 + 1/8 over 2 each = 0.125.
    assert curve.auc == pytest.approx((8.5 / 12 + 3 / 4) / 2)
    errors = [np.sqrt(roc.delong_variance(fold)) for fold in folds]
    assert errors == pytest.approx([np.sqrt(204 / 6912 + 78 / 3456), np.sqrt(0.125)])
    assert curve.auc_standard_error == pytest.approx(np.mean(errors))
    assert (curve.num_members, curve.num_non_members, curve.design_effect) == (6, 5, 2.0)
    grouped = summarize_folds(folds, design_effect=4.0)
    assert grouped.auc_standard_error == pytest.approx(2 * np.mean(errors))
    assert grouped.design_effect == 8.0


def test_attackers_on_different_scales_are_pooled_by_rank():
    rng = np.random.default_rng(1)
    scores, is_member = gaussian(rng, 300, 300, 2.0)
    alike = [counts_of(scores, is_member), counts_of(scores, is_member)]
    stretched = [alike[0], counts_of(1000 * scores + 50, is_member)]
    a, b = summarize_folds(alike, (0.1,)), summarize_folds(stretched, (0.1,))
    assert metric_named('tpr_at_fpr_0.1').value(a) == metric_named('tpr_at_fpr_0.1').value(b) > 0.6


def test_a_fold_without_one_side_is_left_out():
    lonely = counts_of([1.0, 2.0, 3.0], [True, True, True])
    curve = summarize_folds([seven(), lonely])
    assert (curve.auc, curve.num_members, curve.design_effect) == (pytest.approx(8.5 / 12), 4, 1.0)


@pytest.mark.parametrize('side', [1, 10, 1000, 100_000])
def test_a_curve_stays_small(side):
    curve = summarize(counts_of(*gaussian(np.random.default_rng(0), side, side)), (0.1, 0.01, 0.001))
    assert isinstance(curve, RocCurve)
    assert len(curve.false_positives) < 900
    for steps in (curve.false_positives, curve.true_positives):
        assert steps[0] == 0 and steps[-1] == side and (np.diff(steps) >= 0).all()


def test_cut_scores_widen_the_interval_by_what_they_may_have_changed():
    counts = counts_of(*gaussian(np.random.default_rng(0), 3000, 3000, 0.5))
    exact, cut = summarize(counts), summarize(roc.bounded(counts, 64))
    assert exact.auc_error == 0 and 0 < abs(cut.auc - exact.auc) <= cut.auc_error < 0.05
    lower, upper = metric_named('auc').lower, metric_named('auc').upper
    assert lower(cut, 0.05) < lower(exact, 0.05) - cut.auc_error / 2
    assert upper(cut, 0.05) > upper(exact, 0.05) + cut.auc_error / 2
    folds = [roc.bounded(counts, 64), roc.bounded(counts, 32)]
    assert summarize_folds(folds).auc_error == np.mean([roc.auc_error_bound(fold) for fold in folds])
