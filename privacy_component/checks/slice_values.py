"""Values of a slicing feature that only one of the two splits has, and values that the splits write differently."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence

from privacy_component.checks.check import REFUSE, WARN, CheckInfo, Finding
from privacy_component.checks.evidence import Evidence, ValueFigures
from privacy_component.metrics.slice_result import SliceResult
from privacy_component.observations.columns import SliceValue
from privacy_component.observations.derived import is_made_of_outputs
from privacy_component.observations.slicing import OVERALL, is_against_all, slice_name

# A split drawn at random leaves out a value that stands 30 times in the other once in 2^30 times.
FEWEST = 30
# And a value that the other split does have is called one-sided below a third of what the splits' sizes lead to expect.
FEWER = 3
_NAMED = 5


def measure_slice_values(results: Sequence[SliceResult], min_reported_examples: int) -> tuple[ValueFigures, ...]:
    """The values of every slicing feature that hardly stand on one of the sides, from the sizes of all slices.

    Values with fewer than FEWEST rows, or than `min_reported_examples`, on the other side are left out: they give
    people away, and chance makes them.
    """
    whole = next((r for r in results if r.slice_key == OVERALL), None)
    if whole is None:
        return ()
    sizes = sorted(_sizes(results, whole.attack).items(), key=lambda one: (one[0][0], str(one[0][1])))
    totals = whole.num_members, whole.num_non_members
    found = (_one_sided(name, value, size, totals, min_reported_examples) for (name, value), size in sizes)
    return tuple(one for one in found if one is not None)


def one_sided_values(evidence: Evidence) -> Finding | str:
    """Whether many examples of one side have a value that hardly any of the other has."""
    if isinstance(evidence.values, str):
        return evidence.values
    found = sorted(evidence.values, key=lambda one: -one.num_rows)
    message = 'No value of a slicing feature stands on one side only'
    if found:
        named = '; '.join(map(_described, found[:_NAMED])) + ('; ...' if len(found) > _NAMED else '')
        message = (
            f'{len(found):,} of the values to slice by hardly stand on the other side, so nothing can be said about '
            f'these slices by themselves: {named}. Give examples of them on both sides, or mend how they are written'
        )
    return Finding(bool(found), f'{message}.', {'one_sided': float(len(found))})


def different_spellings(evidence: Evidence) -> Finding | str:
    """Whether members and non-members write a value differently: in case, white space or Unicode normal form."""
    if isinstance(evidence.values, str):
        return evidence.values
    found = list(_pairs(evidence.values))
    message = 'No value is written in one way by members and in another by non-members'
    if found:
        named = '; '.join(
            f'{one.feature.removeprefix("@")} is {one.value!a} among members and {other.value!a} among non-members'
            for one, other in found[:_NAMED]
        )
        message = (
            f'The splits write the same value differently, so members of that slice are compared with nobody: {named}. '
            'They differ in nothing but capitals, white space or Unicode normal form: write them alike in both splits'
        )
    return Finding(bool(found), f'{message}.', {'pairs': float(len(found))})


def spelling(value: SliceValue) -> str:
    """What is left of a value without capitals, white space at its ends or repeated, and Unicode's ways to write it."""
    return ' '.join(unicodedata.normalize('NFKC', str(value)).casefold().split())


def _sizes(results: Sequence[SliceResult], attack: str) -> dict[tuple[str, SliceValue], tuple[int, int]]:
    """How many members and non-members have each value, by the slices of the fewest features that tell it."""
    by_value: dict[tuple[str, SliceValue], dict[tuple[str, ...], list[SliceResult]]] = defaultdict(dict)
    for result in results:
        if result.attack != attack or is_against_all(result.slice_key):
            continue
        features = tuple(feature for feature, _ in result.slice_key)
        if not is_made_of_outputs(result.slice_key):
            for pair in result.slice_key:
                by_value[pair].setdefault(features, []).append(result)
    return {pair: _total(families[min(families, key=lambda f: (len(f), f))]) for pair, families in by_value.items()}


def _total(results: Sequence[SliceResult]) -> tuple[int, int]:
    return sum(r.num_members for r in results), sum(r.num_non_members for r in results)


def _one_sided(
    feature: str, value: SliceValue, size: tuple[int, int], totals: tuple[int, int], least: int
) -> ValueFigures | None:
    for side in (0, 1):
        many, few = size[side], size[1 - side]
        if many >= max(FEWEST, least) and few < FEWEST and FEWER * few * totals[side] < many * totals[1 - side]:
            return ValueFigures(feature, value, num_rows=many, is_of_members=side == 0, fewer_than=max(least, few + 1))
    return None


def _described(one: ValueFigures) -> str:
    sides = ('members', 'non-members') if one.is_of_members else ('non-members', 'members')
    few = f'fewer than {one.fewer_than:,}' if one.fewer_than > 1 else 'no'
    return f'{slice_name(((one.feature, one.value),))} ({one.num_rows:,} {sides[0]}, {few} {sides[1]})'


def _pairs(values: Sequence[ValueFigures]) -> Iterator[tuple[ValueFigures, ValueFigures]]:
    members: dict[tuple[str, str], list[ValueFigures]] = defaultdict(list)
    for one in values:
        if one.is_of_members:
            members[one.feature, spelling(one.value)].append(one)
    for other in values:
        if not other.is_of_members:
            yield from ((one, other) for one in members.get((other.feature, spelling(other.value)), ()))


VALUES = CheckInfo(
    look=one_sided_values,
    default=WARN,
    meaning='A slice with members and hardly a non-member cannot be decided by itself; beside all non-members a leak '
    'in it cannot be told from an easier slice.',
)
SPELLINGS = CheckInfo(
    look=different_spellings,
    default=REFUSE,
    meaning='Members and non-members of one slice stand in two, and each is compared with nobody: that hides a leak.',
)
