"""What an evaluation found: one row per slice and attack, the verdict, and where it all came from; JSON both ways."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from privacy_component.checks import Check
from privacy_component.deprecation import warn_renamed
from privacy_component.errors import PrivacyInputError, prefixed_errors
from privacy_component.evaluation.gaps import gap_rows
from privacy_component.evaluation.plausible import check_plausible
from privacy_component.evaluation.record import WHERE, Record
from privacy_component.gate.verdict import Comparison, Verdict
from privacy_component.metrics.canary_audit import CanaryAudit
from privacy_component.metrics.change import Baseline
from privacy_component.metrics.curve import RocCurve
from privacy_component.metrics.registry import Estimate
from privacy_component.metrics.score_histogram import ScoreHistogram
from privacy_component.metrics.slice_result import MEASURED, SliceResult

SCHEMA_VERSION = 1
FILE_NAME = 'privacy_metrics.json'

_STEPS = ('false_positives', 'true_positives')


@dataclasses.dataclass(frozen=True, repr=False)
class PrivacyResult:
    """A whole evaluation.

    Attributes:
      results: one per slice and attack.
      verdict: the gate's decision; None where no gate was asked for.
      record: what was evaluated and how: model, splits, config, package versions.
      most_vulnerable: the members at the highest risk, highest first, each with its example_id and risk.
      num_suppressed: how many slices are too small to be named; see `suppression`.
      checks: whether the measurement itself is sound.
      audits: what canaries say of claims of differential privacy, in the order of the config's audits.
    """

    results: tuple[SliceResult, ...]
    verdict: Verdict | None = None
    record: Record = dataclasses.field(default_factory=Record)
    most_vulnerable: tuple[Mapping[str, Any], ...] = ()
    num_suppressed: int = 0
    checks: tuple[Check, ...] = ()
    audits: tuple[CanaryAudit, ...] = ()

    @property
    def context(self) -> dict[str, Any]:
        """The fields of `record` as JSON values, under the name that it had; goes with the next release."""
        warn_renamed('privacy_component.PrivacyResult.context is now .record; the old name goes with the next release.')
        return self.record.to_json_fields()

    def __repr__(self) -> str:
        """The verdict, its first reasons and the worst figure, in a few lines."""
        text: str = report_module('summary').summary(self)
        return text

    def _repr_html_(self) -> str | None:
        """What a notebook shows; None without the extra `report`, and then it shows the text."""
        if importlib.util.find_spec('markupsafe') is None:
            return None
        text: str = report_module('card').card(self)
        return text

    def rows(self) -> list[dict[str, Any]]:
        """One dict per slice and attack: counts, figures, intervals."""
        return [result.row() for result in self.results]

    def to_frame(self) -> Any:
        """A pandas DataFrame with a row for each slice, attack and metric, several for several limits on it.

        Columns: slice, attack, metric, value, lower and upper of the two-sided interval, is_change (from a baseline
        model), corrected_bound (what decided), limit, outcome, num_members, num_non_members.

        Raises:
          PrivacyInputError: pandas is not installed.
        """
        return report_module('frame').to_frame(self)

    def report(self, path: str | Path) -> Path:
        """Writes the report and returns its path; needs the extra `report`.

        The ending of the name says in which form: .html the page, .xml JUnit for CI systems, .md or .json a section of
        a model card.
        """
        return _write_whole(Path(path), report_module('formats').as_format(self, str(path)))

    def plot_slices(self, metric: str = 'auc') -> Any:
        """A picture of a metric in every slice, the worst first; needs the extra `report`."""
        return report_module('figures').plot_slices(self, metric)

    def plot_roc(self) -> Any:
        """A picture of the ROC of every attack on all examples, on logarithmic axes; needs the extra `report`."""
        return report_module('figures').plot_roc(self)

    def plot_scores(self, attack: str = '') -> Any:
        """A picture of an attack's scores of members and non-members, the worst attack's by default; as above."""
        return report_module('figures').plot_scores(self, attack)

    @property
    def measured(self) -> list[SliceResult]:
        """The results with enough examples on both sides."""
        return [result for result in self.results if result.status == MEASURED]

    def to_json(self) -> str:
        """JSON text from which `from_json` makes an equal result, to the last bit of every float."""
        fields = {
            'schema_version': SCHEMA_VERSION,
            'verdict': None if self.verdict is None else _verdict_to_json(self.verdict),
            WHERE: self.record.to_json_fields(),
            'most_vulnerable': self.most_vulnerable,
            'num_suppressed': self.num_suppressed,
            'checks': [dataclasses.asdict(check) for check in self.checks],
            **({'audits': [audit.to_json_fields() for audit in self.audits]} if self.audits else {}),
            'results': [result_to_json(result) for result in self.results],
        }
        gaps = list(gap_rows(self.results, self.record))
        fields |= {'gaps': gaps} if gaps else {}
        return json.dumps(fields, indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> PrivacyResult:
        """The result that `to_json` wrote.

        Raises:
          PrivacyInputError: not such a text, one of another schema version, or what was evaluated cannot be read.
        """
        try:
            fields = json.loads(text)
            version = fields['schema_version']
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise PrivacyInputError(f'not a {FILE_NAME}: {str(text)[:60]!r} ({error})') from error
        if version != SCHEMA_VERSION:
            raise PrivacyInputError(
                f'{FILE_NAME} has schema_version {version!r}, this release reads {SCHEMA_VERSION}: read it with the '
                'release that wrote it (context.versions in the file).'
            )
        with prefixed_errors(FILE_NAME):
            record = Record.from_json_fields(fields.get(WHERE))
        return cls(
            tuple(map(result_from_json, fields['results'])),
            fields['verdict'] and _verdict_from_json(fields['verdict']),
            record,
            tuple(fields.get('most_vulnerable', ())),
            num_suppressed=fields.get('num_suppressed', 0),
            checks=tuple(Check(**check) for check in fields.get('checks', ())),
            audits=tuple(map(CanaryAudit.from_json_fields, fields.get('audits', ()))),
        )

    def save(self, path: str | Path) -> Path:
        """Writes the result as JSON, into a directory as privacy_metrics.json; `load` reads it. Returns its path."""
        return _write_whole(_file_of(Path(path)), self.to_json())

    @classmethod
    def load(cls, path: str | Path) -> PrivacyResult:
        """The result in a privacy_metrics.json, or in the directory that one is in.

        Raises:
          PrivacyInputError: it is not such a file, or is damaged.
        """
        file = _file_of(Path(path))
        try:
            result = cls.from_json(file.read_text(encoding='utf-8'))
            check_plausible(result.results, result.verdict, result.checks, result.most_vulnerable)
            repr(result)
            return result
        except PrivacyInputError:
            raise
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise PrivacyInputError(f'{file} is damaged ({error!r:.200}): restore it, or evaluate again.') from error


def _file_of(path: Path) -> Path:
    return path / FILE_NAME if path.is_dir() else path


def _write_whole(path: Path, text: str) -> Path:
    """Writes a file under another name first, so that no half of it is ever taken for the whole."""
    part = path.with_name(f'{path.name}.part')
    part.write_text(text, encoding='utf-8')
    return part.replace(path)


def report_module(module: str) -> Any:
    """A module of the room `report`, which is above this one and has needs of its own."""
    try:
        return importlib.import_module(f'privacy_component.report.{module}')
    except ModuleNotFoundError as error:
        if (error.name or '').startswith('privacy_component'):
            raise
        raise PrivacyInputError(f"this needs {error.name}: pip install 'privacy-component[report]'.") from error


def result_to_json(result: SliceResult) -> dict[str, Any]:
    """A result as JSON values."""
    fields = dataclasses.asdict(result)
    if result.curve is not None:
        fields['curve'] = _curve_to_json(result.curve)
    if result.baseline is not None:
        fields['baseline']['curve'] = _curve_to_json(result.baseline.curve)
    else:
        del fields['baseline']
    for name in ('sums_of_weights', 'histogram'):
        if fields[name] is None:
            del fields[name]
    return {'slice': result.slice, **fields}


def result_from_json(fields: dict[str, Any]) -> SliceResult:
    """The result that `result_to_json` made the fields of."""
    rest = {name: value for name, value in fields.items() if name != 'slice'}
    rest['slice_key'] = tuple((name, value) for name, value in rest['slice_key'])
    rest['metrics'] = {name: Estimate(**value) for name, value in rest['metrics'].items()}
    if rest['curve'] is not None:
        rest['curve'] = _curve_from_json(rest['curve'])
    if rest.get('baseline') is not None:
        rest['baseline'] = Baseline(**rest['baseline'] | {'curve': _curve_from_json(rest['baseline']['curve'])})
    if rest.get('histogram') is not None:
        sides = {side: tuple(rest['histogram'][side]) for side in ('members', 'non_members')}
        rest['histogram'] = ScoreHistogram(**rest['histogram'] | sides)
    return SliceResult(**rest)


def _curve_to_json(curve: RocCurve) -> dict[str, Any]:
    fields = {field.name: getattr(curve, field.name) for field in dataclasses.fields(curve) if field.name != 'orders'}
    orders = {'orders': list(map(_curve_to_json, curve.orders))} if curve.orders else {}
    return fields | {step: getattr(curve, step).tolist() for step in _STEPS} | orders


def _curve_from_json(fields: dict[str, Any]) -> RocCurve:
    orders = tuple(map(_curve_from_json, fields.get('orders', ())))
    return RocCurve(**fields | {step: np.array(fields[step], np.int64) for step in _STEPS} | {'orders': orders})


def _verdict_to_json(verdict: Verdict) -> dict[str, Any]:
    return dataclasses.asdict(verdict)


def _verdict_from_json(fields: dict[str, Any]) -> Verdict:
    comparisons = tuple(
        Comparison(**c | {'slice_key': tuple((name, value) for name, value in c['slice_key'])})
        for c in fields['comparisons']
    )
    sentences = tuple(fields['reasons']), tuple(fields['warnings'])
    return Verdict(fields['blessed'], *sentences, comparisons, fields.get('judged', True))
