"""Every defence inside a Trainer, in one pipeline on a part of the taxi trips; every component real."""

from pathlib import Path

import pytest
from ml_metadata import MetadataStore
from tfx import v1 as tfx

from pipelines.taxi.defended import DEFENCES, create_pipeline
from pipelines.taxi.demo import BEAM_PIPELINE_ARGS, TRIPS
from privacy_component import PrivacyResult
from privacy_component.training import DPClaim

NUM_TRIPS = 6000


@pytest.fixture(scope='module')
def found(tmp_path_factory):
    """For each defence its PrivacyResult and the folder of its training."""
    folder = tmp_path_factory.mktemp('defended')
    (folder / 'data').mkdir()
    lines = TRIPS.read_text().splitlines(keepends=True)
    (folder / 'data' / 'trips.csv').write_text(''.join(lines[: NUM_TRIPS + 1]))
    pipeline = create_pipeline(folder, str(folder / 'data'), beam_pipeline_args=list(BEAM_PIPELINE_ARGS))
    tfx.orchestration.LocalDagRunner().run(pipeline)
    store = MetadataStore(pipeline.metadata_connection_config)
    results = {}
    for artifact in store.get_artifacts_by_type('privacy_component.PrivacyMetrics'):
        name = artifact.uri.split('/PrivacyEvaluator.')[1].split('/')[0]
        results[name] = PrivacyResult.load(Path(artifact.uri) / 'privacy_metrics.json')
    runs = {
        one.uri.split('/Trainer.')[1].split('/')[0]: Path(one.uri) for one in store.get_artifacts_by_type('ModelRun')
    }
    return results, runs


def overall(result):
    return [row for row in result.results if row.slice == 'Overall']


@pytest.mark.parametrize('name', DEFENCES)
def test_a_defended_model_is_judged_and_leaks_little_over_all(found, name):
    rows = overall(found[0][name])
    assert rows and max(row.metrics['auc'].lower for row in rows) < 0.6
    (gap,) = [check.figures for check in found[0][name].checks if check.name == 'accuracy_gap']
    assert gap['non_members'] > 0.6, gap


def test_defences_that_promise_something_write_it_beside_the_model(found):
    claims = {name: DPClaim.load(run) for name, run in found[1].items() if name in ('dp_sgd', 'pate')}
    assert {name: claim.mechanism for name, claim in claims.items()} == {'dp_sgd': 'dp_sgd', 'pate': 'pate'}
    assert all(0 < claim.epsilon < 20 for claim in claims.values())
    assert not list(found[1]['adversarial'].glob('dp_claim.json'))
