"""What became of a model: read back from ML Metadata and the artifacts of the latest run."""

import dataclasses
from pathlib import Path

import tensorflow_model_analysis as tfma
from ml_metadata import MetadataStore

from privacy_component.evaluation.result import PrivacyResult
from privacy_component.training.dp_claim import CLAIM_FILE, DPClaim


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The result of one pipeline run.

    Attributes:
      name: which run.
      accuracy: on the eval split.
      privacy: what PrivacyEvaluator found.
      report: path of its HTML report.
      pushed_to: where Pusher put the model; None if it was refused.
      epsilon: of the training's differential privacy; None without.
    """

    name: str
    accuracy: float
    privacy: PrivacyResult
    report: Path
    pushed_to: str | None
    epsilon: float | None


def read_latest(name, metadata_connection_config):
    """Reads the outcome of the run that finished last.

    Args:
      name: what to call it.
      metadata_connection_config: its ML Metadata store.

    Returns:
      An Outcome.
    """
    store = MetadataStore(metadata_connection_config)
    metrics = Path(_latest(store, 'privacy_component.PrivacyMetrics').uri)
    return Outcome(
        name=name,
        accuracy=_accuracy(_latest(store, 'ModelEvaluation')),
        privacy=PrivacyResult.load(metrics / 'privacy_metrics.json'),
        report=metrics / 'report.html',
        pushed_to=_pushed_to(_latest(store, 'PushedModel')),
        epsilon=_epsilon(_latest(store, 'ModelRun')),
    )


def _latest(store, type_name):
    return max(store.get_artifacts_by_type(type_name), key=lambda artifact: artifact.id)


def _accuracy(evaluation):
    overall = tfma.load_eval_result(evaluation.uri).get_metrics_for_slice()
    return overall['binary_accuracy']['doubleValue']


def _pushed_to(pushed_model):
    """The path, or None: Pusher runs for a refused model too, and then pushes nothing."""
    properties = pushed_model.custom_properties
    return properties['pushed_destination'].string_value if properties['pushed'].int_value else None


def _epsilon(model_run):
    return DPClaim.load(model_run.uri).epsilon if Path(model_run.uri, CLAIM_FILE).exists() else None
