"""What is learnt is compared within classes, so that a mix of classes is not a leak."""

import numpy as np
import pytest

from privacy_component import PrivacyConfig, evaluate_privacy
from privacy_component.attacks.standing import Standing
from privacy_component.attacks.trained import balanced_sample
from privacy_component.observations.outputs import as_observations


def test_standing_is_the_share_of_the_class_below():
    values, classes = np.array([1.0, 2.0, 3.0, -5.0, 9.0]), np.array([0, 0, 0, 7, 7])
    standing = Standing.among(values, classes).of(np.array([2.5, 2.0, 0.0, 0.0]), np.array([0, 0, 7, 3]))
    # Of class 0 and of class 7, and one row more: the share of all; the last class is unknown.
    np.testing.assert_allclose(standing, [(2 + 3.5 / 6) / 4, (1.5 + 3 / 6) / 4, (1 + 1.5 / 6) / 3, 1.5 / 6])


def test_standings_are_spread_evenly_in_every_class():
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, 30_000)
    values = rng.standard_normal(30_000) * (1 + classes) + 10 * classes
    standing = Standing.among(values[::2], classes[::2]).of(values[1::2], classes[1::2])
    for number in range(3):
        of_class = standing[classes[1::2] == number]
        np.testing.assert_allclose(np.quantile(of_class, [0.01, 0.1, 0.5, 0.9]), [0.01, 0.1, 0.5, 0.9], atol=0.03)


def mixed(n=1_000, seed=0):
    """No leak; a class with easy examples is a tenth of the non-members and half of the members."""
    rng = np.random.default_rng(seed)
    is_member = np.arange(2 * n) < n
    labels = (rng.random(2 * n) < np.where(is_member, 0.5, 0.1)).astype(np.int64)
    z = np.where(labels == 1, 1, -1) * (1 + 3 * labels + rng.standard_normal(2 * n))
    return {'is_member': is_member, 'labels': labels, 'logits': np.column_stack([np.zeros(2 * n), z])}


@pytest.mark.parametrize('attack', ['logistic_regression', 'gradient_boosting', 'quantile'])
def test_a_mix_of_classes_is_not_a_leak(attack):
    config = PrivacyConfig(attacks=(attack,), slices={'by_class': False}, outputs={'kind': 'logits'})
    auc = [evaluate_privacy(**mixed(seed=seed), config=config).rows()[0]['auc'] for seed in range(6)]
    assert abs(np.mean(auc) - 0.5) < 0.025


def test_every_class_gives_as_many_members_as_non_members():
    given = mixed()
    observations = as_observations(
        is_member=given['is_member'], example_id=np.arange(2_000, dtype=np.uint64), labels=given['labels'],
        outputs=given['logits'], kind='logits',
    )  # fmt: skip
    sample = balanced_sample(observations, 1_000)
    for number in (0, 1):
        sides = sample.is_member[sample.labels == number]
        assert len(sides) and 2 * sides.sum() == len(sides)
