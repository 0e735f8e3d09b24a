"""Every defence in a real Trainer, and PrivacyEvaluator's verdict on what it leaves."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tfx.components.trainer.executor import GenericExecutor
from tfx.types import standard_artifacts

from pipelines.defended import trainer
from privacy_component import PrivacyConfig, PrivacyResult, Threshold
from privacy_component.component import executor
from privacy_component.training import DPClaim
from tests.component import world as w
from tests.component.test_reference_models import artifact

EPOCHS = {'none': 40, 'early_stopping': 40, 'adversarial': 15, 'dp_sgd': 6, 'pate': 6}
SPLITS = {'train': 500, 'reference': 300, 'watched': 300, 'eval': 600}
EVAL_CONFIG = tfma.EvalConfig(model_specs=[tfma.ModelSpec(label_key='digit')])


@dataclasses.dataclass
class World:
    root: Path

    def write(self):
        """Digits, a third of them with a wrong label."""
        digits, rng = sklearn.datasets.load_digits(), np.random.default_rng(0)
        wrong = rng.random(len(digits.target)) < 0.3
        labels = np.where(wrong, rng.integers(0, 10, len(digits.target)), digits.target)
        rows = [
            w.serialize({f'pixel_{i}': int(pixel) for i, pixel in enumerate(pixels)} | {'digit': int(label)})
            for pixels, label in zip(digits.data, labels, strict=True)
        ]
        order = rng.permutation(len(rows))
        for split, chosen in zip(SPLITS, np.split(order, np.cumsum([*SPLITS.values()])), strict=False):
            w.write_split(self.root / 'examples', split, [rows[i] for i in chosen])
        return self

    @property
    def examples(self):
        return artifact(standard_artifacts.Examples, self.root / 'examples', split_names=json.dumps([*SPLITS]))

    def train(self, defence, **settings):
        """By TFX's own executor; the model's artifact."""
        model = artifact(standard_artifacts.Model, self.root / defence / 'model', id=17)
        outputs = {'model': [model], 'model_run': [artifact(standard_artifacts.ModelRun, self.root / defence / 'run')]}
        properties = {
            'train_args': '{"splits": ["train"]}',
            'eval_args': '{"splits": ["eval"]}',
            'module_file': trainer.__file__,
            'custom_config': json.dumps({'defence': defence, 'epochs': EPOCHS[defence]} | settings),
        }
        GenericExecutor().Do({'examples': [self.examples]}, outputs, properties)
        return model

    def evaluate(self, model):
        outputs = w.World(self.root).outputs()
        config = PrivacyConfig(
            attacks=('loss_threshold', 'logistic_regression'), thresholds=(Threshold('auc', 0.6),),
            slices={'by_class': False},
        )  # fmt: skip
        context = executor.Executor.Context([], tmp_dir=str(self.root / 'tmp'), unique_id='2')
        properties = {'eval_config': json_format.MessageToJson(EVAL_CONFIG), 'privacy_config': config.to_json()}
        executor.Executor(context).Do({'examples': [self.examples], 'model': [model]}, outputs, properties)
        return PrivacyResult.load(Path(outputs['privacy_metrics'][0].uri) / 'privacy_metrics.json')


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp('defended')).write()


def strongest(result):
    return max(row.metrics['auc'].value for row in result.results)


@pytest.fixture(scope='module')
def plain(world):
    return world.evaluate(world.train('none'))


def test_undefended_the_model_is_refused(plain):
    assert not plain.verdict.blessed and strongest(plain) > 0.62


@pytest.mark.parametrize('defence', [name for name in trainer.DEFENCES if name != 'none'])
def test_each_defence_leaks_less(world, plain, defence):
    result = world.evaluate(world.train(defence))
    assert strongest(result) < strongest(plain)
    if defence in ('dp_sgd', 'pate', 'early_stopping'):
        assert result.verdict.blessed


@pytest.mark.parametrize(('defence', 'largest'), [('dp_sgd', 20), ('pate', 100)])
def test_what_has_a_claim_leaves_it_beside_the_model(world, defence, largest):
    claim = DPClaim.load(world.root / defence / 'model' / 'Format-Serving')
    assert 0 < claim.epsilon < largest


def test_a_split_that_is_missing_is_named(world):
    class Arguments:
        train_files = (f'{world.root}/examples/Split-train/*',)

    with pytest.raises(FileNotFoundError, match="no split 'held_back': name it in the output_config of ExampleGen"):
        trainer.read(Arguments, 'held_back')
