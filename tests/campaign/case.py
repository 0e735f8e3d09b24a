"""A case: a world, what is done to it, how the real executor may end; and what must hold however it ends."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tfx.types import standard_artifacts

from privacy_component import PrivacyInputError, PrivacyMetrics, PrivacyResult
from privacy_component.component import executor
from tests.component import world as w

ERROR = 'clear error'
REFUSAL = 'refusal'
BLESSING = 'blessing'


@dataclasses.dataclass
class Rig(w.World):
    """A World whose output directories a case may spoil, and that keeps the artifacts it handed out."""

    handed_out: dict[str, list] = dataclasses.field(default_factory=dict)

    def outputs(self, name: str = 'out') -> dict:
        metrics, blessing = PrivacyMetrics(), standard_artifacts.ModelBlessing()
        metrics.uri, blessing.uri = str(self.root / name / 'metrics'), str(self.root / name / 'blessing')
        for artifact in (metrics, blessing):
            with contextlib.suppress(OSError):
                Path(artifact.uri).mkdir(parents=True, exist_ok=True)
        self.handed_out = {executor.PRIVACY_METRICS_KEY: [metrics], executor.BLESSING_KEY: [blessing]}
        return self.handed_out

    @property
    def metrics_dir(self) -> Path:
        return self.root / 'out' / 'metrics'

    @property
    def blessing_dir(self) -> Path:
        return self.root / 'out' / 'blessing'

    def shard(self, split: str = 'train', number: int = 0) -> Path:
        return sorted((self.root / 'examples' / f'Split-{split}').glob('*'))[number]

    @property
    def saved_model(self) -> Path:
        return self.root / 'model' / 'Format-Serving'


Spoil = Callable[[Rig], 'dict[str, Any] | None']


@dataclasses.dataclass(frozen=True)
class Case:
    """One way for things to go wrong.

    Attributes:
      family, name: what it is called in the table.
      spoil: changes the world on disk; may return arguments for its run.
      expects: the ends that are right.
      mentions: what the error or the reasons must name.
      world: the name of the world it starts from; see `worlds`.
      why: for an end in a blessing, why that is right.
      check: what else must hold of a run that ends with a verdict.
    """

    family: str
    name: str
    spoil: Spoil
    expects: tuple[str, ...] = (ERROR,)
    mentions: tuple[str, ...] = ()
    world: str = 'tight'
    why: str = ''
    check: Callable[[Rig, PrivacyResult], None] | None = None

    def __post_init__(self) -> None:
        assert self.expects and set(self.expects) <= {ERROR, REFUSAL, BLESSING}
        assert (BLESSING in self.expects) == bool(self.why), f'{self.name}: a blessing needs a reason, and only it'


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run ended, in which words, and the result if there is one."""

    kind: str
    said: str
    result: PrivacyResult | None = None


def run(rig: Rig, **arguments: Any) -> Outcome:
    """The real executor's end; checks what it left behind."""
    try:
        rig.run(**arguments)
    except PrivacyInputError as error:
        outcome = Outcome(ERROR, str(error))
    else:
        result = PrivacyResult.load(rig.metrics_dir / 'privacy_metrics.json')
        outcome = Outcome(BLESSING if is_blessed(rig) else REFUSAL, ' '.join(result.verdict.reasons), result)
    check_left_behind(rig, outcome)
    return outcome


def is_blessed(rig: Rig) -> bool:
    """Whether anything that is read as a blessing says so: the file, or the property that Pusher reads."""
    (blessing,) = rig.handed_out[executor.BLESSING_KEY]
    says_so = blessing.get_int_custom_property('blessed') == 1
    return says_so or any(path.name == 'BLESSED' for path in rig.root.joinpath('out').rglob('*'))


def check_left_behind(rig: Rig, outcome: Outcome) -> None:
    """Nothing half-written, nothing in two minds, nothing after an error."""
    left = {path.name for path in rig.root.joinpath('out').rglob('*') if path.is_file()}
    if outcome.result is None:
        assert not is_blessed(rig), outcome
        assert not left - {'out', 'metrics', 'blessing'}, left  # but for files that stand in the way
        assert '\n' not in outcome.said, outcome.said
        assert 'while running' not in outcome.said, outcome.said
        assert 'Traceback' not in outcome.said, outcome.said
        return
    assert outcome.result.verdict.blessed == (outcome.kind == BLESSING)
    assert ('BLESSED' in left) == (outcome.kind == BLESSING)
    assert ('NOT_BLESSED' in left) == (outcome.kind != BLESSING)
    assert rig.metrics_dir.joinpath('report.html').read_text().rstrip().endswith('</html>')
    assert not [name for name in left if name.endswith('.part') or name.startswith('.')], left
