"""The same lineage where ML Metadata is in MariaDB or PostgreSQL, as teams run it; skipped where none is installed."""

import json

import pytest
from google.protobuf import text_format

from privacy_component import Threshold
from privacy_component.cli import main
from tests.component import servers
from tests.component import world as w
from tests.component.lineage import Pipeline

LARGEST = 4000  # letters of a property
TAXI = '\N{TAXI}'


@pytest.fixture(params=servers.PACKAGES)
def pipeline(request, tmp_path):
    """A pipeline whose metadata are in an empty server of its own."""
    if not servers.is_installed(request.param):
        pytest.skip(f'{request.param} is not installed: apt-get install {servers.PACKAGES[request.param]}')
    with servers.running(request.param) as connection:
        yield Pipeline(tmp_path, connection)


def large_world(root):
    """Slices whose names are long and of letters that take four bytes; so are the sentences on them."""
    world = w.World(root).write()
    for split, seed, leak in (('train', 1, True), ('eval', 2, False)):
        rows = w.make_rows(600, seed, leak)
        world.replace_rows(split, [row | {'color': TAXI * 200 + row['color']} for row in rows])
    return world


def test_a_refusal_is_remembered_and_the_largest_properties_come_back_whole(pipeline, tmp_path, capsys):
    world = large_world(tmp_path / 'world')
    limits = tuple({'metric': 'auc', 'upper_bound': 0.5 + i / 100} for i in range(20))
    overall = ({'metric': 'auc', 'upper_bound': 0.95, 'slicing_specs': [{}]},)
    for thresholds in (limits, overall):
        pipeline.evaluate(world, w.config(thresholds=tuple(Threshold(**one) for one in thresholds)))
    first, second = pipeline.metrics()
    assert first.custom_properties['outcome'].string_value == 'refused'
    assert second.custom_properties['outcome'].string_value == 'refusal_stands'
    assert [one.custom_properties['blessed'].int_value for one in pipeline.blessings()] == [0, 0]
    message = pipeline.blessings()[0].custom_properties['blessing_message'].string_value
    assert len(message) == LARGEST and len(message.encode()) > 2 * LARGEST
    assert message == first.custom_properties['message'].string_value
    sizes = [len(value.string_value) for value in pipeline.blessings()[0].custom_properties.values()]
    assert max(sizes) == LARGEST
    (tmp_path / 'connection').write_text(text_format.MessageToString(pipeline.connection))
    assert main(['history', '--metadata-config', str(tmp_path / 'connection'), '--json']) == 0
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{')]
    assert sorted(one['outcome'] for one in listed) == ['refusal_stands', 'refused']
