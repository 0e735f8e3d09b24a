"""Output directories: unwritable, used before, used by two evaluations at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from privacy_component import PrivacyInputError, PrivacyResult
from privacy_component.component import executor, publish
from privacy_component.component.output_lock import OutputLock
from tests.campaign.case import BLESSING, ERROR, REFUSAL, Rig, check_left_behind, is_blessed, run
from tests.campaign.worlds import Templates

UNWRITABLE = 'outputs: unwritable'
USED_BEFORE = 'outputs: used before'
SHARED = 'outputs: two evaluations in one directory'


def _file_in_the_place_of(name: str) -> Callable[[Rig], None]:
    def spoil(rig: Rig) -> None:
        path = rig.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('in the way')

    return spoil


def _link_in_the_place_of(name: str) -> Callable[[Rig], None]:
    def spoil(rig: Rig) -> None:
        path = rig.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(rig.root / 'nowhere' / 'at' / 'all')

    return spoil


IN_THE_WAY = {
    'a file in the place of privacy_metrics': _file_in_the_place_of('out/metrics'),
    'a file in the place of the blessing': _file_in_the_place_of('out/blessing'),
    'a file in the place of both': _file_in_the_place_of('out'),
    'a link to nowhere': _link_in_the_place_of('out/metrics'),
}


@pytest.mark.parametrize('name', IN_THE_WAY)
def test_unwritable(name, templates, tmp_path, count):
    rig = templates.copy('tight', tmp_path)
    IN_THE_WAY[name](rig)
    outcome = run(rig)
    count(UNWRITABLE, outcome.kind, (ERROR,))
    assert outcome.kind == ERROR
    assert 'cannot be written' in outcome.said


def _blessed(rig: Rig, templates: Templates) -> None:
    assert run(templates.copy('tight', rig.root)).kind == BLESSING


def _refused(rig: Rig, templates: Templates) -> None:
    assert run(templates.copy('leaky', rig.root)).kind == REFUSAL


def _killed(rig: Rig, templates: Templates) -> None:
    for folder in (rig.metrics_dir, rig.blessing_dir):
        folder.mkdir(parents=True)
    rig.metrics_dir.joinpath('privacy_metrics.json.part').write_text('{"schema_version": 1, "verdict": {"bl')
    rig.metrics_dir.joinpath('.measurements-1.json').write_text('{')
    rig.metrics_dir.joinpath('.evaluation').write_text('of a process that is no more')
    rig.blessing_dir.joinpath('BLESSED').write_bytes(b'')


BEFORE = {'a blessing': _blessed, 'a refusal': _refused, 'a killed evaluation': _killed}
AFTER = {'tight': BLESSING, 'leaky': REFUSAL, 'no model': ERROR}


@pytest.mark.parametrize('after', AFTER)
@pytest.mark.parametrize('before', BEFORE)
def test_used_before(before, after, templates, tmp_path, count):
    """Nothing of an earlier evaluation is left, however the later one ends."""
    BEFORE[before](Rig(tmp_path), templates)
    rig = templates.copy('tight' if after == 'no model' else after, tmp_path)
    if after == 'no model':
        (rig.saved_model / 'saved_model.pb').unlink()
    outcome = run(rig)
    count(USED_BEFORE, outcome.kind, (AFTER[after],))
    assert outcome.kind == AFTER[after], outcome.said


STEPS = {
    'before its job': (executor.preflight, 'make_plan'),
    'after its job': (executor.job, 'take_measurements'),
    'before its metrics': (publish, 'write_metrics'),
    'before its report': (publish.html, 'render'),
}


@pytest.mark.parametrize('step', STEPS)
def test_another_evaluation_runs_meanwhile(step, templates, tmp_path, monkeypatch, count):
    """A model that leaks is evaluated into the directory of one that does not: the later verdict alone is left."""
    tight, leaky = (templates.copy(name, tmp_path / name) for name in ('tight', 'leaky'))
    (leaky.root / 'out').symlink_to(tight.root / 'out')
    (tight.root / 'out').mkdir()
    module, name = STEPS[step]
    original = getattr(module, name)
    ended = []

    def interrupted(*args, **kwargs):
        monkeypatch.setattr(module, name, original)
        ended.append(run(leaky))
        return original(*args, **kwargs)

    monkeypatch.setattr(module, name, interrupted)
    with pytest.raises(PrivacyInputError, match=r'another evaluation|cannot be (read|written)'):
        tight.run()
    count(SHARED, ERROR, (ERROR,))
    assert [one.kind for one in ended] == [REFUSAL]
    check_left_behind(leaky, ended[0])
    assert not is_blessed(tight)
    assert not PrivacyResult.load(tight.metrics_dir / 'privacy_metrics.json').verdict.blessed


def test_another_evaluation_starts_while_the_blessing_is_written(templates, tmp_path, monkeypatch, count):
    rig = templates.copy('tight', tmp_path)
    original = publish.write_blessing

    def interrupted(blessing, *rest):
        OutputLock.on(str(rig.metrics_dir), str(rig.blessing_dir))
        original(blessing, *rest)

    monkeypatch.setattr(publish, 'write_blessing', interrupted)
    with pytest.raises(PrivacyInputError, match='another evaluation has started'):
        rig.run()
    count(SHARED, ERROR, (ERROR,))
    assert not (rig.blessing_dir / 'BLESSED').exists()


NUM_CASES = {UNWRITABLE: len(IN_THE_WAY), USED_BEFORE: len(BEFORE) * len(AFTER), SHARED: len(STEPS) + 1}
