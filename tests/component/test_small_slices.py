"""Small slices and report-only configs through the real executor, and everything it leaves behind."""

import json
from pathlib import Path

import pytest

from privacy_component import PrivacyConfig, Threshold, policy
from privacy_component.beam import job
from privacy_component.gate.verdict import decide
from privacy_component.observations.slicing import SlicingSpec
from privacy_component.report.summary import summary
from tests.beam.arrays import load
from tests.component import world as w

# Each of them in a color of its own: too few members, too few of both. And members enough to give nobody away.
RARE = {'vermilion': (4, 25), 'ochre': (9, 4)}
ONE_SIDED = {'sienna': (40, 0), 'teal': (250, 9)}


def world_with_rare_colors(root: Path) -> w.World:
    world = w.World(root).write(leak=False)
    for split, side in (('train', 0), ('eval', 1)):
        rows = w.make_rows(600, side + 1, leak=False)
        colors = [color for color, sizes in (RARE | ONE_SIDED).items() for _ in range(sizes[side])]
        rare = w.make_rows(len(colors), side + 10, leak=False)
        world.replace_rows(split, rows + [row | {'color': color} for row, color in zip(rare, colors, strict=True)])
    return world


def everything_left(world: w.World, outputs: dict) -> str:
    """All files of the artifacts and all their properties, as text."""
    paths = [path for name in ('metrics', 'blessing') for path in (world.root / 'out' / name).rglob('*')]
    files = [path.read_bytes().decode(errors='replace') for path in paths if path.is_file()]
    return '\n'.join([*files, *(str(artifact.mlmd_artifact) for artifact in outputs.values())])


def test_a_rare_value_is_named_nowhere(tmp_path, caplog):
    world = world_with_rare_colors(tmp_path)
    with caplog.at_level('DEBUG', logger='absl'):
        outputs = world.run()
    text = everything_left(world, outputs) + caplog.text
    assert 'color = red' in text and 'Privacy: BLESSED' in caplog.text
    assert not any(color in text for color in RARE)
    result = load(outputs)
    own = {one.slice for one in result.results}
    assert own.isdisjoint(f'color = {color}' for color in ONE_SIDED)  # how many non-members those have is not told
    assert own >= {f'color = {color}, non_members = all' for color in ONE_SIDED}
    crosses = 2 * len(RARE)  # color x size
    assert result.num_suppressed == outputs['privacy_metrics'].get_int_custom_property('num_suppressed_slices')
    assert len(RARE) < result.num_suppressed <= len(RARE) + crosses
    assert result.verdict.warnings[-1].startswith(f'{result.num_suppressed} slices with fewer than 10 members or')
    assert result.verdict.warnings[-1] in (Path(outputs['privacy_metrics'].uri) / 'report.html').read_text()
    again = decide(result.results, w.config(), num_suppressed=result.num_suppressed, checks=result.checks)
    assert again == result.verdict


def test_what_the_job_leaves_for_the_component_does_not_name_it_either(tmp_path, monkeypatch):
    """After a kill at that moment the file stays."""
    left, original = [], job.take_measurements
    monkeypatch.setattr(job, 'take_measurements', lambda path: (left.append(Path(path).read_text()), original(path))[1])
    outputs = world_with_rare_colors(tmp_path).run()
    (text,) = left
    assert '"red"' in text and '"teal"' in text
    assert not any(color in text for color in RARE)
    assert json.loads(text)['num_suppressed'] == load(outputs).num_suppressed


def test_with_block_they_block_as_a_count(tmp_path):
    outputs = world_with_rare_colors(tmp_path).run(w.config(decision={'small_slices': 'block'}))
    assert [path.name for path in Path(outputs['blessing'].uri).iterdir()] == ['NOT_BLESSED']
    message = outputs['blessing'].get_string_custom_property('blessing_message')
    assert message.endswith('slices with fewer than 10 members or non-members are not listed.')
    assert not any(color in message for color in RARE)


@pytest.mark.parametrize('color', ['ochre', 'no such color'])
def test_a_rare_value_that_a_threshold_names_blocks(tmp_path, color):
    named = Threshold('auc', 0.9, slicing_specs=(SlicingSpec(feature_values={'color': color}),))
    outputs = world_with_rare_colors(tmp_path).run(w.config(thresholds=(Threshold('auc', 0.6), named)))
    verdict = load(outputs).verdict
    assert not verdict.blessed
    assert f"'color = {color}', which the data do not have, or only with fewer than 10 members" in verdict.reasons[0]


def test_a_report_only_blesses_nothing_and_looks_like_no_mistake(tmp_path):
    config = policy('report_only')
    assert isinstance(config, PrivacyConfig)
    outputs = w.World(tmp_path).write(leak=True).run(config)
    assert [path.name for path in Path(outputs['blessing'].uri).iterdir()] == ['NOT_BLESSED']
    assert outputs['blessing'].get_int_custom_property('blessed') == 0
    assert outputs['blessing'].get_string_custom_property('blessing_message').startswith('Report only')
    page = (Path(outputs['privacy_metrics'].uri) / 'report.html').read_text()
    assert 'REPORT ONLY' in page and 'BLOCKED' not in page
    assert summary(load(outputs)).startswith('Privacy: REPORT ONLY. A report only')
