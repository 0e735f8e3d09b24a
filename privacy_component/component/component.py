"""The PrivacyEvaluator component: what it is given and what it gives."""

from __future__ import annotations

from typing import Any

import tensorflow_model_analysis as tfma

from privacy_component._version import __version__
from privacy_component.beam.models.eval_config import EvalConfig
from privacy_component.component import executor, wiring
from privacy_component.component.artifacts import PrivacyMetrics, ReferenceModelSet
from privacy_component.component.compat import (
    BaseBeamComponent,
    BeamExecutorSpec,
    ChannelParameter,
    ComponentSpec,
    ExecutionParameter,
    RuntimeParameter,
    standard_artifacts,
    types,
    visualizations,
)
from privacy_component.component.notebook_view import PrivacyMetricsVisualization
from privacy_component.config.privacy_config import PrivacyConfig

visualizations.get_registry().register(PrivacyMetricsVisualization)


class PrivacyEvaluatorSpec(ComponentSpec):
    """PrivacyEvaluator's inputs, outputs and parameters."""

    PARAMETERS = {  # noqa: RUF012
        executor.EVAL_CONFIG_KEY: ExecutionParameter(type=EvalConfig, use_proto=False),
        executor.PRIVACY_CONFIG_KEY: ExecutionParameter(type=str),
        # Part of the cache key, so that an upgrade does not return the verdict of an older release.
        executor.VERSION_KEY: ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        executor.EXAMPLES_KEY: ChannelParameter(type=standard_artifacts.Examples),
        executor.MODEL_KEY: ChannelParameter(type=standard_artifacts.Model, optional=True),
        executor.TRANSFORM_GRAPH_KEY: ChannelParameter(type=standard_artifacts.TransformGraph, optional=True),
        executor.SCHEMA_KEY: ChannelParameter(type=standard_artifacts.Schema, optional=True),
        executor.MODEL_BLESSING_KEY: ChannelParameter(type=standard_artifacts.ModelBlessing, optional=True),
        executor.PREVIOUS_METRICS_KEY: ChannelParameter(type=PrivacyMetrics, optional=True),
        executor.BASELINE_MODEL_KEY: ChannelParameter(type=standard_artifacts.Model, optional=True),
        executor.REFERENCE_MODELS_KEY: ChannelParameter(type=ReferenceModelSet, optional=True),
        executor.SNAPSHOTS_KEY: ChannelParameter(type=standard_artifacts.ModelRun, optional=True),
    }
    OUTPUTS = {  # noqa: RUF012
        executor.PRIVACY_METRICS_KEY: ChannelParameter(type=PrivacyMetrics),
        executor.BLESSING_KEY: ChannelParameter(type=standard_artifacts.ModelBlessing),
    }


