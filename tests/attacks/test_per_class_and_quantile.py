import numpy as np

from privacy_component.attacks import ATTACKS
from privacy_component.attacks.crossfit import fold_scores
from privacy_component.attacks.features import wrong_class_features
from privacy_component.attacks.quantile import QuantileAttack
from privacy_component.attacks.threshold import PerClassThresholdAttack, class_quartiles
from privacy_component.metrics.counts import roc
from privacy_component.observations.outputs import as_observations
from tests import synthetic


def auc(scores, is_member):
    return roc.auc(roc.count_scores(roc.score_keys(scores), is_member))


def test_class_quartiles_equal_a_naive_twin():
    rng = np.random.default_rng(0)
    labels, values = rng.integers(0, 5, 500), rng.standard_normal(500)
    labels[labels == 3] = 2  # class 3 is empty
    labels[np.flatnonzero(labels == 4)[:-10]] = 0  # class 4 is small
    found = class_quartiles(values, labels, 5)
    for number in range(5):
        chosen = values[labels == number] if number < 3 else values
        np.testing.assert_array_equal(found[:, number], np.quantile(chosen, [0.25, 0.5, 0.75], method='lower'))


def classes_on_different_scales(n=4_000):
    """Class 1 is 6 harder than class 0, so that one threshold for both sees classes and not memberships."""
    rng = np.random.default_rng(1)
    is_member = np.arange(2 * n) < n
    labels = rng.integers(0, 2, 2 * n)
    signed = rng.standard_normal(2 * n) - 6 * labels + 1.0 * is_member
    outputs = np.column_stack([np.where(labels == 0, signed, 0), np.where(labels == 1, signed, 0)])
    return as_observations(
        is_member=is_member, example_id=np.arange(2 * n, dtype=np.uint64), labels=labels, outputs=outputs, kind='logits'
    )


def test_thresholds_per_class_see_what_one_threshold_does_not():
    observations = classes_on_different_scales()
    one = auc(fold_scores(ATTACKS['scaled_logit_threshold'], observations).scores, observations.is_member)
    per_class = auc(
        fold_scores(ATTACKS['scaled_logit_threshold_per_class'], observations).scores, observations.is_member
    )
    quantile = auc(fold_scores(ATTACKS['quantile'], observations).scores, observations.is_member)
    # One shift of one standard deviation within each class: Phi(1 / sqrt 2) = 0.760.
    assert abs(per_class - 0.760) < 0.02
    assert abs(quantile - 0.760) < 0.02
    assert one < 0.65


def test_per_class_calibration_learns_from_non_members_only():
    observations = classes_on_different_scales(200)
    outside = observations.select(~observations.is_member)
    both, alone = (PerClassThresholdAttack('margin').fit(part) for part in (observations, outside))
    np.testing.assert_array_equal(both.medians, alone.medians)
    np.testing.assert_array_equal(both.spreads, alone.spreads)


def test_what_the_quantile_attack_leaves_is_above_0_for_its_false_positive_rate():
    observations = synthetic.observations(n=4_000, shift=1.0)
    fit_on, judged = observations.select(np.arange(8_000) % 2 == 0), observations.select(np.arange(8_000) % 2 == 1)
    for quantile in (0.5, 0.9):
        rest = QuantileAttack(quantile).fit(fit_on).rest_of(judged)
        assert abs((rest[~judged.is_member] > 0).mean() - (1 - quantile)) < 0.04


def test_what_the_quantile_is_predicted_from_does_not_follow_the_label_logit():
    observations = synthetic.observations(n=50)
    before = wrong_class_features(observations)
    observations.outputs[np.arange(100), observations.labels] += 17.0
    np.testing.assert_allclose(wrong_class_features(observations), before)
