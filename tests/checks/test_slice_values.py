"""Values that only one of the splits has, or writes in its own way."""

import numpy as np
import pytest

from privacy_component import PrivacyConfig, SlicingSpec, Threshold, evaluate_privacy
from privacy_component.checks import CHECKS

NFC, NFD = 'Orl\u00e9ans', 'Orle\u0301ans'
ALIKE = {
    'normal form': (NFC, NFD),
    'a space behind': ('Paris', 'Paris '),
    'two spaces': ('New York', 'New  York'),
    'capitals': ('Paris', 'PARIS'),
    'a full-width letter': ('Paris', '\uff30aris'),
}


def evaluated(sizes, **settings):
    """On rows of {city: (members, non-members)} beside 300 and 300 of another."""
    rows = [
        (city, side)
        for city, both in {**sizes, 'Lyon': (300, 300)}.items()
        for side, count in zip((True, False), both, strict=True)
        for _ in range(count)
    ]
    rng = np.random.default_rng(0)
    return evaluate_privacy(
        is_member=np.array([side for _, side in rows]),
        labels=rng.integers(0, 2, len(rows)),
        logits=rng.normal(size=(len(rows), 2)),
        features={'city': np.array([city for city, _ in rows])},
        config=PrivacyConfig(**{'thresholds': (Threshold('auc', 0.9),)} | settings),
    )


def check(name, sizes, **settings):
    (found,) = (one for one in evaluated(sizes, **settings).checks if one.name == name)
    return found


@pytest.mark.parametrize('values', ALIKE.values(), ids=ALIKE)
def test_a_value_that_the_splits_write_differently_refuses(values):
    result = evaluated({values[0]: (250, 0), values[1]: (0, 250)})
    assert not result.verdict.blessed
    assert any('write the same value differently' in reason for reason in result.verdict.reasons)
    assert check('slice_spellings', {values[0]: (250, 0), values[1]: (0, 250)}).figures == {'pairs': 1}


@pytest.mark.parametrize(
    'sizes',
    [
        {'Paris': (250, 250), 'paris': (250, 250)},  # both splits write it in both ways
        {'Paris': (250, 0), 'Nice': (0, 250)},
        {'Paris': (250, 0), 'paris': (0, 9)},  # too few to be named
        {'Paris': (250, 0), 'paris': (250, 0)},
    ],
)
def test_other_values_do_not(sizes):
    assert check('slice_spellings', sizes).status == 'ok'


def test_values_of_one_side_are_named_with_a_warning():
    found = check('slice_values', {'Paris': (250, 0), 'Nice': (3, 250), 'Brest': (250, 12)})
    assert found.status == 'warning' and found.figures == {'one_sided': 3}
    assert 'city = Paris (250 members, fewer than 10 non-members)' in found.message
    assert 'city = Nice (250 non-members, fewer than 10 members)' in found.message
    assert 'city = Brest (250 members, fewer than 13 non-members)' in found.message


@pytest.mark.parametrize('sizes', [{'Paris': (29, 0)}, {'Paris': (35, 27)}, {'Paris': (250, 250)}, {}])
def test_small_and_even_values_are_not(sizes):
    assert check('slice_values', sizes).status == 'ok'


def test_the_splits_sizes_are_no_one_sidedness():
    """With ten members for each non-member, a slice of 250 has 25 by chance."""
    sizes = {'Lille': (2700, 0)}
    assert 'Paris' not in check('slice_values', sizes | {'Paris': (250, 25)}).message
    assert 'Paris' in check('slice_values', sizes | {'Paris': (250, 5)}).message


def test_as_the_configuration_says():
    sizes = {'Paris': (250, 0), 'PARIS': (0, 250)}
    assert check('slice_spellings', sizes, checks={'slice_spellings': 'warn'}).status == 'warning'
    assert check('slice_values', sizes, checks={'slice_values': 'refuse'}).status == 'refused'
    assert (CHECKS['slice_values'].default, CHECKS['slice_spellings'].default) == ('warn', 'refuse')


def test_crosses_tell_the_values_of_their_features():
    result = evaluated({'Paris': (250, 0)}, slicing_specs=(SlicingSpec(('city', '@class')),))
    (found,) = (one for one in result.checks if one.name == 'slice_values')
    assert 'city = Paris (250 members' in found.message
