"""The digits pipeline: one model, judged once by its losses alone and once beside reference models."""

import tensorflow_model_analysis as tfma
from tfx import v1 as tfx

from privacy_component import PrivacyConfig, PrivacyEvaluator, ReferenceModels, ReferenceModelSet, Threshold

LIMIT = 0.6
BY_LOSS, BY_REFERENCES = 'PrivacyByLoss', 'PrivacyByReferences'


def create_pipeline(
    pipeline_root,
    data_root,
    trainer_module_file,
    metadata_connection_config,
    num_models=8,
    epochs=40,
    resolve=False,
    beam_args=None,
):
    """Builds the pipeline; runs nothing.

    Args:
      pipeline_root: where the components write.
      data_root: a folder with the digits as CSV.
      trainer_module_file: path of the module with Trainer's run_fn.
      metadata_connection_config: the ML Metadata store.
      num_models: how many reference models.
      epochs: that every model is trained for.
      resolve: whether to take the latest reference models of the metadata store, which another run has trained.
      beam_args: options of the Beam jobs.

    Returns:
      A tfx.dsl.Pipeline.
    """
    split = tfx.proto.SplitConfig.Split
    halves = tfx.proto.SplitConfig(splits=[split(name=name, hash_buckets=1) for name in ('train', 'eval')])
    example_gen = tfx.components.CsvExampleGen(data_root, output_config=tfx.proto.Output(split_config=halves))
    training = {
        'module_file': trainer_module_file,
        'examples': example_gen.outputs['examples'],
        'custom_config': {'epochs': epochs},
    }
    trainer = tfx.components.Trainer(
        train_args=tfx.proto.TrainArgs(num_steps=1), eval_args=tfx.proto.EvalArgs(num_steps=1), **training
    )
    references = _latest_references() if resolve else ReferenceModels(num_models=num_models, **training)
    by_loss = _evaluator(example_gen, trainer, ('loss_threshold',)).with_id(BY_LOSS)
    wanted = ('loss_threshold', 'difficulty', 'rmia') + (('lira', 'bayes', 'stacked') if num_models >= 4 else ())
    by_references = _evaluator(example_gen, trainer, wanted, references.outputs['reference_models'])
    return tfx.dsl.Pipeline(
        pipeline_name='digits',
        pipeline_root=pipeline_root,
        components=[example_gen, trainer, references, by_loss, by_references.with_id(BY_REFERENCES)],
        metadata_connection_config=metadata_connection_config,
        enable_cache=True,
        beam_pipeline_args=beam_args,
    )


def _latest_references():
    return tfx.dsl.Resolver(
        strategy_class=tfx.dsl.experimental.LatestArtifactStrategy,
        reference_models=tfx.dsl.Channel(type=ReferenceModelSet),
    ).with_id('LatestReferenceModels')


def _evaluator(example_gen, trainer, attacks, reference_models=None):
    return PrivacyEvaluator(
        examples=example_gen.outputs['examples'],
        model=trainer.outputs['model'],
        eval_config=tfma.EvalConfig(model_specs=[tfma.ModelSpec(label_key='digit')]),
        privacy_config=PrivacyConfig(
            attacks=attacks, thresholds=(Threshold('auc', upper_bound=LIMIT),), slices={'by_class': False}
        ),
        reference_models=reference_models,
    )