class PrivacyEvaluator(BaseBeamComponent):
    """A TFX component that attacks a model as a membership-inference attacker would, and blesses it if it holds.

    Component `outputs` contains:

    - `privacy_metrics`: Channel of type `PrivacyMetrics`: every slice and attack, and a report.
    - `blessing`: Channel of type `standard_artifacts.ModelBlessing`, for Pusher.
    """

    SPEC_CLASS = PrivacyEvaluatorSpec
    EXECUTOR_SPEC = BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        model: types.BaseChannel | None,
        eval_config: tfma.EvalConfig,
        privacy_config: PrivacyConfig | str | RuntimeParameter,
        transform_graph: types.BaseChannel | None = None,
        schema: types.BaseChannel | None = None,
        model_blessing: types.BaseChannel | None = None,
        previous_metrics: types.BaseChannel | None = None,
        baseline_model: types.BaseChannel | None = None,
        reference_models: types.BaseChannel | None = None,
        snapshots: types.BaseChannel | None = None,
    ):
        """Constructs a PrivacyEvaluator.

        Args:
          examples: A channel of type `standard_artifacts.Examples`, from an ExampleGen or Transform's
            transformed_examples; holds the member and the non-member splits.
          model: A channel of type `standard_artifacts.Model`, usually from Trainer. Where it holds no SavedModel, or is
            None, predictions are read from the feature of the examples that `prediction_key` of eval_config names, and
            no model is called. With None nothing is blessed, for a blessing is of a model.
          eval_config: The tfma.EvalConfig that Evaluator has: label, signature and slices are taken from it.
          privacy_config: Attacks, thresholds and splits: a PrivacyConfig, its JSON, or a RuntimeParameter of such JSON.
            Without thresholds no model is blessed.
          transform_graph: A channel of type `standard_artifacts.TransformGraph`. With raw examples it is applied inside
            the job for labels, slices and models that take transformed features; with transformed examples it tells
            their schema.
          schema: A channel of type `standard_artifacts.Schema` of raw examples.
          model_blessing: A channel of type `standard_artifacts.ModelBlessing` that must be a blessing of the same model
            too, usually Evaluator's. Where an Evaluator of that model is in the pipeline and not wired here, a Python
            warning says so.
          previous_metrics: A channel of type `PrivacyMetrics` from a Resolver with PreviousEvaluationsStrategy: a model
            that an earlier evaluation refused stays refused until PrivacyConfig.decision.refusal_overrides names it.
            Without this input nothing is known of the past.
          baseline_model: A channel of type `standard_artifacts.Model` for thresholds on a change, usually from a
            Resolver with LatestBlessedModelStrategy; attacked in the same job on the same examples. Give the
            Resolver's model_blessing channel `producer_component_id='PrivacyEvaluator'` (this node's id): without it, a
            model that Evaluator blessed and this component refused can become the baseline. A limit on a change says
            nothing of the level, so set a threshold with `upper_bound` beside it. Where the channel holds no model yet,
            `PrivacyConfig.decision.without_baseline` decides.
          reference_models: A channel of type `ReferenceModelSet` from ReferenceModels, in this pipeline or, by a
            Resolver with LatestArtifactStrategy, in another: for attacks that compare the model with others which were
            trained as it was ('rmia', 'lira', 'bayes', 'stacked', 'difficulty'). They must have been trained on the
            very examples that are evaluated.
          snapshots: A channel of type `standard_artifacts.ModelRun`, from the Trainer of this model, whose run_fn gives
            `SnapshotCallback` the directory `snapshots` in `fn_args.model_run_dir`: for attacks of someone who sees the
            model at several epochs ('trajectory').

        Raises:
          PrivacyInputError: privacy_config has a mistake; the message names it. Or it has audits, and the model was
            trained on other examples than those given here.
        """
        super().__init__(
            spec=PrivacyEvaluatorSpec(
                examples=examples,
                model=model,
                eval_config=eval_config,
                privacy_config=_as_json(privacy_config),
                version=__version__,
                transform_graph=transform_graph,
                schema=schema,
                model_blessing=model_blessing,
                previous_metrics=previous_metrics,
                baseline_model=baseline_model,
                reference_models=reference_models,
                snapshots=snapshots,
                privacy_metrics=types.Channel(type=PrivacyMetrics),
                blessing=types.Channel(type=standard_artifacts.ModelBlessing),
            )
        )
        wiring.watch(self)
        is_known = not isinstance(privacy_config, RuntimeParameter)
        if is_known and PrivacyConfig.from_json(self.exec_properties[executor.PRIVACY_CONFIG_KEY]).audits:
            wiring.check_trained_on_canaries(self)

    def add_upstream_node(self, upstream_node: Any) -> None:
        """As every node's; a Pipeline calls it once all its nodes are known, an Evaluator of the same model too."""
        super().add_upstream_node(upstream_node)
        wiring.look_again(self)


def _as_json(config: PrivacyConfig | str | RuntimeParameter) -> str | RuntimeParameter:
    if isinstance(config, RuntimeParameter):
        return config
    return (config if isinstance(config, PrivacyConfig) else PrivacyConfig.from_json(config)).to_json()
