"""A pipeline that trains the taxi classifier with several defences, each judged by PrivacyEvaluator."""

from pathlib import Path

from tfx import v1 as tfx

from pipelines.taxi import configs
from pipelines.taxi.pipeline import data_components
from privacy_component import PrivacyEvaluator

TRAINERS = Path(__file__).parent / 'trainers'
DEFENCES = ('adversarial', 'dp_sgd', 'early_stopping', 'pate')


def create_pipeline(folder, data_root, defences=DEFENCES, beam_pipeline_args=None):
    """Builds the pipeline; runs nothing.

    Trainer's eval split is `holdout`: what a defence learned from or was stopped by may not judge it, and
    PrivacyEvaluator's non-members are those of `eval`.

    Args:
      folder: where components and ML Metadata write.
      data_root: a folder with the trips as CSV.
      defences: names of folders in `trainers/`.
      beam_pipeline_args: options of the Beam jobs.

    Returns:
      A tfx.dsl.Pipeline.
    """
    data = data_components(data_root, transformed=('train', 'eval', 'holdout'))
    models = [component for name in defences for component in _judged(data, name)]
    database = tfx.orchestration.metadata.sqlite_metadata_connection_config(str(folder / 'metadata.sqlite'))
    return tfx.dsl.Pipeline(
        pipeline_name='defended',
        pipeline_root=str(folder / 'pipeline'),
        components=[*data.values(), *models],
        metadata_connection_config=database,
        beam_pipeline_args=beam_pipeline_args,
    )


def _judged(data, name):
    """A model, and what attacks find in it."""
    trainer = tfx.components.Trainer(
        module_file=str(TRAINERS / name / 'trainer.py'),
        examples=data['transform'].outputs['transformed_examples'],
        transform_graph=data['transform'].outputs['transform_graph'],
        train_args=tfx.proto.TrainArgs(splits=['train']),
        eval_args=tfx.proto.EvalArgs(splits=['holdout']),
    ).with_id(f'Trainer.{name}')
    privacy = PrivacyEvaluator(
        examples=data['example_gen'].outputs['examples'],
        model=trainer.outputs['model'],
        transform_graph=data['transform'].outputs['transform_graph'],
        schema=data['schema_gen'].outputs['schema'],
        eval_config=configs.eval_config(),
        privacy_config=configs.privacy_config(),
    ).with_id(f'PrivacyEvaluator.{name}')
    return trainer, privacy
