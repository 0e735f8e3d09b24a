"""The options for Dataflow, read by Beam itself."""

import pytest
from apache_beam.options.pipeline_options import (
    DebugOptions,
    GoogleCloudOptions,
    PipelineOptions,
    StandardOptions,
    WorkerOptions,
)

from privacy_component import PrivacyInputError, dataflow_pipeline_args

OURS = {'project': 'ours', 'region': 'europe-west4', 'location': 'gs://bucket/privacy/', 'image': 'registry/tfx:1'}


def test_beam_reads_them_all():
    options = PipelineOptions(
        dataflow_pipeline_args(**OURS, subnetwork='regions/r/subnetworks/s', service_account='a@b')
    )
    assert 'sdk_container_image' not in options.get_all_options(retain_unknown_options=True).get('unknown', ())
    assert options.view_as(StandardOptions).runner == 'DataflowRunner'
    cloud, worker = options.view_as(GoogleCloudOptions), options.view_as(WorkerOptions)
    assert (cloud.project, cloud.region, cloud.service_account_email) == ('ours', 'europe-west4', 'a@b')
    assert (cloud.temp_location, cloud.staging_location) == ('gs://bucket/privacy/temp', 'gs://bucket/privacy/staging')
    assert worker.sdk_container_image == 'registry/tfx:1'
    assert (worker.machine_type, worker.max_num_workers) == ('n2-standard-4', 20)
    assert worker.use_public_ips is False and worker.subnetwork == 'regions/r/subnetworks/s'
    assert options.view_as(DebugOptions).lookup_experiment('use_runner_v2')


def test_what_is_not_given_is_left_to_dataflow():
    options = PipelineOptions(dataflow_pipeline_args(**OURS, public_ips=True))
    worker = options.view_as(WorkerOptions)
    assert worker.use_public_ips is None and worker.subnetwork is None
    assert options.view_as(GoogleCloudOptions).service_account_email is None


@pytest.mark.parametrize(
    ('name', 'value', 'message'),
    [
        ('project', '', "project is '': name one"),
        ('region', ' us', "region is ' us': name one, without blanks"),
        ('image', '', "image is ''"),
        ('location', '/tmp/here', "location is '/tmp/here': give a folder in a bucket, gs://"),
        ('location', 'gs://', "location is 'gs://'"),
        ('max_workers', 0, 'max_workers is 0: one at least'),
    ],
)
def test_what_dataflow_would_fail_on_later_is_refused(name, value, message):
    with pytest.raises(PrivacyInputError, match=message):
        dataflow_pipeline_args(**OURS | {name: value})
