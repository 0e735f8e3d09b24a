"""Everything taken from TFX, in one place: what tfx.v1 does not export, every component imports from these paths.

Holds for TFX 1.16 to 1.21; where releases differ, the difference is dealt with here.
"""

from typing import Any

import tensorflow_model_analysis as tfma
from tfx import types
from tfx.components.evaluator import constants as blessing_constants
from tfx.components.evaluator import executor as evaluator_executor
from tfx.components.trainer import executor as trainer_executor
from tfx.components.util import examples_utils, model_utils, udf_utils
from tfx.dsl.components.base import base_beam_component, base_beam_executor, executor_spec
from tfx.dsl.components.common import resolver
from tfx.dsl.context_managers import dsl_context_registry
from tfx.dsl.io import fileio
from tfx.orchestration import data_types
from tfx.orchestration.experimental.interactive import visualizations
from tfx.proto import example_gen_pb2, trainer_pb2
from tfx.types import artifact_utils, component_spec, standard_artifacts, system_artifacts
from tfx.utils import io_utils, json_utils, path_utils

ArtifactVisualization = visualizations.ArtifactVisualization
BaseBeamComponent = base_beam_component.BaseBeamComponent
BaseBeamExecutor = base_beam_executor.BaseBeamExecutor
BeamExecutorSpec = executor_spec.BeamExecutorSpec
ComponentSpec = component_spec.ComponentSpec
ChannelParameter = component_spec.ChannelParameter
EvaluatorExecutor = evaluator_executor.Executor
ExecutionParameter = component_spec.ExecutionParameter
ResolverStrategy = resolver.ResolverStrategy
RuntimeParameter = data_types.RuntimeParameter
TrainerExecutor = trainer_executor.GenericExecutor
TrainArgs: Any = trainer_pb2.TrainArgs  # type: ignore[attr-defined]
EvalArgs: Any = trainer_pb2.EvalArgs  # type: ignore[attr-defined]
FORMAT_TF_EXAMPLE: int = example_gen_pb2.FORMAT_TF_EXAMPLE  # type: ignore[attr-defined]

__all__ = [
    'FORMAT_TF_EXAMPLE',
    'ArtifactVisualization',
    'BaseBeamComponent',
    'BaseBeamExecutor',
    'BeamExecutorSpec',
    'ChannelParameter',
    'ComponentSpec',
    'EvalArgs',
    'EvaluatorExecutor',
    'ExecutionParameter',
    'ResolverStrategy',
    'RuntimeParameter',
    'TrainArgs',
    'TrainerExecutor',
    'artifact_utils',
    'blessing_constants',
    'dsl_context_registry',
    'examples_utils',
    'fileio',
    'io_utils',
    'json_utils',
    'model_utils',
    'path_utils',
    'standard_artifacts',
    'system_artifacts',
    'tfma',
    'types',
    'udf_utils',
    'visualizations',
]
