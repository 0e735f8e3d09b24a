"""Dataflow's own translation of the whole job, up to the request that would be sent. Nothing is sent or asked."""

import importlib
import json

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions
from apache_beam.runners.dataflow.internal import apiclient

from privacy_component import dataflow_pipeline_args
from privacy_component.beam import job
from tests.component import world as w
from tests.dataflow.graphs import whole_plan

IMAGE = 'europe-west4-docker.pkg.dev/ours/tfx/privacy:1'


def options():
    args = dataflow_pipeline_args('ours', 'europe-west4', location='gs://bucket-of-ours/privacy', image=IMAGE)
    return PipelineOptions([*args, '--dry_run=True', '--job_name=privacy', '--no_auth'])


def translated(plan):
    pipeline = beam.Pipeline(options=options())
    job.build(pipeline, plan, 'gs://bucket-of-ours/measurements.json')
    return pipeline.run().job


def fields_of(message):
    """A part of the request as JSON, of either of the libraries by which Beam has made them."""
    if hasattr(type(message), 'to_json'):
        found = json.loads(type(message).to_json(message, use_integers_for_enums=False))
        return {name.rstrip('_'): value for name, value in found.items()}
    return json.loads(importlib.import_module('apitools.base.py.encoding').MessageToJson(message))


@pytest.mark.parametrize('calls_model_directly', [True, False])
def test_the_job_is_translated(tmp_path, calls_model_directly):
    """With images for workers, as a batch job; every stage of ours is in it."""
    w.save_model(tmp_path)
    found = translated(whole_plan(str(tmp_path / 'Format-Serving'), calls_model_directly))
    assert fields_of(found.proto)['type'] == 'JOB_TYPE_BATCH'
    names = {one.unique_name for one in found.proto_pipeline.components.transforms.values()}
    assert {'ReadFiles', 'Observe', 'CountScores', 'CountLearntScores', 'SketchExamples', 'Write'} <= names
    environments = found.proto_pipeline.components.environments.values()
    assert {beam.transforms.environments.Environment.from_runner_api(one, None).container_image
            for one in environments} == {IMAGE}  # fmt: skip


def test_the_request_asks_for_the_workers_of_the_presets(tmp_path):
    chosen = options()
    w.save_model(tmp_path)
    found = translated(whole_plan(str(tmp_path / 'Format-Serving')))
    made = apiclient.Environment(
        packages=[],
        options=chosen,
        environment_version='8',
        proto_pipeline_staged_url='gs://bucket-of-ours/pipeline.pb',
        proto_pipeline=found.proto_pipeline,
    ).proto
    assert 'use_runner_v2' in made.experiments
    (pool,) = fields_of(made)['workerPools']
    assert pool['ipConfiguration'] == 'WORKER_IP_PRIVATE'
    assert pool['machineType'] == 'n2-standard-4' and pool['autoscalingSettings']['maxNumWorkers'] == 20
    assert {image['containerImage'] for image in pool['sdkHarnessContainerImages']} == {IMAGE}
    assert chosen.view_as(GoogleCloudOptions).region == 'europe-west4'
