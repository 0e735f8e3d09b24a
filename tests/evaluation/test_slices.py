"""Which slices an evaluation on arrays has, however they are asked for."""

import numpy as np
import pytest

from privacy_component import PrivacyConfig, SlicingSpec, Threshold, evaluate_privacy
from privacy_component.observations.derived import DERIVED

RED = SlicingSpec(feature_values={'color': 'red'})
TWICE = {
    'by a value': (RED,),
    'by the same key': (SlicingSpec(('color',)),),
    'five times': (SlicingSpec(('color',)), RED, RED, SlicingSpec(('color', 'color')), RED),
}


def evaluated(colors, is_member, **settings):
    rng = np.random.default_rng(0)
    return evaluate_privacy(
        is_member=is_member,
        labels=rng.integers(0, 2, len(colors)),
        logits=rng.normal(size=(len(colors), 2)),
        features={'color': colors, 'size': np.arange(len(colors)) % 2},
        config=PrivacyConfig(**{'thresholds': (Threshold('auc', 0.9),)} | settings),
    )


def colored(**sizes):
    """Colors and memberships of {color: (members, non-members)}."""
    rows = [
        (color, side)
        for color, both in sizes.items()
        for side, n in zip((True, False), both, strict=True)
        for _ in range(n)
    ]
    return np.array([color for color, _ in rows]), np.array([side for _, side in rows])


@pytest.mark.parametrize('specs', TWICE.values(), ids=TWICE)
def test_a_slice_that_is_asked_for_twice_counts_once(specs):
    data = colored(red=(200, 195), blue=(300, 305))
    once, twice = evaluated(*data), evaluated(*data, slicing_specs=specs)
    assert twice.rows() == once.rows()
    assert twice.verdict == once.verdict
    (red,) = (r for r in twice.results if r.slice == 'color = red' and r.attack == 'loss_threshold')
    assert (red.num_members, red.num_non_members) == (200, 195)


def test_a_cross_in_either_order_counts_once():
    data = colored(red=(200, 195), blue=(300, 305))
    crosses = (SlicingSpec(('color', 'size')), SlicingSpec(('size', 'color')))
    assert evaluated(*data, slicing_specs=crosses).rows() == evaluated(*data, slicing_specs=crosses[:1]).rows()


def test_a_small_slice_does_not_grow_by_being_asked_for_twice():
    small = evaluated(*colored(red=(16, 17), blue=(300, 305)), slicing_specs=(RED,))
    assert {r.status for r in small.results if r.slice == 'color = red'} == {'inconclusive'}
    assert not small.verdict.blessed  # it is named by a value
    hidden = evaluated(*colored(red=(5, 5), blue=(300, 305)), slicing_specs=(RED,))
    assert 'red' not in {value for r in hidden.results for _, value in r.slice_key}


def test_a_slice_that_is_absent_is_missed_once():
    specs = (SlicingSpec(feature_values={'size': 7}), SlicingSpec(feature_values={'size': '7'}))
    reasons = evaluated(*colored(red=(200, 195)), slicing_specs=specs).verdict.reasons
    assert sum("'size = 7' has no examples" in reason for reason in reasons) == 1


@pytest.mark.parametrize('name', DERIVED)
@pytest.mark.parametrize('is_on', [True, False])
def test_slices_by_what_follows_from_outputs_are_switched_by_their_setting(name, is_on):
    found = evaluated(*colored(red=(200, 195)), slices={DERIVED[name].setting: is_on})
    assert (name in {feature for r in found.results for feature, _ in r.slice_key}) == is_on
