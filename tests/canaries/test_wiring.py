"""A pipeline whose Trainer never sees the canaries is refused when it is put together."""

import pytest
import tensorflow_model_analysis as tfma
from tfx import v1 as tfx

from privacy_component import CanaryConfig, CanaryInjector, OneRunAudit, PrivacyConfig, PrivacyEvaluator
from privacy_component.errors import PrivacyInputError

AUDITS = (OneRunAudit(3.0, 1e-5),)


def wired(trained_on, audits=AUDITS, judged_on='canaries'):
    """PrivacyEvaluator on examples with canaries, and a Trainer on those or others."""
    example_gen = tfx.components.ImportExampleGen(input_base='nowhere')
    injector = CanaryInjector(
        examples=example_gen.outputs['examples'], canary_config=CanaryConfig('label', ('pixels',))
    )
    canaries = injector.outputs['examples_with_canaries']
    schema = tfx.components.SchemaGen(statistics=tfx.components.StatisticsGen(examples=canaries).outputs['statistics'])
    transform = tfx.components.Transform(examples=canaries, schema=schema.outputs['schema'], module_file='module.py')
    examples = {
        'clean': example_gen.outputs['examples'],
        'canaries': canaries,
        'transformed': transform.outputs['transformed_examples'],
    }
    trainer = tfx.components.Trainer(
        run_fn='module.run_fn',
        examples=examples[trained_on],
        train_args=tfx.proto.TrainArgs(num_steps=1),
        eval_args=tfx.proto.EvalArgs(num_steps=1),
    )
    return PrivacyEvaluator(
        examples=examples[judged_on],
        model=trainer.outputs['model'],
        eval_config=tfma.EvalConfig(model_specs=[tfma.ModelSpec(label_key='label')]),
        privacy_config=PrivacyConfig(audits=audits),
    )


def test_a_trainer_on_clean_data_is_noticed():
    with pytest.raises(PrivacyInputError, match=r"'Trainer' is not trained on .* those of 'ImportExampleGen"):
        wired('clean')
    wired('clean', audits=())


@pytest.mark.parametrize('examples', ['canaries', 'transformed'])
def test_a_trainer_on_the_very_examples_that_are_judged_is_right(examples):
    wired(examples, judged_on=examples)


@pytest.mark.parametrize(('trained_on', 'judged_on'), [('transformed', 'canaries'), ('canaries', 'transformed')])
def test_what_transform_makes_of_canaries_is_not_what_was_injected(trained_on, judged_on):
    with pytest.raises(PrivacyInputError, match='may be lost or changed'):
        wired(trained_on, judged_on=judged_on)
