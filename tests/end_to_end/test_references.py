"""Reference models in a real pipeline: trained in one run, found by a Resolver in the next."""

from pathlib import Path

import pytest
from ml_metadata import MetadataStore
from tfx.v1.orchestration import LocalDagRunner, metadata

from pipelines.references import demo
from pipelines.references.pipeline import BY_LOSS, BY_REFERENCES, create_pipeline


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """Both runs; two models are too few for more than `rmia`."""
    root = tmp_path_factory.mktemp('references')
    demo.write_digits(root / 'data')
    database = metadata.sqlite_metadata_connection_config(str(root / 'metadata.sqlite'))
    for resolve in (False, True):
        LocalDagRunner().run(
            create_pipeline(
                str(root / 'pipeline'),
                str(root / 'data'),
                str(demo.TRAINER),
                database,
                num_models=2,
                resolve=resolve,
                beam_args=list(demo.BEAM_PIPELINE_ARGS),
            )
        )
    return root


@pytest.fixture(scope='module')
def store(root):
    return MetadataStore(metadata.sqlite_metadata_connection_config(str(root / 'metadata.sqlite')))


def test_a_model_that_the_loss_passes_is_blocked(root):
    results = demo.read_results(metadata.sqlite_metadata_connection_config(str(root / 'metadata.sqlite')))
    (by_loss, _), (by_references, _) = results[BY_LOSS], results[BY_REFERENCES]
    assert by_loss.verdict.blessed
    assert not by_references.verdict.blessed
    assert 'rmia' in ' '.join(by_references.verdict.reasons)
    assert demo.table(results).row_count == 3


def test_one_set_serves_both_runs(store):
    (references,) = store.get_artifacts_by_type('privacy_component.ReferenceModelSet')
    assert references.custom_properties['num_models'].int_value == 2
    readers = [event for event in store.get_events_by_artifact_ids([references.id]) if event.type == event.INPUT]
    kinds = {each.id: each.name for each in store.get_execution_types()}
    executions = store.get_executions_by_id([event.execution_id for event in readers])
    assert len(readers) == 2
    assert all('PrivacyEvaluator' in kinds[execution.type_id] for execution in executions)
    assert {Path(references.uri, name).exists() for name in ('reference_models.json', 'models/1/saved_model.pb')} == {
        True
    }
