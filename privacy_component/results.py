"""What an evaluation found: one row per slice and attack, the verdict, and where it all came from; JSON both ways."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from privacy_component.checks import Check
from privacy_component.errors import PrivacyInputError
from privacy_component.gate import Comparison, Verdict
from privacy_component.metrics import roc
from privacy_component.metrics.curve import RocCurve, summarize_folds
from privacy_component.metrics.figures import Baseline
from privacy_component.metrics.registry import UNSUPPORTED, Estimate, Metric, estimate, false_positive_rates
from privacy_component.slicing import SliceKey, slice_name

SCHEMA_VERSION = 1
FILE_NAME = 'privacy_metrics.json'

MEASURED = 'measured'
INCONCLUSIVE = 'inconclusive'
_STEPS = ('false_positives', 'true_positives')


@dataclasses.dataclass(frozen=True)
class SliceResult:
    """One attack on one slice.

    Attributes:
      slice_key: ((feature, value), ...), empty for the overall slice.
      attack: the attack's name.
      num_members, num_non_members: how many examples were scored.
      status: 'measured', or 'inconclusive' where a side has too few examples.
      metrics: figures with two-sided intervals, by metric name.
      curve: the ROC at fixed ranks; None where a side is empty.
      sums_of_weights: of the slice's 'members' and 'non_members'; None where examples have no weights. For information:
        no figure is weighted.
      baseline: the same attack on the baseline model; None where no threshold on a change asks for it.
    """

    slice_key: SliceKey
    attack: str
    num_members: int
    num_non_members: int
    status: str
    metrics: Mapping[str, Estimate]
    curve: RocCurve | None
    sums_of_weights: Mapping[str, float] | None = None
    baseline: Baseline | None = None

    @property
    def slice(self) -> str:
        """The slice's name as people read it."""
        return slice_name(self.slice_key)

    def row(self) -> dict[str, Any]:
        """Counts and figures as a flat dict, for a table."""
        tprs = {name: e for name, e in self.metrics.items() if name.startswith('tpr_at_fpr_')}
        return {
            'slice': self.slice,
            'attack': self.attack,
            'status': self.status,
            'num_members': self.num_members,
            'num_non_members': self.num_non_members,
            'auc': self.metrics['auc'].value,
            'auc_interval': _interval(self.metrics['auc']),
            'advantage': self.metrics['advantage'].value,
            'advantage_interval': _interval(self.metrics['advantage']),
            'tpr_at_fpr': {_rate(name): e.value for name, e in tprs.items()},
            'tpr_at_fpr_intervals': {_rate(name): _interval(e) for name, e in tprs.items()},
            'empirical_epsilon': self.metrics['empirical_epsilon'].value,
        } | self._asked_for()

    def _asked_for(self) -> dict[str, Any]:
        """What only some evaluations have."""
        weights = {'sums_of_weights': dict(self.sums_of_weights)} if self.sums_of_weights else {}
        return weights | ({'baseline_auc': self.baseline.curve.auc} if self.baseline else {})


