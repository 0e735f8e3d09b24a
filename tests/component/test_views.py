"""What TFMA and the InteractiveContext show of an evaluation."""

import html
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from tfx.orchestration.experimental.interactive import standard_visualizations, visualizations
from tfx.orchestration.experimental.interactive.interactive_context import InteractiveContext
from tfx.types import channel_utils, standard_artifacts

from privacy_component import PrivacyEvaluator, PrivacyMetrics, Threshold
from tests.beam.arrays import load
from tests.component import world as w

SLICE = (('color', 'red'), ('size', 1))


@pytest.fixture(scope='module')
def leaky(tmp_path_factory):
    """The outputs of a leaky model's evaluation, which may also rise above a baseline, and the result."""
    world = w.World(tmp_path_factory.mktemp('leaky')).write()
    thresholds = (Threshold('auc', 0.6), Threshold('auc', absolute=0.05))
    inputs = world.with_baseline(respond=lambda logits: {'outputs': tf.reverse(logits, [1])})
    outputs = world.run(w.config(thresholds=thresholds), inputs=inputs)
    return outputs, load(outputs)


def folder(outputs):
    return f'{outputs["privacy_metrics"].uri}/tfma'


def test_tfma_loads_every_figure_with_its_interval(leaky):
    outputs, result = leaky
    loaded = tfma.load_eval_result(folder(outputs))
    metrics = {key: by_output[''][''] for key, by_output in loaded.slicing_metrics}
    assert len(metrics) == len({one.slice_key for one in result.results})
    for one in result.results:
        found = metrics[one.slice_key]
        assert found['num_members']['doubleValue'] == one.num_members
        assert found['example_count']['doubleValue'] == one.num_members + one.num_non_members
        for name, figure in one.metrics.items():
            shown = found.get(f'{one.attack}/{name}')
            if None in (figure.lower, figure.upper):
                assert shown == (None if figure.value is None else {'doubleValue': figure.value})
                continue
            bounds = {'lowerBound': figure.lower, 'upperBound': figure.upper}
            assert shown == {'boundedValue': {'value': figure.value, **bounds}}
    assert loaded.config.model_specs[0].label_key == 'label'
    assert loaded.model_location == result.record.model_uri
    changes = {(c.slice_key, c.attack): c for c in result.verdict.comparisons if c.change}
    change = changes[SLICE, 'loss_threshold']
    assert metrics[SLICE]['loss_threshold/auc_diff']['boundedValue']['value'] == change.value


def test_tfmas_own_views_show_it(leaky):
    outputs, _ = leaky
    loaded = tfma.load_eval_result(folder(outputs))
    view = tfma.view.render_slicing_metrics(loaded, slicing_spec=tfma.SlicingSpec(feature_keys=['color']))
    shown = {row['slice']: row['metrics'] for row in view.data}
    assert set(shown) == {'color:red', 'color:green', 'color:blue'}
    assert 0.8 < shown['color:red']['']['']['loss_threshold/auc']['boundedValue']['value'] < 1


def test_the_validation_names_what_failed_and_every_reason(leaky):
    outputs, result = leaky
    found = tfma.load_validation_result(folder(outputs))
    assert not found.validation_ok and not found.missing_thresholds
    failures = {_key(one.slice_key): list(one.failures) for one in found.metric_validations_per_slice}
    exceeded = [c for c in result.verdict.comparisons if c.outcome == 'exceeded']
    assert sum(map(len, failures.values())) == len(exceeded) + len(result.verdict.reasons)
    assert [one.message for one in failures[()] if one.metric_key.name == 'verdict'] == list(result.verdict.reasons)
    levels = [one for one in failures[SLICE] if not one.metric_key.is_diff]
    assert {one.metric_key.name for one in levels} == {'loss_threshold/auc', 'scaled_logit_threshold/auc'}
    assert {one.metric_threshold.value_threshold.upper_bound.value for one in levels} == {0.6}
    (rise,) = (one for one in failures[SLICE] if one.metric_key.is_diff and one.metric_key.name.startswith('loss'))
    assert rise.metric_threshold.change_threshold.absolute.value == 0.05


def _key(slice_key):
    return tuple((one.column, _value(one)) for one in slice_key.single_slice_keys)


def _value(one):
    value = getattr(one, one.WhichOneof('kind'))
    return value.decode() if isinstance(value, bytes) else value


def test_a_blessing_is_valid_and_a_report_only_has_no_thresholds(tmp_path):
    tight = w.World(tmp_path / 'tight').write(leak=False).run()
    assert tfma.load_validation_result(folder(tight)) == tfma.ValidationResult(validation_ok=True)
    unjudged = w.World(tmp_path / 'open').write(leak=False).run(w.config(thresholds=(), report_only=True))
    assert tfma.load_validation_result(folder(unjudged)) == tfma.ValidationResult(missing_thresholds=True)


@pytest.fixture
def shell():
    """IPython, in which to show something."""
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


@pytest.mark.usefixtures('shell')
def test_the_interactive_context_shows_the_report(leaky, tmp_path):
    outputs, _ = leaky
    context = InteractiveContext(pipeline_root=str(tmp_path))
    channel = channel_utils.as_channel([outputs['privacy_metrics']])
    with capture_output() as captured:
        context.show(channel)
    shown = [output.data for output in captured.outputs]
    frame = shown[-1]['text/html']
    report = Path(outputs['privacy_metrics'].uri, 'report.html').read_text()
    start, end = '<iframe srcdoc="', '" title="Privacy report"'
    assert frame.startswith(start) and html.unescape(frame[len(start) : frame.index(end)]) == report


@pytest.mark.usefixtures('shell')
def test_other_artifacts_keep_their_views_and_a_missing_report_is_said(tmp_path):
    standard_visualizations.register_standard_visualizations()
    registry = visualizations.get_registry()
    assert registry.get_visualization(standard_artifacts.ModelEvaluation.TYPE_NAME)
    assert PrivacyEvaluator.SPEC_CLASS.OUTPUTS['privacy_metrics'].type is PrivacyMetrics
    empty = PrivacyMetrics()
    empty.uri = str(tmp_path)
    with capture_output() as captured:
        registry.get_visualization(PrivacyMetrics.TYPE_NAME).display(empty)
    assert 'is not there' in captured.outputs[0].data['text/plain']


def test_floats_and_texts_in_slice_keys(leaky):
    from privacy_component.component.tfma_views import _set_slice

    message = tfma.MetricsForSlice()
    _set_slice(message.slice_key, (('a', 'é'), ('b', -3), ('c', 0.1)))
    assert _key(message.slice_key) == (('a', 'é'), ('b', -3), ('c', float(np.float32(0.1))))
