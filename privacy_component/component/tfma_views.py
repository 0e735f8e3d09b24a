"""The figures and the verdict once more, as TFMA writes its own, so that its views and its callers can read them."""

from __future__ import annotations

import collections
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import tensorflow as tf

from privacy_component.component.compat import fileio, io_utils, tfma
from privacy_component.component.output_lock import writing
from privacy_component.evaluation.result import PrivacyResult
from privacy_component.gate.verdict import EXCEEDED, Comparison
from privacy_component.metrics.slice_result import SliceResult
from privacy_component.observations.slicing import OVERALL, SliceKey

FOLDER_NAME = 'tfma'
VERDICT = 'verdict'
_CONFIG, _METRICS, _VALIDATIONS = 'eval_config.json', 'metrics-00000-of-00001.tfrecord', 'validations.tfrecord'


def write_views(folder: str, result: PrivacyResult) -> None:
    """Writes what `tfma.load_eval_result` and `tfma.load_validation_result` read.

    A metric is named by its attack and itself, 'loss_threshold/auc', and has its confidence interval; a change from
    the baseline model is a metric's difference. Where a figure is not supported there is none. Nothing is read
    from these files again: they decide nothing, and decision.json does not seal them.

    Args:
      folder: a directory of its own.
      result: with a verdict.

    Raises:
      PrivacyInputError: the directory cannot be written.
    """
    with writing(folder):
        fileio.makedirs(folder)
        io_utils.write_string_file(f'{folder}/{_CONFIG}', _eval_run(result))
        _write_records(f'{folder}/{_METRICS}', slice_metrics(result))
        _write_records(f'{folder}/{_VALIDATIONS}', [validation(result)])


def _write_records(path: str, messages: Iterable[Any]) -> None:
    with tf.io.TFRecordWriter(path) as writer:
        for message in messages:
            writer.write(message.SerializeToString(deterministic=True))


def _eval_run(result: PrivacyResult) -> str:
    """The JSON of TFMA's EvalRun."""
    record = result.record
    fields = {
        'evalConfig': record.eval_config or {},
        'version': (record.versions or {}).get('tensorflow-model-analysis', 'unknown'),
        'dataLocation': (record.inputs or {}).get('examples', ''),
        'fileFormat': 'tfrecord',
        'modelLocations': {'': record.model_uri or ''},
    }
    return json.dumps(fields, indent=1)


def slice_metrics(result: PrivacyResult) -> Iterator[Any]:
    """A tfma.MetricsForSlice for each slice, in the order of the results."""
    changes = collections.defaultdict(list)
    for comparison in result.verdict.comparisons if result.verdict else ():
        if comparison.change:
            changes[comparison.slice_key].append(comparison)
    by_slice: dict[SliceKey, list[SliceResult]] = collections.defaultdict(list)
    for one in result.results:
        by_slice[one.slice_key].append(one)
    for key, ones in by_slice.items():
        message = tfma.MetricsForSlice()
        _set_slice(message.slice_key, key)
        sizes = {'num_members': ones[0].num_members, 'num_non_members': ones[0].num_non_members}
        for name, size in {'example_count': sum(sizes.values()), **sizes}.items():
            _add_metric(message, {'name': name}, size)
        for one in ones:
            for metric, figure in one.metrics.items():
                _add_metric(message, {'name': f'{one.attack}/{metric}'}, figure.value, figure.lower, figure.upper)
        for c in {_named(c): c for c in changes[key]}.values():
            _add_metric(message, _metric_key(c), c.value, c.lower, c.upper)
        yield message


def validation(result: PrivacyResult) -> Any:
    """The verdict as a tfma.ValidationResult; every reason stands in a failure named 'verdict' of the overall slice."""
    verdict = result.verdict
    message = tfma.ValidationResult(validation_ok=verdict is not None and verdict.blessed)
    if verdict is None or not verdict.judged:
        message.missing_thresholds = True
        return message
    exceeded: dict[SliceKey, list[Comparison]] = collections.defaultdict(list)
    if not verdict.blessed:
        exceeded[OVERALL] = []
    for comparison in verdict.comparisons:
        if comparison.outcome == EXCEEDED:
            exceeded[comparison.slice_key].append(comparison)
    for key, comparisons in exceeded.items():
        of_slice = message.metric_validations_per_slice.add()
        _set_slice(of_slice.slice_key, key)
        for reason in () if key != OVERALL or verdict.blessed else verdict.reasons:
            failure = of_slice.failures.add(message=reason)
            failure.metric_key.name = VERDICT
        for comparison in comparisons:
            _add_failure(of_slice, comparison)
    return message


def _add_failure(of_slice: Any, comparison: Comparison) -> None:
    failure = of_slice.failures.add(
        message=f'{comparison.block_if}, at the corrected bound {comparison.corrected_bound}'
    )
    for name, value in _metric_key(comparison).items():
        setattr(failure.metric_key, name, value)
    threshold = failure.metric_threshold
    if comparison.change:
        threshold.change_threshold.absolute.value = comparison.limit
        threshold.change_threshold.direction = tfma.MetricDirection.Value('LOWER_IS_BETTER')
    else:
        threshold.value_threshold.upper_bound.value = comparison.limit
    if comparison.value is not None:
        failure.metric_value.double_value.value = comparison.value


def _named(comparison: Comparison) -> str:
    return f'{comparison.attack}/{comparison.metric}'


def _metric_key(comparison: Comparison) -> dict[str, Any]:
    return {'name': _named(comparison), 'is_diff': bool(comparison.change)}


def _add_metric(
    message: Any, key: Mapping[str, Any], value: float | None, lower: float | None = None, upper: float | None = None
) -> None:
    if value is None:
        return
    added = message.metric_keys_and_values.add(key=key)
    added.value.double_value.value = value
    if lower is not None and upper is not None:
        added.confidence_interval.lower_bound.double_value.value = lower
        added.confidence_interval.upper_bound.double_value.value = upper


def _set_slice(message: Any, key: SliceKey) -> None:
    """A slice key in TFMA's types: bytes, int64, float32."""
    for column, value in key:
        kinds = {int: 'int64_value', float: 'float_value'}
        field = kinds.get(type(value), 'bytes_value')
        message.single_slice_keys.add(column=column, **{field: value.encode() if isinstance(value, str) else value})
