"""The taxi pipeline: train, evaluate, attack, and push only what both evaluations bless."""

from tfx import v1 as tfx

from pipelines.taxi import configs
from privacy_component import PrivacyEvaluator

PREPROCESSING_FN = 'pipelines.taxi.preprocessing.preprocessing_fn'


def create_pipeline(
    pipeline_name,
    pipeline_root,
    data_root,
    trainer_module_file,
    serving_dir,
    metadata_connection_config=None,
    enable_cache=True,
    beam_pipeline_args=None,
):
    """Builds the pipeline; runs nothing.

    Args:
      pipeline_name: runs of one name share the cached results of one metadata store.
      pipeline_root: where the components write.
      data_root: a folder with the trips as CSV.
      trainer_module_file: path of the module with Trainer's run_fn.
      serving_dir: where Pusher puts a blessed model.
      metadata_connection_config: the ML Metadata store; None where the orchestrator has its own.
      enable_cache: whether a component with unchanged inputs is skipped.
      beam_pipeline_args: options of the Beam jobs.

    Returns:
      A tfx.dsl.Pipeline for any TFX orchestrator.
    """
    data = data_components(data_root)
    model = _model_components(data, trainer_module_file, serving_dir)
    return tfx.dsl.Pipeline(
        pipeline_name=pipeline_name,
        pipeline_root=pipeline_root,
        components=[*data.values(), *model],
        metadata_connection_config=metadata_connection_config,
        enable_cache=enable_cache,
        beam_pipeline_args=beam_pipeline_args,
    )


def data_components(data_root, transformed=('train', 'eval')):
    """From CSV files to transformed examples: the same for every model.

    Args:
      data_root: a folder with the trips as CSV.
      transformed: the splits that Transform writes.

    Returns:
      Components by name, in their order.
    """
    example_gen = tfx.components.CsvExampleGen(input_base=data_root, output_config=configs.output_config())
    examples = example_gen.outputs['examples']
    statistics_gen = tfx.components.StatisticsGen(examples=examples)
    schema_gen = tfx.components.SchemaGen(statistics=statistics_gen.outputs['statistics'])
    transform = tfx.components.Transform(
        examples=examples,
        schema=schema_gen.outputs['schema'],
        preprocessing_fn=PREPROCESSING_FN,
        splits_config=tfx.proto.SplitsConfig(analyze=['train'], transform=list(transformed)),
        disable_statistics=True,
    )
    return {
        'example_gen': example_gen,
        'statistics_gen': statistics_gen,
        'schema_gen': schema_gen,
        'transform': transform,
    }


def _model_components(data, trainer_module_file, serving_dir):
    """From transformed examples to a pushed model."""
    trainer = tfx.components.Trainer(
        module_file=trainer_module_file,
        examples=data['transform'].outputs['transformed_examples'],
        transform_graph=data['transform'].outputs['transform_graph'],
        train_args=tfx.proto.TrainArgs(splits=['train']),
        eval_args=tfx.proto.EvalArgs(splits=['eval']),
    )
    evaluator = tfx.components.Evaluator(
        examples=data['example_gen'].outputs['examples'],
        model=trainer.outputs['model'],
        schema=data['schema_gen'].outputs['schema'],
        eval_config=configs.eval_config(),
    )
    privacy = PrivacyEvaluator(
        examples=data['example_gen'].outputs['examples'],
        model=trainer.outputs['model'],
        transform_graph=data['transform'].outputs['transform_graph'],
        schema=data['schema_gen'].outputs['schema'],
        model_blessing=evaluator.outputs['blessing'],
        eval_config=configs.eval_config(),
        privacy_config=configs.privacy_config(),
    )
    pusher = tfx.components.Pusher(
        model=trainer.outputs['model'],
        model_blessing=privacy.outputs['blessing'],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=serving_dir)
        ),
    )
    return [trainer, evaluator, privacy, pusher]