@dataclasses.dataclass(frozen=True)
class PrivacyResult:
    """A whole evaluation.

    Attributes:
      results: one per slice and attack.
      verdict: the gate's decision; None where no gate was asked for.
      context: what was evaluated and how, JSON values only: model, splits, config, package versions.
      most_vulnerable: the members at the highest risk, highest first, each with its example_id and risk.
      num_suppressed: how many slices are too small to be named; see `suppression`.
      checks: whether the measurement itself is sound.
    """

    results: tuple[SliceResult, ...]
    verdict: Verdict | None = None
    context: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    most_vulnerable: tuple[Mapping[str, Any], ...] = ()
    num_suppressed: int = 0
    checks: tuple[Check, ...] = ()

    def rows(self) -> list[dict[str, Any]]:
        """One dict per slice and attack: counts, figures, intervals."""
        return [result.row() for result in self.results]

    @property
    def measured(self) -> list[SliceResult]:
        """The results with enough examples on both sides."""
        return [result for result in self.results if result.status == MEASURED]

    def to_json(self) -> str:
        """JSON text from which `from_json` makes an equal result, to the last bit of every float."""
        fields = {
            'schema_version': SCHEMA_VERSION,
            'verdict': None if self.verdict is None else _verdict_to_json(self.verdict),
            'context': self.context,
            'most_vulnerable': self.most_vulnerable,
            'num_suppressed': self.num_suppressed,
            'checks': [dataclasses.asdict(check) for check in self.checks],
            'results': [result_to_json(result) for result in self.results],
        }
        return json.dumps(fields, indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> PrivacyResult:
        """The result that `to_json` wrote.

        Raises:
          PrivacyInputError: not such a text, or one of another schema version.
        """
        try:
            fields = json.loads(text)
            version = fields['schema_version']
        except (ValueError, KeyError, TypeError) as error:
            raise PrivacyInputError(f'not a {FILE_NAME}: {str(text)[:60]!r} ({error})') from error
        if version != SCHEMA_VERSION:
            raise PrivacyInputError(
                f'{FILE_NAME} has schema_version {version!r}, this release reads {SCHEMA_VERSION}: read it with the '
                'release that wrote it (context.versions in the file).'
            )
        return cls(
            tuple(map(result_from_json, fields['results'])),
            fields['verdict'] and _verdict_from_json(fields['verdict']),
            fields['context'],
            tuple(fields.get('most_vulnerable', ())),
            num_suppressed=fields.get('num_suppressed', 0),
            checks=tuple(Check(**check) for check in fields.get('checks', ())),
        )

    @classmethod
    def load(cls, path: str | Path) -> PrivacyResult:
        """The result in a privacy_metrics.json."""
        return cls.from_json(Path(path).read_text(encoding='utf-8'))


def measure(
    slice_key: SliceKey,
    attack: str,
    folds: Sequence[roc.RocCounts],
    metrics: Sequence[Metric],
    confidence_level: float,
    min_examples: int,
    design_effect: float = 1.0,
    baseline: Baseline | None = None,
) -> SliceResult:
    """All figures of one attack on one slice, from the counts of each fold (one, for an attack that learns nothing).

    A side without examples gives a result without figures. `design_effect` is by how much dependence between rows of
    one group inflates variances; see `metrics.clusters`. `baseline` is what the attack finds in the baseline model.
    """
    sizes = sum(fold.num_members for fold in folds), sum(fold.num_non_members for fold in folds)
    status = MEASURED if min(sizes) >= min_examples else INCONCLUSIVE
    curve = summarize_folds(folds, false_positive_rates(metrics), design_effect)
    if curve is None:
        nothing = {metric.name: UNSUPPORTED for metric in metrics}
        return SliceResult(slice_key, attack, *sizes, status=INCONCLUSIVE, metrics=nothing, curve=None)
    estimates = {metric.name: estimate(metric, curve, confidence_level) for metric in metrics}
    return SliceResult(slice_key, attack, *sizes, status=status, metrics=estimates, curve=curve, baseline=baseline)


def in_order(results: Iterable[SliceResult], attacks: Sequence[str]) -> tuple[SliceResult, ...]:
    """The results sorted: the overall slice first, then by features and values; attacks as configured."""
    return tuple(sorted(results, key=lambda r: (_slice_order(r.slice_key), attacks.index(r.attack))))


def _slice_order(key: SliceKey) -> tuple:
    names = tuple(name for name, _ in key)
    return len(names), names, tuple((isinstance(value, str), value) for _, value in key)


def _interval(figure: Estimate) -> tuple[float | None, float | None] | None:
    return None if figure.lower is None else (figure.lower, figure.upper)


def _rate(metric_name: str) -> float:
    return float(metric_name.removeprefix('tpr_at_fpr_'))


def result_to_json(result: SliceResult) -> dict[str, Any]:
    """A result as JSON values."""
    fields = dataclasses.asdict(result)
    if result.curve is not None:
        fields['curve'] = _curve_to_json(result.curve)
    if result.baseline is not None:
        fields['baseline']['curve'] = _curve_to_json(result.baseline.curve)
    else:
        del fields['baseline']
    if result.sums_of_weights is None:
        del fields['sums_of_weights']
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
    return SliceResult(**rest)


def _curve_to_json(curve: RocCurve) -> dict[str, Any]:
    return dataclasses.asdict(curve) | {step: getattr(curve, step).tolist() for step in _STEPS}


def _curve_from_json(fields: dict[str, Any]) -> RocCurve:
    return RocCurve(**fields | {step: np.array(fields[step], np.int64) for step in _STEPS})


def _verdict_to_json(verdict: Verdict) -> dict[str, Any]:
    return dataclasses.asdict(verdict)


def _verdict_from_json(fields: dict[str, Any]) -> Verdict:
    comparisons = tuple(
        Comparison(**c | {'slice_key': tuple((name, value) for name, value in c['slice_key'])})
        for c in fields['comparisons']
    )
    sentences = tuple(fields['reasons']), tuple(fields['warnings'])
    return Verdict(fields['blessed'], *sentences, comparisons, fields.get('judged', True))
