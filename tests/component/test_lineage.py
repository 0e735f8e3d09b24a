"""What later runs make of a verdict: real LocalDagRunner, Resolver, Evaluator and ML Metadata."""

import json
import shutil
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from tfx import v1 as tfx

from privacy_component import PrivacyResult, RefusalOverride, Threshold
from privacy_component.cli import main
from privacy_component.component.metadata_history import past_evaluations
from tests.component import world as w
from tests.component.lineage import Pipeline
from tests.pages import blocks

LAX = w.config(thresholds=(Threshold('auc', 0.9, slicing_specs=({},)),))


def text(artifact, name):
    return artifact.custom_properties[name].string_value


def result_of(artifact) -> PrivacyResult:
    return PrivacyResult.load(Path(artifact.uri) / 'privacy_metrics.json')


@pytest.fixture(scope='module')
def worlds(tmp_path_factory):
    """A model that leaks, and another that does not."""
    leaky = w.World(tmp_path_factory.mktemp('leaky')).write()
    tight = w.World(tmp_path_factory.mktemp('tight')).write(leak=False, respond=lambda z: {'outputs': 1.5 * z})
    return leaky, tight


@pytest.fixture(scope='module')
def refused_again_and_again(worlds, tmp_path_factory):
    """One pipeline: a model is refused, evaluated again in every way that could get around that, and overridden."""
    leaky, tight = worlds
    pipeline = Pipeline.on_sqlite(tmp_path_factory.mktemp('story'))
    for world, config in [(leaky, w.config()), (leaky, w.config()), (leaky, w.config()), (tight, w.config())]:
        pipeline.evaluate(world, config)
    pipeline.evaluate(leaky, LAX)
    fingerprint = text(pipeline.metrics()[0], 'model_fingerprint')
    overridden = w.config(
        thresholds=LAX.thresholds,
        decision={'refusal_overrides': (RefusalOverride(fingerprint, 'only Overall counts here'),)},
    )
    for config in (overridden, LAX, w.config(measurement={'seed': 1}), LAX):
        pipeline.evaluate(leaky, config)
    return pipeline


def test_a_refusal_stands_until_it_is_overridden_by_name(refused_again_and_again):
    assert [text(one, 'outcome') for one in refused_again_and_again.metrics()] == [
        'refused',
        'refused',  # the first run knew nothing of the past, so this one is not its cached result; the third run's is
        'blessed',  # the other model
        'refusal_stands',
        'blessed_over_refusal',
        'blessed',  # overridden once for all, until it is refused again
        'refused',
        'refusal_stands',
    ]


def test_only_what_is_blessed_has_a_blessing(refused_again_and_again):
    metrics, blessings = refused_again_and_again.metrics(), refused_again_and_again.blessings()
    for found, blessing in zip(metrics, blessings, strict=True):
        blessed = text(found, 'outcome').startswith('blessed')
        assert blessing.custom_properties['blessed'].int_value == blessed
        assert (Path(blessing.uri) / ('BLESSED' if blessed else 'NOT_BLESSED')).exists()
        assert text(blessing, 'decision_sha256') == text(found, 'decision_sha256')


def test_a_refusal_that_stands_says_why_and_what_differs(refused_again_and_again):
    first, *_ = metrics = refused_again_and_again.metrics()
    verdict = result_of(metrics[3]).verdict
    assert first.uri in verdict.reasons[0]
    assert 'color = red' in verdict.reasons[0]
    assert 'What differs now: thresholds.' in verdict.reasons[0]
    assert text(first, 'model_fingerprint') in verdict.reasons[1]
    assert first.uri in (Path(metrics[3].uri) / 'report.html').read_text()


