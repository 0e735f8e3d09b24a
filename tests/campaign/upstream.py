"""Blessings from upstream: none, not one, or not said in the way that counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tfx.types import standard_artifacts

from tests.campaign.artifacts import inputs_with
from tests.campaign.case import BLESSING, REFUSAL, Case, Rig

UPSTREAM = 'upstream blessing'


def cases() -> Iterator[Case]:
    blessed = 'the upstream is a blessing'
    yield Case(UPSTREAM, 'blessed', lambda rig: _blessings(rig, 1), (BLESSING,), why=blessed)
    refused: dict[str, tuple] = {
        'not blessed': (0,),
        'says nothing': (None,),
        'no artifact': (),
        'one of two is not blessed': (1, 0),
        'a number that is no blessing': (2,),
        'a blessing in words': ('1',),
    }
    for name, properties in refused.items():
        yield Case(UPSTREAM, name, lambda rig, p=properties: _blessings(rig, *p), (REFUSAL,), ('upstream',))
    for name, other in {'another model': '/models/16', 'a model beside it': '{}2', 'a part of it': '{}/Format'}.items():
        named = lambda rig, o=other: _blessing_of(rig, o.format(rig.root / 'model'))  # noqa: E731
        yield Case(UPSTREAM, f'of {name}', named, mentions=("'model_blessing' is of the model",))
    own = {'this model': '{}', 'this model, with a slash': '{}/'}
    for name, uri in own.items():
        named = lambda rig, u=uri: _blessing_of(rig, u.format(rig.root / 'model'))  # noqa: E731
        yield Case(UPSTREAM, f'of {name}', named, (BLESSING,), why=blessed)
    yield Case(UPSTREAM, 'only a file says so', _blessed_by_file, (REFUSAL,), ('upstream',))


def _blessing(rig: Rig, value: Any) -> standard_artifacts.ModelBlessing:
    blessing = standard_artifacts.ModelBlessing()
    blessing.uri = str(rig.root / 'upstream')
    if isinstance(value, str):
        blessing.set_string_custom_property('blessed', value)
    elif value is not None:
        blessing.set_int_custom_property('blessed', value)
    return blessing


def _blessings(rig: Rig, *values: Any) -> dict[str, Any]:
    return inputs_with(rig, model_blessing=[_blessing(rig, value) for value in values])


def _blessing_of(rig: Rig, uri: str) -> dict[str, Any]:
    blessing = _blessing(rig, 1)
    blessing.set_string_custom_property('current_model', uri)
    return inputs_with(rig, model_blessing=[blessing])


def _blessed_by_file(rig: Rig) -> dict[str, Any]:
    (rig.root / 'upstream').mkdir()
    (rig.root / 'upstream' / 'BLESSED').write_bytes(b'')
    return _blessings(rig, None)
