"""Slices that are asked for in several ways, and values that only look alike."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterator, Sequence

import tensorflow_model_analysis as tfma

from privacy_component import PrivacyResult, SlicingSpec, Threshold
from tests.campaign import worlds
from tests.campaign.case import BLESSING, REFUSAL, Case, Rig
from tests.component import world as w

TWICE = 'slices: asked for twice'

_RED = SlicingSpec(feature_values={'color': 'red'})


def cases() -> Iterator[Case]:
    yield from _asked_for_twice()


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
