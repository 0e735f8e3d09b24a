"""The ReferenceModels component: what it is given and what it gives."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from privacy_component._version import __version__
from privacy_component.component.artifacts import ReferenceModelSet
from privacy_component.component.compat import (
    BaseBeamComponent,
    BeamExecutorSpec,
    ChannelParameter,
    ComponentSpec,
    EvalArgs,
    ExecutionParameter,
    RuntimeParameter,
    TrainArgs,
    json_utils,
    standard_artifacts,
    types,
    udf_utils,
)
from privacy_component.component.reference_models import executor
from privacy_component.errors import PrivacyInputError

_FEWEST_MODELS = 2


class ReferenceModelsSpec(ComponentSpec):
    """ReferenceModels' inputs, outputs and parameters; those of Trainer have its names."""

    PARAMETERS = {  # noqa: RUF012
        'train_args': ExecutionParameter(type=TrainArgs),
        'eval_args': ExecutionParameter(type=EvalArgs),
        'module_file': ExecutionParameter(type=str, optional=True),
        'module_path': ExecutionParameter(type=str, optional=True),
        'run_fn': ExecutionParameter(type=str, optional=True),
        'custom_config': ExecutionParameter(type=str, optional=True),
        executor.SETTINGS_KEY: ExecutionParameter(type=str),
        executor.VERSION_KEY: ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        executor.EXAMPLES_KEY: ChannelParameter(type=standard_artifacts.Examples),
        'transform_graph': ChannelParameter(type=standard_artifacts.TransformGraph, optional=True),
        'schema': ChannelParameter(type=standard_artifacts.Schema, optional=True),
        'hyperparameters': ChannelParameter(type=standard_artifacts.HyperParameters, optional=True),
    }
    OUTPUTS = {  # noqa: RUF012
        executor.REFERENCE_MODELS_KEY: ChannelParameter(type=ReferenceModelSet),
    }