def test_history_lists_every_evaluation_and_draws_it(refused_again_and_again, tmp_path, capsys):
    file, picture = str(refused_again_and_again.root / 'metadata.db'), tmp_path / 'history.png'
    assert main(['history', '--metadata', file, '--json', '--picture', str(picture)]) == 0
    past = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    metrics = refused_again_and_again.metrics()
    assert [one['outcome'] for one in past] == [text(artifact, 'outcome') for artifact in metrics]
    assert {one['pipeline'] for one in past} == {'lineage'}
    assert len({one['run'] for one in past}) == len(past)
    models = [one['model'] for one in past]
    assert len(set(models)) == 2
    assert models[2] != models[0] == models[1] == models[3]
    assert past[0]['figures']['worst_auc'] == pytest.approx(metrics[0].custom_properties['worst_auc'].double_value)
    assert 0.5 < past[0]['figures']['accuracy_members'] <= 1
    assert plt.imread(picture).std() > 0.02

    assert main(['history', '--metadata', file, '--pipeline', 'another']) == 0
    assert 'REFUSED' not in capsys.readouterr().out
    config = tmp_path / 'config.txt'
    config.write_text(str(refused_again_and_again.connection))
    assert main(['history', '--metadata-config', str(config)]) == 0
    table = capsys.readouterr().out
    assert table.count('REFUSAL STANDS') == 2
    assert 'color = red' in table


@pytest.mark.parametrize('page', ['README.md', 'docs/past_verdicts.md'])
def test_the_query_of_a_page_prints_run_time_model_and_verdict(
    page, refused_again_and_again, tmp_path, monkeypatch, capsys
):
    shutil.copy(refused_again_and_again.root / 'metadata.db', tmp_path / 'metadata.sqlite')
    monkeypatch.chdir(tmp_path)
    (query,) = [block for block in blocks(page, 'python') if 'past_evaluations(' in block]
    exec(query, {})
    past = past_evaluations(refused_again_and_again.connection)
    for one, line in zip(past, capsys.readouterr().out.splitlines(), strict=True):
        assert line.startswith(f'{one.run} {one.evaluated} {one.model} {one.outcome} {one.worst_slice} 0.')
        assert one.run and one.model


def test_an_override_is_told_with_its_reason(refused_again_and_again):
    warnings = result_of(refused_again_and_again.metrics()[4]).verdict.warnings
    assert 'This blessing overrides an earlier refusal of this model: only Overall counts here' in warnings


def test_better_looking_examples_do_not_override_either(worlds, tmp_path):
    leaky, tight = worlds
    pipeline = Pipeline.on_sqlite(tmp_path)
    pipeline.evaluate(leaky, w.config())
    same_model = w.World(tmp_path / 'same_model')
    same_model.root.mkdir()
    (same_model.root / 'model').symlink_to(leaky.root / 'model')
    (same_model.root / 'examples').symlink_to(tight.root / 'examples')
    pipeline.evaluate(same_model, w.config())
    verdict = result_of(pipeline.metrics()[-1]).verdict
    assert not verdict.blessed
    assert 'What differs now: examples.' in verdict.reasons[0]
    pipeline.evaluate(same_model, w.config(), strategy=None)
    assert text(pipeline.metrics()[-1], 'outcome') == 'blessed', 'nothing is known of the past without the input'


def test_another_strategy_than_ours_loses_the_past_but_not_the_run(worlds, tmp_path):
    """LatestArtifactStrategy resolves nothing in the first run, and in later ones one artifact, of whatever model."""
    leaky, tight = worlds
    pipeline = Pipeline.on_sqlite(tmp_path)
    for world, config in [(leaky, w.config()), (leaky, LAX), (tight, w.config()), (leaky, LAX)]:
        pipeline.evaluate(world, config, strategy=tfx.dsl.experimental.LatestArtifactStrategy)
    outcomes = [text(one, 'outcome') for one in pipeline.metrics()]
    assert outcomes == ['refused', 'refusal_stands', 'blessed', 'blessed']


def test_latest_blessed_model(worlds, tmp_path):
    """A newer model that Evaluator blessed and we refused is "latest blessed" to TFX, unless told whose word counts."""
    leaky, tight = worlds
    pipeline = Pipeline.on_sqlite(tmp_path)
    ours = {'producer_component_id': 'PrivacyEvaluator'}
    pipeline.evaluate(tight, w.config(), with_evaluator=True)
    models = {name: str(world.root / 'model') for name, world in (('tight', tight), ('leaky', leaky))}
    assert pipeline.latest_blessed() == pipeline.latest_blessed(**ours) == models['tight']
    pipeline.evaluate(leaky, w.config(), with_evaluator=True)
    assert [one.custom_properties['blessed'].int_value for one in pipeline.blessings()] == [1, 1, 1, 0]
    assert pipeline.latest_blessed() == models['leaky']
    assert pipeline.latest_blessed(**ours) == models['tight']
