"""The demo: a model that a loss threshold passes, and what reference models say of it."""

import time
from pathlib import Path

import numpy as np
import sklearn.datasets
from absl import logging
from ml_metadata import MetadataStore
from rich.table import Table
from tfx.v1.orchestration import LocalDagRunner, metadata

from pipelines.references.pipeline import BY_LOSS, BY_REFERENCES, LIMIT, create_pipeline
from pipelines.taxi.demo import BEAM_PIPELINE_ARGS
from pipelines.taxi.terminal import ComponentProgress
from privacy_component import PrivacyResult

TRAINER = Path(__file__).parent / 'trainer' / 'trainer.py'
RANDOM_LABELS = 0.2
_RATES = (0.1, 0.01)


def run(console, folder, database=None):
    """Runs the pipeline and shows both verdicts.

    Args:
      console: a rich Console.
      folder: an empty folder for everything that the run writes.
      database: the ConnectionConfig of an ML Metadata store; None for a SQLite file in the folder.
    """
    database = database or metadata.sqlite_metadata_connection_config(str(folder / 'metadata.sqlite'))
    started = time.monotonic()
    logging.set_verbosity(logging.INFO)
    write_digits(folder / 'data')
    pipeline = create_pipeline(
        str(folder / 'pipeline'), str(folder / 'data'), str(TRAINER), database, beam_args=list(BEAM_PIPELINE_ARGS)
    )
    with ComponentProgress(console, 'digits'):
        LocalDagRunner().run(pipeline)
    results = read_results(database)
    console.print(table(results))
    for name, (result, uri) in results.items():
        verdict = 'BLESSED' if result.verdict.blessed else 'BLOCKED'
        console.print(f'{name}: {verdict}. {uri}/report.html', soft_wrap=True)
    console.print(f'Everything took {time.monotonic() - started:.0f} s.')


def write_digits(folder):
    """scikit-learn's digits as CSV, a fifth of them with a random label, which only memory can tell."""
    digits, rng = sklearn.datasets.load_digits(), np.random.default_rng(0)
    is_random = rng.random(len(digits.target)) < RANDOM_LABELS
    labels = np.where(is_random, rng.integers(0, 10, len(digits.target)), digits.target)
    columns = np.column_stack([labels, digits.data]).astype(int)
    folder.mkdir()
    header = ','.join(['digit', *(f'pixel_{i}' for i in range(digits.data.shape[1]))])
    np.savetxt(folder / 'digits.csv', columns, '%d', ',', header=header, comments='')


def read_results(metadata_connection_config):
    """What either evaluator found: name -> (PrivacyResult, the artifact's URI)."""
    store, found = MetadataStore(metadata_connection_config), {}
    for artifact in store.get_artifacts_by_type('privacy_component.PrivacyMetrics'):
        name = BY_LOSS if f'/{BY_LOSS}/' in artifact.uri else BY_REFERENCES
        found[name] = PrivacyResult.load(Path(artifact.uri) / 'privacy_metrics.json'), artifact.uri
    return found


def table(results):
    """A rich Table of every attack on all examples."""
    result, _ = results[BY_REFERENCES]
    shown = Table('attack', 'AUC', *(f'TPR at {rate:.0%} FPR' for rate in _RATES), f'AUC above {LIMIT}?')
    blocked = {one.attack for one in result.verdict.comparisons if one.outcome not in ('passed', 'inconclusive')}
    for one in result.results:
        if not one.slice_key:
            rates = [one.metrics[f'tpr_at_fpr_{rate:g}'].value for rate in _RATES]
            shares = ['too few' if rate is None else f'{rate:.1%}' for rate in rates]
            shown.add_row(
                one.attack, f'{one.metrics["auc"].value:.3f}', *shares, 'yes' if one.attack in blocked else 'no'
            )
    return shown
