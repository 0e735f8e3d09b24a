"""tfx.dsl.Cond on the privacy blessing, as TFX compiles it for Kubeflow, with the trap in it."""

import re

import pytest
from tfx import v1 as tfx

from kubeflow import runner
from privacy_component import PrivacyEvaluator
from tests.component import world as w

IMAGE = 'registry.example/privacy:1'


def pusher_task(with_blessing):
    """The Pusher that runs only if the privacy blessing says so."""
    destination = tfx.proto.PushDestination(
        filesystem=tfx.proto.PushDestination.Filesystem(base_directory='gs://bucket/serving')
    )
    examples, model = (
        tfx.dsl.Importer(source_uri=f'gs://bucket/{name}', artifact_type=kind).with_id(name)
        for name, kind in (
            ('examples', tfx.types.standard_artifacts.Examples),
            ('model', tfx.types.standard_artifacts.Model),
        )
    )
    privacy = PrivacyEvaluator(
        examples=examples.outputs['result'],
        model=model.outputs['result'],
        eval_config=w.eval_config(),
        privacy_config=w.config(),
    )
    blessing = privacy.outputs['blessing']
    with tfx.dsl.Cond(blessing.future()[0].custom_property('blessed') == 1):
        pusher = tfx.components.Pusher(
            model=model.outputs['result'],
            push_destination=destination,
            **({'model_blessing': blessing} if with_blessing else {}),
        )
    pipeline = tfx.dsl.Pipeline(
        pipeline_name='conditional', pipeline_root='gs://bucket/root', components=[examples, model, privacy, pusher],
        beam_pipeline_args=['--runner=FnApiRunner', f'--sdk_container_image={IMAGE}'],
    )  # fmt: skip
    return runner.compile_pipeline(pipeline, IMAGE)['root']['dag']['tasks']['Pusher']


def named_and_wired(task):
    """The inputs that the condition names, and those that the task has."""
    condition = task['triggerPolicy']['condition']
    return set(re.findall(r"inputs\.artifacts\['([^']+)'\]", condition)), set(task['inputs']['artifacts'])


def test_a_condition_on_the_blessing_is_compiled():
    task = pusher_task(with_blessing=False)
    named, wired = named_and_wired(task)
    assert named and named <= wired
    assert "metadata['blessed']" in task['triggerPolicy']['condition']
    assert {task['inputs']['artifacts'][name]['taskOutputArtifact']['producerTask'] for name in named} == {
        'PrivacyEvaluator'
    }


def test_the_trap_a_blessing_that_is_input_and_condition():
    """The condition names an input that the task does not have, so that Kubeflow cannot tell whether it holds."""
    named, wired = named_and_wired(pusher_task(with_blessing=True))
    assert 'model_blessing' in wired
    if named <= wired:
        pytest.fail('this TFX compiles the condition rightly: take the warning out of kubeflow/README.md')
