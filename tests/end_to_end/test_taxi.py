"""The demo, run once as its user runs it; every component real."""

import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow_model_analysis as tfma
from ml_metadata import MetadataStore
from tfx import v1 as tfx

from privacy_component import PrivacyResult
from privacy_component.training import DPClaim

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def demo(tmp_path_factory):
    """The demo's folder and what it said."""
    folder = tmp_path_factory.mktemp('demo')
    command = [sys.executable, '-m', 'pipelines.taxi.local_runner', '--folder', str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr + (folder / 'log.txt').read_text()[-3000:]
    return folder, done


@pytest.fixture(scope='module')
def store(demo):
    """The ML Metadata store of both runs."""
    return MetadataStore(tfx.orchestration.metadata.sqlite_metadata_connection_config(str(demo[0] / 'metadata.sqlite')))


def by_run(store, type_name):
    """The type's artifacts: of the overfit model, then of the DP-SGD model."""
    return sorted(store.get_artifacts_by_type(type_name), key=lambda artifact: artifact.id)


def privacy_results(store):
    metrics = by_run(store, 'privacy_component.PrivacyMetrics')
    return [PrivacyResult.load(Path(artifact.uri) / 'privacy_metrics.json') for artifact in metrics]


def test_the_terminal_tells_the_story(demo):
    _, done = demo
    for words in ('BLOCKED', 'BLESSED', 'payment_type = Credit Card', 'epsilon', 'report.html', 'limit'):
        assert words in done.stdout
    assert done.stderr == ''
    assert 'WARNING' not in done.stdout


def test_the_overfit_model_is_refused_and_the_private_one_pushed(demo, store):
    overfit, private = by_run(store, 'PushedModel')
    assert overfit.custom_properties['pushed'].int_value == 0
    assert private.custom_properties['pushed'].int_value == 1
    assert len(list((demo[0] / 'serving').iterdir())) == 1


def test_both_models_passed_evaluator(store):
    """The leak is what stops the first one, nothing else."""
    evaluator = [b for b in store.get_artifacts_by_type('ModelBlessing') if '/Evaluator/' in b.uri]
    assert [b.custom_properties['blessed'].int_value for b in evaluator] == [1, 1]


def test_the_average_hides_what_a_slice_shows(store):
    overfit, private = privacy_results(store)
    auc = {r.slice: r.metrics['auc'] for r in overfit.results if r.attack == 'loss_threshold'}
    assert auc['Overall'].upper < 0.6
    assert auc['payment_type = Credit Card'].lower > 0.7
    assert 'payment_type = Credit Card' in overfit.verdict.reasons[0]
    private_auc = {r.slice: r.metrics['auc'].value for r in private.results}
    assert private_auc['payment_type = Credit Card'] < 0.6


def test_slices_and_their_sizes_are_those_of_tfma(store):
    """Evaluator counted the non-members of the same slicing specs with ExampleCount; we name no tiny slice."""
    for evaluation, privacy in zip(by_run(store, 'ModelEvaluation'), privacy_results(store), strict=True):
        expected = {
            tuple(key): int(metrics['']['']['example_count']['doubleValue'])
            for key, metrics in tfma.load_eval_result(evaluation.uri).slicing_metrics
        }
        found = {r.slice_key: r.num_non_members for r in privacy.results if r.slice_key[:1] != (('@class', 0),)}
        found = {key: count for key, count in found.items() if count and not any(k[0] == '@' for k, _ in key)}
        named = {key: count for key, count in expected.items() if key in found}
        assert found == named
        assert len(expected) - len(named) <= privacy.num_suppressed
        assert all(key in found for key, count in expected.items() if count >= 100)


def test_slices_read_as_raw_values_and_the_label_is_transforms(store):
    overfit, _ = privacy_results(store)
    assert overfit.record.label_key == 'big_tipper'
    assert {'payment_type = Cash', 'trip_start_hour = 12'} <= {r.slice for r in overfit.results}


def test_a_query_finds_the_worst_slice_of_a_past_run(store):
    overfit, private = by_run(store, 'privacy_component.PrivacyMetrics')
    assert 'Credit Card' in overfit.custom_properties['worst_slice'].string_value
    assert overfit.custom_properties['worst_auc'].double_value > private.custom_properties['worst_auc'].double_value


def test_the_second_run_reuses_what_does_not_depend_on_the_trainer(store):
    assert len(store.get_artifacts_by_type('TransformGraph')) == 1
    assert len(store.get_artifacts_by_type('Model')) == 2


def test_the_decision_can_be_read_from_the_blessing(store):
    privacy = [b for b in store.get_artifacts_by_type('ModelBlessing') if '/PrivacyEvaluator/' in b.uri]
    messages = [b.custom_properties['blessing_message'].string_value for b in privacy]
    assert 'a leak is shown' in messages[0]
    assert 'exceeds its limit' in messages[1]


def test_the_guarantee_says_what_it_assumes(store):
    _, private = by_run(store, 'ModelRun')
    claim = DPClaim.load(private.uri)
    assert 0 < claim.epsilon < 10
    assert 'Poisson' in claim.assumption


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / 'mine').write_text('precious')
    command = [sys.executable, '-m', 'pipelines.taxi.local_runner', '--folder', str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert 'is not empty' in done.stderr
    assert (tmp_path / 'mine').read_text() == 'precious'
