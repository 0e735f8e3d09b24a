"""People on both sides, and people with more examples on one side than on the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from privacy_component import PrivacyResult
from tests.campaign import worlds
from tests.campaign.case import BLESSING, REFUSAL, Case, Rig
from tests.component import world as w

BOTH_SIDES = 'people: on both sides'
SIZES = 'people: of different sizes'

_NUM_PEOPLE = 180
_LEAK = 3.0


def cases() -> Iterator[Case]:
    yield from _both_sides()
    yield from _sizes()


def _both_sides() -> Iterator[Case]:
    by = 'partition_feature_name'
    for how in ('mean', 'max'):
        by_record = _written(lambda split, i: f'{i % _NUM_PEOPLE}', how)
        yield Case(BOTH_SIDES, f'all of them, {how}', by_record, mentions=('180 groups', by), world='leaky')
        half = _written(lambda split, i: f'{i % _NUM_PEOPLE + 90 * (split == "eval")}', how)
        yield Case(BOTH_SIDES, f'half of them, {how}', half, mentions=('90 groups', by), world='leaky')
        few = _written(lambda split, i: f'{i % _NUM_PEOPLE + 175 * (split == "eval")}', how)
        yield Case(
            BOTH_SIDES, f'five of them, {how}', few, (REFUSAL,), world='leaky', check=_says('5 groups have both')
        )


def _sizes() -> Iterator[Case]:
    members, others = np.resize([1, 2, 3, 4, 5, 6], _NUM_PEOPLE), np.resize([1, 2, 3], _NUM_PEOPLE)
    told = _says('as many examples; ')
    for how in ('mean', 'max'):
        yield Case(SIZES, f'members have twice the examples, {how}', _sized(members, others, 0.0, how), (BLESSING,),
                   check=told, why='the model leaks nothing')  # fmt: skip
        leaks = _sized(members, others, _LEAK, how)
        yield Case(SIZES, f'members have twice the examples, and it leaks, {how}', leaks, (REFUSAL,), check=told)
        leaks = _sized(others, members, _LEAK, how)
        yield Case(SIZES, f'members have half the examples, and it leaks, {how}', leaks, (REFUSAL,), check=told)
        apart = _sized(np.full(_NUM_PEOPLE, 4), np.full(_NUM_PEOPLE, 2), _LEAK, how)
        yield Case(SIZES, f'members have four and others two, {how}', apart, mentions=('only 0 of 180 groups',))


def _written(person: Callable[[str, int], str], how: str) -> Callable[[Rig], dict[str, Any]]:
    """Two examples for each of the people that `person` gives a split."""
    sizes = {split: [person(split, i) for i in range(2 * _NUM_PEOPLE)] for split in ('train', 'eval')}
    return lambda rig: _write(rig, sizes, _LEAK, how)


def _sized(members: Any, others: Any, leak: float, how: str) -> Callable[[Rig], dict[str, Any]]:
    """People on one side each, with so many examples."""
    owners = {
        split: [f'{split} {i}' for i, size in enumerate(sizes) for _ in range(size)]
        for split, sizes in (('train', members), ('eval', others))
    }
    return lambda rig: _write(rig, owners, leak, how)


def _write(rig: Rig, owners: dict[str, list[str]], leak: float, how: str) -> dict[str, Any]:
    for split, seed in (('train', 1), ('eval', 2)):
        rows = worlds.make_rows(len(owners[split]), seed, leak * (split == 'train'))
        worlds.replace(rig, split, [row | {'person': one} for row, one in zip(rows, owners[split], strict=True)])
    return {'privacy_config': w.config(people={'group_key': 'person', 'group_aggregation': how})}


def _says(words: str) -> Callable[[Rig, PrivacyResult], None]:
    def check(rig: Rig, result: PrivacyResult) -> None:
        assert [warning for warning in result.record.warnings if words in warning], result.record.warnings

    return check
