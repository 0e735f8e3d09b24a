"""Slices that are asked for in several ways, and values that only look alike."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow_model_analysis as tfma

from privacy_component import PrivacyResult, SlicingSpec, Threshold
from tests.campaign import worlds
from tests.campaign.case import BLESSING, REFUSAL, Case, Rig
from tests.component import world as w

TWICE = 'slices: asked for twice'
VALUES = 'slices: values that look alike'
ONE_SIDED = 'slices: on one side only'

_RED = SlicingSpec(feature_values={'color': 'red'})


def cases() -> Iterator[Case]:
    yield from _asked_for_twice()
    yield from _alike()
    yield from _one_sided()


def _asked_for_twice() -> Iterator[Case]:
    ways: dict[str, tuple[SlicingSpec, ...]] = {
        'by a key and by a value': (_RED,),
        'five times': (_RED, SlicingSpec(('color',)), _RED, SlicingSpec(('color', 'color')), _RED),
        'a cross in either order': (SlicingSpec(('size', 'color')), SlicingSpec(('color', 'size'))),
        'a number as text too': (SlicingSpec(feature_values={'size': '1'}), SlicingSpec(feature_values={'size': 1})),
        'the overall slice too': (SlicingSpec(), SlicingSpec()),
    }
    for name, specs in ways.items():
        config = w.config(slicing_specs=(SlicingSpec(('size',)), *specs))
        yield Case(TWICE, name, lambda rig, c=config: {'privacy_config': c}, (REFUSAL,), world='leaky',
                   check=_counted_once)  # fmt: skip
        yield Case(TWICE, f'{name}, no leak', lambda rig, c=config: {'privacy_config': c}, (BLESSING,),
                   why='what is asked for twice is there', check=_counted_once)  # fmt: skip
    yield Case(TWICE, 'a slice of 16 and 17 that is named', _few(16, 17, specs=[_rare()]), (REFUSAL,), ('too few',))
    yield Case(TWICE, 'a slice of 5 and 5', _few(5, 5), (BLESSING,), check=_unnamed,
               why='a slice that nobody named and that is too small is only counted')  # fmt: skip
    unsafe = _few(40, 40, (Threshold('auc', 0.65, block_if='safety_not_shown', slicing_specs=(_rare(),)),))
    yield Case(TWICE, 'safety that twice as many would show', unsafe, (REFUSAL,), ('is not shown to be below',))


_ALIKE: dict[str, tuple[Any, Any]] = {
    'a trailing zero': ('1.10', '1.1'),
    'a leading zero': ('02134', '2134'),
    'an exponent': ('1e3', '1000'),
    'an underscore': ('1_0', '10'),
    'a leading space': (' 7', '7'),
    'whole numbers beyond floats, as text': (str(2**53 + 1), str(2**53)),
    'a number too large': ('1e400', 'inf'),
    'whole numbers beyond floats': (2**53 + 1, 2**53),
    'a number and text': (10, '10'),
    'an exponent and a number': ('1e3', 1000),
}


def _alike() -> Iterator[Case]:
    """A limit on a slice that the data do not have; and where they have both, on the one of the two that is tight."""
    for name, (wanted, held) in _ALIKE.items():
        limit = Threshold('auc', 0.6, slicing_specs=(SlicingSpec(feature_values={'code': wanted}),))
        yield Case(VALUES, f'{name}: only the other is there', _coded([held, 'zzz'], thresholds=(limit,)), (REFUSAL,),
                   ('which the data do not have',))  # fmt: skip
        asked = tfma.SlicingSpec(feature_values={'code': str(wanted)})
        if str(wanted) != str(held):
            yield Case(VALUES, f'{name}: in eval_config', _coded([held, 'zzz'], asked), (REFUSAL,),
                       ('has no examples',))  # fmt: skip
        if type(wanted) is type(held):
            yield Case(VALUES, f'{name}: the other leaks', _coded([wanted, held], thresholds=(limit,), leak=held),
                       (BLESSING,), why='the limit is on the slice without a leak', world='leaky')  # fmt: skip
    for name, (text, held) in {
        'a number': ('7', 7),
        'a decimal': ('0.1', 0.1),
        'a whole decimal': ('7.0', 7.0),
    }.items():
        asked = tfma.SlicingSpec(feature_values={'code': text})
        yield Case(VALUES, f'{name} is asked for in eval_config', _coded([held, held + 1], asked), (BLESSING,),
                   why='TFMA writes numbers as text')  # fmt: skip


def _coded(
    values: Sequence, asked: tfma.SlicingSpec | None = None, thresholds: Sequence[Threshold] = (), leak: Any = None
) -> Callable[[Rig], dict]:
    """Rows take turns in the values of `code`, written as text where one is text; members of one value may leak."""
    as_text = any(isinstance(value, str) for value in values)
    values = [value if not as_text or isinstance(value, str) else str(value) for value in values]

    def spoil(rig: Rig) -> dict:
        leaky, tight, others = worlds.member_rows(3.0), worlds.member_rows(0.0), worlds.other_rows()
        coded = [values[i % len(values)] for i in range(worlds.NUM_ROWS)]
        members = [leaky[i] if leak is not None and code == leak else tight[i] for i, code in enumerate(coded)]
        for split, rows in (('train', members), ('eval', others)):
            worlds.replace(rig, split, [r | {'code': code} for r, code in zip(rows, coded, strict=True)])
        evaluation = w.eval_config()
        evaluation.slicing_specs.append(asked or tfma.SlicingSpec(feature_keys=['code']))
        return {
            'privacy_config': w.config(**({'thresholds': thresholds} if thresholds else {})),
            'evaluation': evaluation,
        }

    return spoil


_SPELLINGS = {
    'Unicode normal form': ('Orl\u00e9ans', 'Orle\u0301ans'),
    'a trailing space': ('Orleans', 'Orleans '),
    'capitals': ('Orleans', 'ORLEANS'),
}


def _one_sided() -> Iterator[Case]:
    """120 exposed members of a value that hardly a non-member has, or has in another spelling."""
    for others in (0, 1, 9, 15):
        name = f'120 exposed members and {others} non-members'
        yield Case(ONE_SIDED, name, _city('Orleans', 'Orleans', others), (REFUSAL,), ('Orleans, non_members = all',))
    for kind, (members, others) in _SPELLINGS.items():
        yield Case(ONE_SIDED, f'the splits differ in {kind}', _city(members, others, 80), (REFUSAL,),
                   ('write the same value differently',))  # fmt: skip
        off = _city(members, others, 80, checks={'slice_spellings': 'off', 'slice_values': 'off'})
        yield Case(ONE_SIDED, f'the splits differ in {kind}, checks are off', off, (REFUSAL,), ('a leak is shown',))
    tight = _city('Orleans', 'Orleans', 0, leak=0.0)
    yield Case(ONE_SIDED, 'no leak and no non-member', tight, (BLESSING,), check=_told,
               why='by default a small slice that nobody named warns')  # fmt: skip
    blocks = _city('Orleans', 'Orleans', 0, leak=0.0, decision={'small_slices': 'block'})
    yield Case(ONE_SIDED, 'no leak and no non-member, small slices block', blocks, (REFUSAL,), ('undecided',))
    named = _city('Orleans', 'Orleans', 0, leak=0.0, slicing_specs=(SlicingSpec(feature_values={'city': 'Orleans'}),))
    yield Case(ONE_SIDED, 'no leak and no non-member, named', named, (REFUSAL,), ("'city = Orleans' has no examples",))
    refuses = _city('Orleans', 'Orleans', 0, leak=0.0, checks={'slice_values': 'refuse'})
    yield Case(ONE_SIDED, 'no leak and no non-member, the check refuses', refuses, (REFUSAL,), ('hardly stand on',))


def _city(members: str, others: str, num_others: int, leak: float = 3.0, **settings: Any) -> Callable[[Rig], dict]:
    """So many members and non-members live there, by either spelling, all others in one city; the members leak."""

    def spoil(rig: Rig) -> dict:
        exposed = [row if i < 120 else other for i, (row, other) in enumerate(
            zip(worlds.member_rows(leak), worlds.member_rows(0.0), strict=True))]  # fmt: skip
        for split, rows, city, num in (
            ('train', exposed, members, 120),
            ('eval', worlds.other_rows(), others, num_others),
        ):
            worlds.replace(rig, split, [r | {'city': city if i < num else 'Lyon'} for i, r in enumerate(rows)])
        # Of all examples together no more than this is asked, so that only the slice can block.
        by_city = Threshold(
            'auc', 0.6, slicing_specs=(SlicingSpec(('city',)), SlicingSpec(feature_values={'city': 'Lyon'}))
        )
        config = {'slicing_specs': (), 'thresholds': (by_city,), 'slices': {'by_class': False}} | settings
        config['slicing_specs'] = (SlicingSpec(('city',)), *config['slicing_specs'])
        return {
            'privacy_config': w.config(**config),
            'evaluation': tfma.EvalConfig(model_specs=[tfma.ModelSpec(label_key='label')]),
        }

    return spoil


def _told(rig: Rig, result: PrivacyResult) -> None:
    """The slice is named, and how many non-members it has is not."""
    assert any('city = Orleans: undecided' in warning for warning in result.verdict.warnings)
    assert (('city', 'Orleans'),) not in {r.slice_key for r in result.results}
    assert 'Orleans' in rig.metrics_dir.joinpath('report.html').read_text()


def _rare(value: str = 'mauve') -> SlicingSpec:
    return SlicingSpec(feature_values={'color': value})


def _few(
    members: int, others: int, thresholds: Sequence[Threshold] = (Threshold('auc', 0.6),), specs: Sequence = ()
) -> Callable[[Rig], dict]:
    """So many rows of either side are mauve, and evaluated by color twice."""

    def spoil(rig: Rig) -> dict:
        for split, rows, few in (('train', worlds.member_rows(0.0), members), ('eval', worlds.other_rows(), others)):
            worlds.replace(rig, split, [r | {'color': 'mauve'} if i < few else r for i, r in enumerate(rows)])
        evaluation = w.eval_config()
        evaluation.slicing_specs.append(tfma.SlicingSpec(feature_keys=['color']))
        evaluation.slicing_specs.append(
            tfma.SlicingSpec(feature_values={'color': 'mauve'}) if specs else tfma.SlicingSpec()
        )
        crosses = (SlicingSpec(('size', 'color')), SlicingSpec(('color', 'size')))
        config = w.config(slicing_specs=(*specs, *crosses), thresholds=tuple(thresholds))
        return {'privacy_config': config, 'evaluation': evaluation}

    return spoil


def _counted_once(rig: Rig, result: PrivacyResult) -> None:
    """Every row is in one slice of color and in one of size, and no slice is listed twice."""
    listed = collections.Counter((r.slice, r.attack) for r in result.results)
    assert max(listed.values()) == 1
    for attack in {r.attack for r in result.results}:
        sizes: collections.Counter = collections.Counter()
        for r in result.results:
            sizes[tuple(name for name, _ in r.slice_key)] += r.num_members if r.attack == attack else 0
        assert {sizes[features] for features in ((), ('color',), ('size',))} == {worlds.NUM_ROWS}


def _unnamed(rig: Rig, result: PrivacyResult) -> None:
    assert result.num_suppressed >= 1
    assert 'mauve' not in rig.metrics_dir.joinpath('privacy_metrics.json').read_text()
    assert 'mauve' not in rig.metrics_dir.joinpath('report.html').read_text()
