"""Compiles the taxi pipeline for Kubeflow Pipelines v2: python -m kubeflow.runner --help."""

import argparse
import json
import logging
import posixpath
from pathlib import Path

import yaml
from tfx import v1 as tfx

from kubeflow.show import with_report
from pipelines.taxi.pipeline import create_pipeline
from privacy_component import dataflow_pipeline_args

PIPELINE_NAME = 'taxi'
COMMAND = ('python', '-m', 'kubeflow.entrypoint')
TRAINER = '/app/pipelines/taxi/trainers/overfit/trainer.py'  # where kubeflow/Dockerfile puts it


def main(argv=None):
    """Writes the compiled pipeline; runs nothing and needs no network."""
    args = _parser().parse_args(argv)
    logging.getLogger('absl').setLevel(logging.ERROR)  # TFX warns that the trainer is not packaged, as it should
    pipeline = build_pipeline(args.pipeline_root, args.image, args.data_root)
    if args.dataflow_project:
        privacy_on_dataflow(pipeline, args.image, args.dataflow_project, args.dataflow_region, args.dataflow_subnetwork)
    if args.vertex:
        compiled = json.dumps(compile_for_vertex(pipeline, args.image), indent=1)
    else:
        compiled = yaml.safe_dump(compile_pipeline(pipeline, args.image))
    Path(args.output).write_text(compiled, encoding='utf-8')
    print(f'Wrote {args.output}.')


def build_pipeline(pipeline_root, image, data_root=None):
    """The taxi pipeline with data and trainer as run parameters, so that nothing is read or packaged to compile it.

    Args:
      pipeline_root: where the components write: a gs:// path.
      image: what kubeflow/Dockerfile builds, with its registry.
      data_root: default folder of the trips as CSV; None for `data` in pipeline_root.

    Returns:
      A tfx.dsl.Pipeline.
    """
    return create_pipeline(
        pipeline_name=PIPELINE_NAME,
        pipeline_root=pipeline_root,
        data_root=_run_parameter('data_root', data_root or posixpath.join(pipeline_root, 'data')),
        trainer_module_file=_run_parameter('trainer_module_file', TRAINER),
        serving_dir=posixpath.join(pipeline_root, 'serving'),
        # DirectRunner would first try to download another runner, and without an image TFX packages its own source.
        beam_pipeline_args=['--runner=FnApiRunner', f'--sdk_container_image={image}'],
    )


def privacy_on_dataflow(pipeline, image, project, region, subnetwork=''):
    """Runs PrivacyEvaluator's Beam job on Dataflow, and the other components' jobs in their steps.

    Args:
      pipeline: the tfx.dsl.Pipeline, which is changed.
      image: what the workers run: the image of the steps.
      project: Google Cloud project.
      region: Google Cloud region.
      subnetwork: of the workers; '' for the region's default.
    """
    location = posixpath.join(pipeline.pipeline_info.pipeline_root, 'dataflow')
    privacy = next(each for each in pipeline.components if each.id == 'PrivacyEvaluator')
    privacy.with_beam_pipeline_args(
        dataflow_pipeline_args(project, region, location=location, image=image, subnetwork=subnetwork)
    )


def compile_pipeline(pipeline, image):
    """Translates a TFX pipeline for Kubeflow Pipelines.

    Args:
      pipeline: a tfx.dsl.Pipeline.
      image: what its steps run in.

    Returns:
      A PipelineSpec of schema 2.1 as a dict, with a step that shows the report in Kubeflow's UI.
    """
    spec = _compiled(pipeline, image, use_pipeline_spec_2_1=True)['pipelineSpec']
    parameters = spec['root'].get('inputDefinitions', {}).get('parameters', {})
    for name, default in _defaults(pipeline).items():
        parameters[name] |= {'defaultValue': default, 'isOptional': True}
    return with_report(spec, image) | {'defaultPipelineRoot': pipeline.pipeline_info.pipeline_root}


def compile_for_vertex(pipeline, image):
    """Translates a TFX pipeline for Vertex AI Pipelines.

    Args:
      pipeline: a tfx.dsl.Pipeline.
      image: what its steps run in.

    Returns:
      A PipelineJob as a dict, whose PipelineSpec is of schema 2.0, with a step that shows the report; what a run
      parameter has by default is in its runtimeConfig.
    """
    job = _compiled(pipeline, image, use_pipeline_spec_2_1=False)
    defaults = {name: {'stringValue': default} for name, default in _defaults(pipeline).items()}
    return job | {
        'pipelineSpec': with_report(job['pipelineSpec'], image),
        'runtimeConfig': job['runtimeConfig'] | {'parameters': defaults},
    }


def _compiled(pipeline, image, use_pipeline_spec_2_1):
    experimental = tfx.orchestration.experimental
    config = experimental.KubeflowV2DagRunnerConfig(
        default_image=image, default_commands=list(COMMAND), use_pipeline_spec_2_1=use_pipeline_spec_2_1
    )
    return experimental.KubeflowV2DagRunner(config).run(pipeline, write_out=False)


def _defaults(pipeline):
    """The run parameters' defaults, which TFX does not compile."""
    values = [value for component in pipeline.components for value in component.exec_properties.values()]
    return {each.name: each.default for each in values if isinstance(each, tfx.dsl.experimental.RuntimeParameter)}


def _run_parameter(name, default):
    return tfx.dsl.experimental.RuntimeParameter(name=name, ptype=str, default=default)


def _parser():
    parser = argparse.ArgumentParser(prog='python -m kubeflow.runner', description=__doc__.split(':')[0] + '.')
    parser.add_argument('--pipeline_root', required=True, help='where the components write, gs://...')
    parser.add_argument('--image', required=True, help='what kubeflow/Dockerfile builds, with its registry')
    parser.add_argument('--output', required=True, help='the file to write')
    parser.add_argument(
        '--vertex', action='store_true', help="writes Vertex AI's PipelineJob, JSON of schema 2.0, and not YAML of 2.1"
    )
    parser.add_argument('--data_root', help='folder of the trips as CSV; default: data in pipeline_root')
    parser.add_argument('--dataflow_project', help="runs PrivacyEvaluator's Beam job on Dataflow, in this project")
    parser.add_argument('--dataflow_region', default='us-central1', help='default: %(default)s')
    parser.add_argument(
        '--dataflow_subnetwork', default='', help='regions/REGION/subnetworks/NAME, with Private Google Access'
    )
    return parser


if __name__ == '__main__':
    main()
