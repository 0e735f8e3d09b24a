"""The gate again, from the files of an evaluation alone: no model, no examples, no TFX."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from privacy_component.config.declared import is_replayable
from privacy_component.config.moved_fields import reworded
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.errors import PrivacyInputError
from privacy_component.evaluation import decision
from privacy_component.evaluation.result import FILE_NAME, PrivacyResult
from privacy_component.gate.baseline import attacks_on_baseline, attacks_paired, unused_baseline
from privacy_component.gate.reasons import passed_above_limits
from privacy_component.gate.verdict import Comparison, Verdict
from privacy_component.metrics.registry import metric_named
from privacy_component.observations.observations import MULTICLASS

_PACKAGES = ('privacy-component', 'numpy', 'scipy')
# Other releases of numpy and scipy give other last bits: by 1e-15 at most between numpy 1.24 and 2.5.
_SAME_FIGURE = 1e-12
_UNKNOWN = object()
# What a value of another kind than was written ends in, somewhere in the figures.
_OF_DAMAGE = (
    ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, RecursionError, StopIteration, TypeError,
    ValueError,
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Replay:
    """A decision taken again.

    Attributes:
      verdict: the new one.
      recorded: the one in the file.
      is_same_config: whether both are by the same config; then they are equal but for the last bits of figures.
      is_sealed: whether a decision.json beside the file holds its hash.
      largest_difference: between a figure of the recorded verdict and the same one derived again, relative to it;
        0.0 where they are equal to the bit.
      versions: 'numpy 2.2.6, ...' that the evaluation was decided with, as far as it is recorded.
    """

    verdict: Verdict
    recorded: Verdict | None
    is_same_config: bool
    is_sealed: bool
    largest_difference: float = 0.0
    versions: str = ''


def replay(path: str | Path, config: PrivacyConfig | None = None, decision_sha256: str | None = None) -> Replay:
    """Decides again on a stored result.

    Args:
      path: a privacy_metrics.json, or the directory of the artifact that it is in.
      config: the limits to decide by; those of the evaluation if not given.
      decision_sha256: the hash that decision.json must have, as the blessing's property of that name says.

    Raises:
      PrivacyInputError: the files are missing, damaged or changed, the config asks for what was not measured, or the
        recorded verdict does not follow from the recorded figures. No verdict can be relied on then.
    """
    result, is_sealed = load_checked(path, decision_sha256)
    with damage_named(path):
        return _replay(result, config, is_sealed)


def load_checked(path: str | Path, decision_sha256: str | None = None) -> tuple[PrivacyResult, bool]:
    """A stored result, and whether a decision.json beside it holds its hash.

    Args:
      path, decision_sha256: as for `replay`.

    Raises:
      PrivacyInputError: the files are missing, damaged or changed.
    """
    if decision_sha256 is not None and not decision_sha256.strip():
        raise PrivacyInputError('decision_sha256 is empty: give the hash that the blessing has as decision_sha256.')
    file = _metrics_file(path)
    text = _read(file)
    seal = _seal(file, text, decision_sha256)
    with damage_named(path):
        result = PrivacyResult.from_json(text)
        _check_seal(file, seal, result, text)
    return result, seal is not None


@contextlib.contextmanager
def damage_named(path: str | Path) -> Iterator[None]:
    """Whatever fails on the values of a file, as a PrivacyInputError that names the file."""
    try:
        yield
    except PrivacyInputError:
        raise
    except _OF_DAMAGE as error:
        raise PrivacyInputError(
            f'{_metrics_file(path)} is damaged ({error!r}): restore it, or evaluate again.'
        ) from error


def _metrics_file(path: str | Path) -> Path:
    path = Path(path)
    return path / FILE_NAME if path.is_dir() else path


def read_config(path: str | Path) -> PrivacyConfig:
    """The PrivacyConfig in a JSON file."""
    text = _read(Path(path))
    try:
        return PrivacyConfig.from_json(text)
    except PrivacyInputError as error:
        raise PrivacyInputError(f'{path}: {error}') from error


def _replay(result: PrivacyResult, config: PrivacyConfig | None, is_sealed: bool) -> Replay:
    recorded_config = result.record.privacy_config
    again = decision.decide_result(result, recorded_config)
    versions = _recorded_versions(result.record.versions or {})
    of_figures = _check_follows(result.verdict, again, versions)
    config = config and config.for_task(_task(result, recorded_config))
    if config is None or config == recorded_config:
        return Replay(again, result.verdict, True, is_sealed, of_figures, versions)
    _check_measured(result, config, recorded_config)
    other = decision.decide_result(result, config)
    return Replay(other, result.verdict, False, is_sealed, of_figures, versions)


def _check_follows(recorded: Verdict | None, again: Verdict, versions: str) -> float:
    """The largest relative difference between the figures of both verdicts.

    Raises:
      PrivacyInputError: they differ in anything but the last bits of figures.
    """
    if recorded is None:
        return 0.0
    different = next(_differences(recorded, again), None)
    if different:
        raise PrivacyInputError(
            f'the recorded verdict does not follow from the recorded figures with this release: {different}. The file '
            f'was changed, or written with another release ({versions}): replay it with that.'
        )
    pairs = zip(recorded.comparisons, again.comparisons, strict=True)
    return max((_difference(*values) for was, now in pairs for values in _figures_of(was, now)), default=0.0)


def _figures_of(was: Comparison, now: Comparison) -> Iterator[tuple[Any, Any]]:
    return ((getattr(was, field.name), getattr(now, field.name)) for field in dataclasses.fields(Comparison))


def _difference(was: Any, now: Any) -> float:
    """Between two figures, relative to the larger one; infinite between what is not equal and no two figures."""
    if was == now:
        return 0.0
    are_figures = all(isinstance(value, float) and math.isfinite(value) for value in (was, now))
    return abs(was - now) / max(abs(was), abs(now)) if are_figures else math.inf


def _task(result: PrivacyResult, recorded: PrivacyConfig) -> str:
    """The model's task: the component records it in the config only, where 'auto' means a classifier."""
    told = result.record.task or recorded.outputs.task
    return MULTICLASS if told == 'auto' else told


