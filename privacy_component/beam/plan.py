"""Plan: everything that workers need to know, settled before the job starts."""

from __future__ import annotations

import dataclasses

from privacy_component.config import PrivacyConfig
from privacy_component.slicing import SlicingSpec

TF_EXAMPLE = 'tf_example'


@dataclasses.dataclass(frozen=True)
class SplitFiles:
    """The files of one split.

    Attributes:
      split: its name.
      is_member: whether the model was trained on it.
      paths: its files.
    """

    split: str
    is_member: bool
    paths: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Plan:
    """A job's settings; picklable.

    Attributes:
      config: attacks, slices and how outputs are to be read.
      eval_config: tfma.EvalConfig as JSON, with one model_spec.
      model_path: directory of the SavedModel.
      splits: what is read.
      slicing_specs: every slice to look at.
      transform_path: directory of a transform_graph to apply to raw examples; '' for none.
      schema_path: directory of the examples' schema; '' for none.
      compression: 'GZIP', '' ..., as tf.data names it.
    """

    config: PrivacyConfig
    eval_config: str
    model_path: str
    splits: tuple[SplitFiles, ...]
    slicing_specs: tuple[SlicingSpec, ...]
    transform_path: str = ''
    schema_path: str = ''
    compression: str = 'GZIP'
