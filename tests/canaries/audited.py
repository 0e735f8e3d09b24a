"""Examples with canaries, models trained on them, and PrivacyEvaluator's real executor on both."""

import dataclasses
import json
import os
import shutil
from pathlib import Path

import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tfx.types import standard_artifacts

from privacy_component import CanaryConfig, OneRunAudit, PrivacyConfig, PrivacyMetrics, PrivacyResult, Threshold
from privacy_component.component import executor as evaluator
from privacy_component.component.canaries import executor as injector
from tests.canaries import trainers
from tests.component import world as w

NUM_CANARIES = 400
SALT = 'the secret of the audited world'
EVAL_CONFIG = tfma.EvalConfig(model_specs=[tfma.ModelSpec(label_key='label')])


def artifact(kind, uri, **fields):
    made = kind()
    made.uri = str(uri)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def config(*audits, **changes):
    limits = {'attacks': ('loss_threshold',), 'thresholds': (Threshold('auc', 0.95),)}
    return PrivacyConfig(**limits | {'audits': audits, 'slices': {'by_class': False}} | changes)


def split_files(uri, split):
    return sorted(map(str, Path(uri, f'Split-{split}').iterdir()))


@dataclasses.dataclass
class Audited:
    root: Path

    def write(self):
        w.write_split(self.root / 'clean', 'train', [w.serialize(one) for one in trainers.rows(800, 0)], shards=2)
        w.write_split(self.root / 'clean', 'eval', [w.serialize(one) for one in trainers.rows(400, 1)])
        clean = artifact(standard_artifacts.Examples, self.root / 'clean', split_names='["train", "eval"]')
        self.examples = artifact(standard_artifacts.Examples, self.root / 'injected' / '1')
        canaries = CanaryConfig(label_key='label', feature_keys=('pixels',), num_canaries=NUM_CANARIES)
        os.environ['PRIVACY_CANARY_SALT'] = SALT
        context = injector.Executor.Context([], tmp_dir=str(self.root / 'tmp'), unique_id='1')
        inputs, outputs = {'examples': [clean]}, {'examples_with_canaries': [self.examples]}
        injector.Executor(context).Do(inputs, outputs, {'canary_config': canaries.to_json()})
        del os.environ['PRIVACY_CANARY_SALT']
        return self

    def train(self, name, examples='', with_snapshots=False, **recipe):
        """A model, with its claim beside it; its artifact."""
        recipe = trainers.Recipe(**{'noise': 5.0, 'learning_rate': 5.0, 'batch_size': 50} | recipe)
        x, y = trainers.read(split_files(examples or self.examples.uri, 'train'))
        folder = self.root / name / 'Format-Serving'

        def keep(epoch, weights):
            if epoch % 4 == 0:
                trainers.export(weights, self.root / name / 'run' / 'snapshots' / f'epoch_{epoch:05d}')

        trainers.export(recipe.train(x, y, keep if with_snapshots else None), folder)
        recipe.claim(len(x)).save(folder)
        return self.model(name)

    def model(self, name):
        return artifact(standard_artifacts.Model, self.root / name, id=17)

    def copied_examples(self, name):
        """The examples somewhere else, to be spoilt."""
        shutil.copytree(self.examples.uri, self.root / name)
        return artifact(standard_artifacts.Examples, self.root / name, split_names=self.examples.split_names)

    def evaluate(self, model, privacy_config=None, examples=None, name='out', **more):
        """What the executor finds, with `more` inputs; the directory of metrics, and of the blessing."""
        outputs = {
            'privacy_metrics': [artifact(PrivacyMetrics, self.root / name / 'metrics')],
            'blessing': [artifact(standard_artifacts.ModelBlessing, self.root / name / 'blessing')],
        }
        context = evaluator.Executor.Context([], tmp_dir=str(self.root / 'tmp'), unique_id='2')
        evaluator.Executor(context).Do(
            {'examples': [examples or self.examples], 'model': [model]} | more,
            outputs,
            {
                'eval_config': json_format.MessageToJson(EVAL_CONFIG),
                'privacy_config': (privacy_config or config(OneRunAudit())).to_json(),
            },
        )
        return PrivacyResult.load(self.root / name / 'metrics'), outputs

    def claim(self, name, **changes):
        """Writes another claim beside a model."""
        path = self.root / name / 'Format-Serving' / 'dp_claim.json'
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def rewrite(examples, split, change):
    """Applies a function of all records to a split's files, which become one."""
    paths = split_files(examples.uri, split)
    records = change(list(tf.data.TFRecordDataset(paths, 'GZIP').as_numpy_iterator()))
    for path in paths:
        Path(path).unlink()
    w.write_split(Path(examples.uri), split, records)