def _reworded(verdict: Verdict) -> Verdict:
    reasons, warnings = (tuple(map(reworded, sentences)) for sentences in (verdict.reasons, verdict.warnings))
    return dataclasses.replace(verdict, reasons=reasons, warnings=warnings)


def _read(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():  # to open a pipe would wait for who writes to it
            raise PrivacyInputError(f'{path} is no regular file: name the {FILE_NAME} of an evaluation.')
        return path.read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError) as error:
        raise PrivacyInputError(f'{path} cannot be read ({error}): name a readable file.') from error


def _seal(file: Path, text: str, decision_sha256: str | None) -> dict[str, Any] | None:
    """The decision.json beside the metrics, which holds their hash; None if there is none and none is asked for."""
    sealed_by = file.parent / decision.FILE_NAME
    if not sealed_by.exists() and not decision_sha256:
        return None
    record = _read(sealed_by)
    found = decision.sha256(record)
    if decision_sha256 and found != decision_sha256:
        raise PrivacyInputError(
            f'{sealed_by} has the SHA-256 {found}, not {decision_sha256}: it is another decision, or it was changed '
            'afterwards.'
        )
    try:
        seal = json.loads(record)
        metrics_sha256 = seal['sha256']['privacy_metrics']
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PrivacyInputError(f'{sealed_by} is damaged ({error!r}): restore it, or evaluate again.') from error
    if metrics_sha256 != decision.sha256(text):
        raise _changed(file, 'its hash is another')
    return seal


def _check_seal(file: Path, seal: dict[str, Any] | None, result: PrivacyResult, text: str) -> None:
    """Raises PrivacyInputError if decision.json says in any field something else than the metrics."""
    if seal is None:
        return
    if result.verdict is None:
        raise _changed(file, 'it has a verdict')
    expected = json.loads(decision.decision_json(result, text))
    differing = [
        name for name in {**expected, **seal} if name not in seal or seal[name] != expected.get(name, _UNKNOWN)
    ]
    if differing:
        raise _changed(file, f"its '{differing[0]}' is another")


def _changed(file: Path, how: str) -> PrivacyInputError:
    return PrivacyInputError(
        f'{file} is not what the {decision.FILE_NAME} beside it was written for ({how}): one of them was changed '
        'afterwards. Restore both, or evaluate again.'
    )