class ReferenceModels(BaseBeamComponent):
    """A TFX component that trains models as Trainer trained the audited one, each on half of the examples.

    Members and non-members are thrown together and divided anew for every pair of models, by a hash of the example. So
    it is known which model has seen which example, and PrivacyEvaluator's strongest attacks learn from that. Models are
    trained by the user's own module, by a Beam job, each in a process of its own: as many at once as the runner has
    workers. A worker needs the memory and disk that Trainer needs, and as much again for the examples of one model.

    Component `outputs` contains:

    - `reference_models`: Channel of type `ReferenceModelSet`, for PrivacyEvaluator.
    """

    SPEC_CLASS = ReferenceModelsSpec
    EXECUTOR_SPEC = BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        module_file: str | RuntimeParameter | None = None,
        run_fn: str | RuntimeParameter | None = None,
        transform_graph: types.BaseChannel | None = None,
        schema: types.BaseChannel | None = None,
        hyperparameters: types.BaseChannel | None = None,
        train_args: Any = None,
        eval_args: Any = None,
        custom_config: dict[str, Any] | RuntimeParameter | None = None,
        num_models: int = 8,
        apply_transform: bool = False,
        member_splits: Sequence[str] = ('train',),
        non_member_splits: Sequence[str] = ('eval',),
        seed: int = 0,
        attempts: int = 2,
        time_limit_minutes: float = 24 * 60,
        keep_in: str = '',
    ):
        """Constructs a ReferenceModels.

        Args:
          examples: A channel of type `standard_artifacts.Examples`: the very one that PrivacyEvaluator is given.
          module_file, run_fn, transform_graph, schema, hyperparameters, train_args, eval_args, custom_config: As for
            Trainer, with the values that Trainer is given; there is no base_model, which would teach every model what
            it knows. The splits of train_args and eval_args
            do not count. Where steps are given, choose those that make as many epochs over half of all examples.
          num_models: How many; even. From 8 on the attack 'stacked' finds what others need hundreds of models for.
          apply_transform: True where `examples` are raw and the module reads transformed ones, as it does where Trainer
            is given Transform's transformed_examples.
          member_splits, non_member_splits: The splits that are thrown together: those of PrivacyConfig.
          seed: Another one makes other halves.
          attempts: How often a model is tried that could not be trained.
          time_limit_minutes: For one attempt.
          keep_in: A directory for models that are trained, until all are; by default beside the output. An interrupted
            run finds them there again; give one where an orchestrator has other outputs for each run.

        Raises:
          PrivacyInputError: an argument cannot be used; the message names it.
        """
        if [bool(module_file), bool(run_fn)].count(True) != 1:
            raise PrivacyInputError('ReferenceModels needs module_file or run_fn, as Trainer has it, and not both.')
        if not isinstance(apply_transform, bool) or not isinstance(keep_in, str):
            raise PrivacyInputError(
                f'ReferenceModels(apply_transform={apply_transform!r}, keep_in={keep_in!r}): give True or False, and '
                'a text.'
            )
        if both := sorted(set(member_splits) & set(non_member_splits)):
            raise PrivacyInputError(
                f'ReferenceModels: the split {both[0]!r} is in both member_splits and non_member_splits.'
            )
        if apply_transform and transform_graph is None:
            raise PrivacyInputError('ReferenceModels(apply_transform=True) needs transform_graph: give it.')
        _check_numbers(num_models, seed, attempts, time_limit_minutes)
        settings = {
            'num_models': num_models,
            'apply_transform': apply_transform,
            'member_splits': _names('member_splits', member_splits),
            'non_member_splits': _names('non_member_splits', non_member_splits),
            'seed': seed,
            'attempts': attempts,
            'time_limit_minutes': float(time_limit_minutes),
            'keep_in': keep_in,
        }
        is_given_at_run = isinstance(custom_config, RuntimeParameter)
        super().__init__(
            spec=ReferenceModelsSpec(
                examples=examples,
                transform_graph=transform_graph,
                schema=schema,
                hyperparameters=hyperparameters,
                train_args=train_args or TrainArgs(),
                eval_args=eval_args or EvalArgs(),
                module_file=module_file,
                run_fn=run_fn,
                custom_config=custom_config if is_given_at_run else json_utils.dumps(custom_config),
                settings=json.dumps(settings, sort_keys=True),
                version=__version__,
                reference_models=types.Channel(type=ReferenceModelSet),
            )
        )
        if udf_utils.should_package_user_modules():
            # As Trainer does: everything in the module's folder goes to the workers, as a wheel.
            udf_utils.add_user_module_dependency(self, 'module_file', 'module_path')


def _names(field: str, splits: Sequence[str]) -> list[str]:
    if isinstance(splits, str) or not splits or not all(isinstance(name, str) and name for name in splits):
        raise PrivacyInputError(f'ReferenceModels({field}={splits!r}): give names of splits, as PrivacyConfig.{field}.')
    return list(splits)


def _check_numbers(num_models: Any, seed: Any, attempts: Any, time_limit_minutes: Any) -> None:
    if not _is_whole(num_models) or num_models < _FEWEST_MODELS or num_models % 2:
        raise PrivacyInputError(
            f'ReferenceModels(num_models={num_models!r}): models come in pairs, one for either half of the examples: '
            f'give an even number, at least {_FEWEST_MODELS}.'
        )
    if not _is_whole(seed) or not 0 <= seed < 2**31:
        raise PrivacyInputError(f'ReferenceModels(seed={seed!r}): give a whole number from 0 to 2^31 - 1.')
    if not _is_whole(attempts) or attempts < 1:
        raise PrivacyInputError(f'ReferenceModels(attempts={attempts!r}): give a whole number, at least 1.')
    is_number = isinstance(time_limit_minutes, int | float) and not isinstance(time_limit_minutes, bool)
    if not is_number or not 0 < time_limit_minutes < math.inf:
        raise PrivacyInputError(
            f'ReferenceModels(time_limit_minutes={time_limit_minutes!r}): give a number of minutes above 0.'
        )


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
