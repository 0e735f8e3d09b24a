"""The CanaryInjector component: what it is given and what it gives."""

from __future__ import annotations

from privacy_component._version import __version__
from privacy_component.component.canaries import executor
from privacy_component.component.compat import (
    BaseBeamComponent,
    BeamExecutorSpec,
    ChannelParameter,
    ComponentSpec,
    ExecutionParameter,
    RuntimeParameter,
    standard_artifacts,
    types,
)
from privacy_component.config.canary_config import CanaryConfig


class CanaryInjectorSpec(ComponentSpec):
    """CanaryInjector's inputs, outputs and parameters."""

    PARAMETERS = {  # noqa: RUF012
        executor.CANARY_CONFIG_KEY: ExecutionParameter(type=str),
        executor.VERSION_KEY: ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        executor.EXAMPLES_KEY: ChannelParameter(type=standard_artifacts.Examples),
        executor.SCHEMA_KEY: ChannelParameter(type=standard_artifacts.Schema, optional=True),
        executor.TRANSFORM_GRAPH_KEY: ChannelParameter(type=standard_artifacts.TransformGraph, optional=True),
    }
    # Not `examples`, for a component cannot have an input and an output of one name.
    OUTPUTS = {  # noqa: RUF012
        executor.OUTPUT_KEY: ChannelParameter(type=standard_artifacts.Examples),
    }


class CanaryInjector(BaseBeamComponent):
    """A TFX component that puts canaries into the training data, each by a fair coin, for an audit of the training.

    A model that was trained on them is for the audit: what it learnt of canaries does it no good. Whoever trains it
    must not know which canaries are in. The coins follow from a secret, in the file that the environment variable
    PRIVACY_CANARY_SALT_FILE names or in PRIVACY_CANARY_SALT; make a new one for every audit.

    Component `outputs` contains:

    - `examples_with_canaries`: Channel of type `standard_artifacts.Examples` with all splits of the input, canaries in
      the one that is trained on, and two more: `canary_in` and `canary_out`. Trainer must read none of these two. Its
      custom properties, num_canaries among them, tell it from clean data.
    """

    SPEC_CLASS = CanaryInjectorSpec
    EXECUTOR_SPEC = BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        canary_config: CanaryConfig | str | RuntimeParameter,
        schema: types.BaseChannel | None = None,
        transform_graph: types.BaseChannel | None = None,
    ):
        """Constructs a CanaryInjector.

        Args:
          examples: A channel of type `standard_artifacts.Examples`: an ExampleGen's, or Transform's
            transformed_examples. After Transform is better, whose scales and vocabularies then know of no canary.
          canary_config: A CanaryConfig, its JSON, or a RuntimeParameter of such JSON.
          schema: A channel of type `standard_artifacts.Schema` of the examples; the label and the features are looked
            up in it before the job.
          transform_graph: A channel of type `standard_artifacts.TransformGraph`, whose schema is looked up where the
            examples are transformed ones.

        Raises:
          PrivacyInputError: canary_config has a mistake; the message names it.
        """
        super().__init__(
            spec=CanaryInjectorSpec(
                examples=examples,
                canary_config=_as_json(canary_config),
                version=__version__,
                schema=schema,
                transform_graph=transform_graph,
                examples_with_canaries=types.Channel(type=standard_artifacts.Examples),
            )
        )


def _as_json(config: CanaryConfig | str | RuntimeParameter) -> str | RuntimeParameter:
    if isinstance(config, RuntimeParameter):
        return config
    return (config if isinstance(config, CanaryConfig) else CanaryConfig.from_json(config)).to_json()
