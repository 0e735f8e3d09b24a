"""Plan: everything that workers need to know, settled before the job starts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from privacy_component.checks.evidence import OtherAnswers
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.observations.needs import BASELINE, CANDIDATE
from privacy_component.observations.observations import MULTICLASS
from privacy_component.observations.slicing import LOSS_PERCENTILE_FEATURE, SlicingSpec

BASELINE_MODEL = 'baseline_model'  # the channel, and what errors of that model begin with


@dataclasses.dataclass(frozen=True)
class SplitFiles:
    """The files of one split.

    Attributes:
      split: its name.
      is_member: whether the model was trained on it.
      paths: its files.
      groups: the same, those together that are read into the same batches; each alone if left out.
    """

    split: str
    is_member: bool
    paths: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...] = ()


@dataclasses.dataclass(frozen=True)
class FeatureRange:
    """What the values of a float feature are like in the first examples.

    Attributes:
      name: the feature's.
      spread: their standard deviation.
      low, high, median: in its units.
    """

    name: str
    spread: float
    low: float
    high: float
    median: float


@dataclasses.dataclass(frozen=True)
class InputNoise:
    """How examples are changed to see whether the model's answer stays the same; see `models.noisy_copies`.

    Attributes:
      features: those that noise is added to.
      num_copies: of each example.
      seed: of the noise.
    """

    features: tuple[FeatureRange, ...]
    num_copies: int
    seed: int


@dataclasses.dataclass(frozen=True)
class ModelPlan:
    """A model and how it is called.

    Attributes:
      path: directory of the SavedModel.
      eval_config: tfma.EvalConfig as JSON, with one model_spec.
      output_kind: 'logits' or 'probabilities'; '' if it has to be found out in the job.
      signature, output: the signature that is called, and which of its outputs is judged; '' if that is not known.
      takes: what the signature takes, in words.
      casts: features that are cast before TFMA feeds them by name, and the type of each.
      noise: for attacks that ask about noisy copies of examples; None where none does.
    """

    path: str
    eval_config: str
    output_kind: str = ''
    signature: str = ''
    output: str = ''
    takes: str = ''
    casts: tuple[tuple[str, str], ...] = ()
    noise: InputNoise | None = None


@dataclasses.dataclass(frozen=True)
class ReferencePlan:
    """Models that were trained as the candidate was, each on half of the same examples.

    Attributes:
      models: an even number; `observations.reference_halves` tells what each was trained on.
      seed: of the halves.
      fingerprints: split -> 16 hexadecimal digits of the examples that they were trained on.
    """

    models: tuple[ModelPlan, ...]
    seed: int
    fingerprints: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class SnapshotPlan:
    """Earlier states of the candidate.

    Attributes:
      models: two or more, in the order of training.
      epochs: after which each was taken.
      columns: what attacks need of them, of those in `observations.needs`.
    """

    models: tuple[ModelPlan, ...]
    epochs: tuple[int, ...]
    columns: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Trial:
    """What the trial on the first examples found out.

    Attributes:
      has_stable_outputs: whether an example's outputs are the same bits at any place in a batch.
      changes: by role, by how much answers changed at most when asked again; see `checks.stable_outputs`.
      num_asked_again: how many examples the models were asked about again.
      other_answers: what else the candidate answers; text says why that was not looked at.
    """

    has_stable_outputs: bool
    changes: Mapping[str, float]
    num_asked_again: int
    other_answers: OtherAnswers | str


@dataclasses.dataclass(frozen=True)
class Plan:
    """A job's settings; picklable.

    Attributes:
      config: attacks, slices and how outputs are to be read.
      models: role -> the models of that role: one candidate, perhaps one baseline.
      splits: what is read.
      slicing_specs: every slice to look at.
      transform_path: directory of a transform_graph to apply to raw examples; '' for none.
      schema_path: directory of the examples' schema; '' for none.
      compression: 'GZIP', '' ..., as tf.data names it.
      batch_size: how many examples models are called with; see `beam/examples/layout.py`.
      calls_model_directly: whether workers call the model themselves (`beam/models/predict.py`) or leave it to TFMA's
        extractors (`beam/models/tfma_extractors.py`).
      predictions_feature: the feature that holds predictions, where no model is called; '' where one is.
      feature_types: for direct calls, the features to decode and the TFMD type of each.
      columns: what the attacks need of models besides outputs, of those in `beam.models.sources.SOURCES`.
      references: the reference models that attacks ask about; None where none does.
      snapshots: earlier states of the candidate that attacks ask about; None where none does.
      audited_snapshots: the same for audits that rank canaries by them.
      trial: what the trial found out; None where there was none.
      warnings: what the trial found to be said in the report.
      canaries: ids of examples that were made for an audit: no attack is measured on them.
    """

    config: PrivacyConfig
    models: Mapping[str, tuple[ModelPlan, ...]]
    splits: tuple[SplitFiles, ...]
    slicing_specs: tuple[SlicingSpec, ...]
    transform_path: str = ''
    schema_path: str = ''
    compression: str = 'GZIP'
    batch_size: int = 1024
    calls_model_directly: bool = False
    predictions_feature: str = ''
    feature_types: tuple[tuple[str, int], ...] = ()
    columns: tuple[str, ...] = ()
    references: ReferencePlan | None = None
    snapshots: SnapshotPlan | None = None
    audited_snapshots: SnapshotPlan | None = None
    trial: Trial | None = None
    warnings: tuple[str, ...] = ()
    canaries: frozenset[int] = frozenset()

    @property
    def candidate(self) -> ModelPlan:
        """The model that is judged."""
        return self.models[CANDIDATE][0]

    @property
    def baseline(self) -> ModelPlan | None:
        """The model that it is compared with, if thresholds on changes ask for one."""
        return next(iter(self.models.get(BASELINE, ())), None)

    @property
    def task(self) -> str:
        """What kind of model it is."""
        return task_of(self.config)

    @property
    def slices_by_loss(self) -> bool:
        """Whether a slice is made of loss percentiles, whose edges all examples together decide."""
        return any(LOSS_PERCENTILE_FEATURE in spec.features for spec in self.slicing_specs)

    @property
    def slice_features(self) -> tuple[str, ...]:
        """The features that slices are made of, without those that follow from labels and outputs."""
        names = {name for spec in self.slicing_specs for name in spec.features}
        return tuple(sorted(name for name in names if not name.startswith('@')))


def task_of(config: PrivacyConfig) -> str:
    """What kind of model it is; records do not tell, so 'auto' means a classifier with one label per example."""
    return MULTICLASS if config.outputs.task == 'auto' else config.outputs.task
