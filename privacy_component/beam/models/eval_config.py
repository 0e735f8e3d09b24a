"""An EvalConfig's messages, taken from where every release of TFMA has them: the top level of 0.52 lacks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import json_format
from tensorflow_model_analysis.proto import config_pb2

if TYPE_CHECKING:
    import tensorflow_model_analysis as tfma

EvalConfig: Any = config_pb2.EvalConfig
ModelSpec: Any = config_pb2.ModelSpec
SlicingSpec: Any = config_pb2.SlicingSpec
MESSAGES = (EvalConfig, ModelSpec, SlicingSpec, config_pb2.Options)


def eval_config_from_json(text: str) -> tfma.EvalConfig:
    """The message that JSON text describes; json_format's errors are raised as they are."""
    return json_format.Parse(text, EvalConfig())