def _check_measured(result: PrivacyResult, config: PrivacyConfig, recorded: PrivacyConfig) -> None:
    """Raises PrivacyInputError if the config asks for figures that the result does not have."""
    for path, asked, was in _fixed(config, recorded, 'PrivacyConfig'):
        if asked != was:
            raise PrivacyInputError(
                f'{path} is {asked!r} in the config but {was!r} in the evaluation, and a replay measures nothing: make '
                'them equal, or evaluate again.'
            )
    _check_metrics(result, config)
    _check_changes(result, config, recorded)


def _fixed(config: Any, recorded: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Path and both values of every field that says what to measure, those within groups too."""
    for field in dataclasses.fields(config):
        asked, was, name = getattr(config, field.name), getattr(recorded, field.name), f'{path}.{field.name}'
        if dataclasses.is_dataclass(asked):
            yield from _fixed(asked, was, name)
        elif not is_replayable(field):
            yield name, asked, was


def _check_metrics(result: PrivacyResult, config: PrivacyConfig) -> None:
    measured = {name for one in result.results for name in one.metrics}
    asked = [metric_named(threshold.metric).name for threshold in config.thresholds]
    absent = [name for name in asked if name not in measured]
    if absent and result.results:
        raise PrivacyInputError(
            f"a threshold names '{absent[0]}', which the evaluation did not measure: evaluate again with that, or "
            f'choose one of {", ".join(sorted(measured))}.'
        )


def _check_changes(result: PrivacyResult, config: PrivacyConfig, recorded: PrivacyConfig) -> None:
    """Without a baseline model the gate says so itself; with one, only what was asked for then was measured."""
    if not _had_baseline(result, recorded):
        return
    for of, figure in ((attacks_on_baseline, 'a change'), (attacks_paired, 'the change of auc')):
        absent = [name for name in of(config) if name not in of(recorded)]
        if absent:
            raise PrivacyInputError(
                f"a threshold has `absolute` and limits {figure} of the attack '{absent[0]}', which the evaluation did "
                'not measure although it had a baseline model: leave that threshold out, or evaluate again with it.'
            )


def _had_baseline(result: PrivacyResult, recorded: PrivacyConfig) -> bool:
    """Whether a baseline model was given; one that no threshold asked for left but an artifact or a warning."""
    if any(one.baseline is not None for one in result.results):
        return True
    unused = unused_baseline(True, recorded)
    was_told = any(warning in unused for warning in result.record.warnings)
    return was_told or bool((result.record.artifacts or {}).get('baseline_model'))


def _recorded_versions(versions: Mapping[str, str]) -> str:
    return ', '.join(f'{name} {versions.get(name, "unknown")}' for name in _PACKAGES)


def _differences(recorded: Verdict, verdict: Verdict) -> Iterator[str]:
    """What differs between two verdicts besides the last bits of figures, in words."""
    recorded, verdict = _reworded(recorded), _without_new_warnings(_reworded(verdict), recorded)
    for name in ('blessed', 'judged', 'reasons', 'warnings'):
        was, now = getattr(recorded, name), getattr(verdict, name)
        if was != now:
            yield f'{name} was {was!r}, is {now!r}'
    for was, now in itertools.zip_longest(recorded.comparisons, verdict.comparisons):
        if was is None or now is None or not _are_alike(was, now):
            yield f'a comparison was {_named(was)}, is {_named(now)}'


def _without_new_warnings(verdict: Verdict, recorded: Verdict) -> Verdict:
    """A verdict without what an earlier release said in the report only, if the recorded one does not say it."""
    new = set(passed_above_limits(verdict.comparisons)) - set(recorded.warnings)
    return dataclasses.replace(verdict, warnings=tuple(one for one in verdict.warnings if one not in new))


def _are_alike(was: Comparison, now: Comparison) -> bool:
    return all(_difference(*values) <= _SAME_FIGURE for values in _figures_of(was, now))


def _named(comparison: Comparison | None) -> str:
    if comparison is None:
        return 'absent'
    c = comparison
    return f'{c.slice}, {c.attack}, {c.metric} <= {c.limit}: {c.outcome} at {c.corrected_bound}'
