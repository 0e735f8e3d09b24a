"""docs/campaign.md says what the campaign counts. Named to run after the cases."""

import collections

from tests.campaign import cases, tally

_FEWEST = 200


def test_the_table_has_every_case():
    numbers = cases.numbers()
    assert tally.by_family(tally.written()) == numbers, 'run python -m tests.campaign'
    assert numbers.total() >= _FEWEST


def test_the_table_has_how_they_ended(counted):
    """Of the families that have run as a whole, but those that are drawn; a whole run checks all of them."""
    numbers, written = tally.by_family(counted), tally.written()
    # What Hypothesis draws follows from constants in all modules that are loaded, so from which tests ran before.
    fixed = {family: number for family, number in cases.numbers().items() if not family.startswith('generated: ')}
    whole = {family for family, number in fixed.items() if numbers[family] == number}
    assert {key: counted[key] for key in counted if key[0] in whole} == {
        key: written[key] for key in written if key[0] in whole
    }, 'run python -m tests.campaign'
    assert not [key for key in counted if key[1] == tally.WRONG_BLESSING]


def test_no_name_stands_for_two_cases():
    names = collections.Counter((case.family, case.name) for case in cases.all_cases())
    assert [name for name, number in names.items() if number > 1] == []
