"""A tiny pipeline on the real LocalDagRunner and ML Metadata: imported inputs, Evaluator, PrivacyEvaluator."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import tensorflow_model_analysis as tfma
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx import v1 as tfx
from tfx.types import standard_artifacts

from privacy_component import PreviousEvaluationsStrategy, PrivacyConfig, PrivacyEvaluator, PrivacyMetrics
from tests.component import world as w

BEAM_ARGS = ['--runner=FnApiRunner', '--sdk_container_image=unused']
RESOLVER_TYPE = 'tfx.dsl.components.common.resolver.Resolver'


def always_blessing() -> tfma.EvalConfig:
    """What Evaluator blesses every model by: there are examples."""
    there_are_some = tfma.MetricThreshold(value_threshold=tfma.GenericValueThreshold(lower_bound={'value': 1}))
    return tfma.EvalConfig(
        model_specs=[tfma.ModelSpec(label_key='label')],
        slicing_specs=[tfma.SlicingSpec()],
        metrics_specs=[
            tfma.MetricsSpec(metrics=[tfma.MetricConfig(class_name='ExampleCount', threshold=there_are_some)])
        ],
    )


def imported(world: w.World) -> tuple[Any, Any]:
    """Nodes that bring a world's examples and model into the metadata."""
    examples = tfx.dsl.Importer(
        source_uri=str(world.root / 'examples'),
        artifact_type=standard_artifacts.Examples,
        properties={'split_names': '["train", "eval"]'},
        custom_properties={'payload_format': 'FORMAT_TF_EXAMPLE', 'file_format': 'tfrecords_gzip'},
    ).with_id('examples')
    model = tfx.dsl.Importer(source_uri=str(world.root / 'model'), artifact_type=standard_artifacts.Model)
    return examples, model.with_id('model')


@dataclasses.dataclass
class Pipeline:
    """Runs of one pipeline, which share a metadata store."""

    root: Path
    connection: metadata_store_pb2.ConnectionConfig

    @classmethod
    def on_sqlite(cls, root: Path) -> Pipeline:
        return cls(root, tfx.orchestration.metadata.sqlite_metadata_connection_config(str(root / 'metadata.db')))

    @property
    def store(self) -> MetadataStore:
        return MetadataStore(self.connection)

    def evaluate(
        self,
        world: w.World,
        config: PrivacyConfig,
        *,
        with_evaluator: bool = False,
        strategy: type | None = PreviousEvaluationsStrategy,
    ) -> None:
        """One run: the world's model is evaluated, in the knowledge of earlier runs if there is a strategy."""
        examples, model = imported(world)
        nodes, wired = [examples, model], {}
        if with_evaluator:
            evaluator = tfx.components.Evaluator(
                examples=examples.outputs['result'], model=model.outputs['result'], eval_config=always_blessing()
            )
            nodes, wired = [*nodes, evaluator], {'model_blessing': evaluator.outputs['blessing']}
        if strategy:
            channel = tfx.dsl.Channel(type=PrivacyMetrics)
            refusals = tfx.dsl.Resolver(strategy_class=strategy, previous_metrics=channel).with_id('refusals')
            nodes, wired = [*nodes, refusals], wired | {'previous_metrics': refusals.outputs['previous_metrics']}
        privacy = PrivacyEvaluator(
            examples=examples.outputs['result'],
            model=model.outputs['result'],
            eval_config=w.eval_config(),
            privacy_config=config,
            **wired,
        )
        self._run([*nodes, privacy])

    def latest_blessed(self, **of_blessings: str) -> str:
        """The URI of the model that LatestBlessedModelStrategy resolves; '' for none."""
        resolver = tfx.dsl.Resolver(
            strategy_class=tfx.dsl.experimental.LatestBlessedModelStrategy,
            model=tfx.dsl.Channel(type=standard_artifacts.Model),
            model_blessing=tfx.dsl.Channel(type=standard_artifacts.ModelBlessing, **of_blessings),
        ).with_id('latest_blessed')
        self._run([resolver])
        execution = max(self.store.get_executions_by_type(RESOLVER_TYPE), key=lambda one: one.id)
        events = self.store.get_events_by_execution_ids([execution.id])
        outputs = self.store.get_artifacts_by_id([event.artifact_id for event in events])
        return ''.join(one.uri for one in outputs if one.type == 'Model')

    def metrics(self) -> list[metadata_store_pb2.Artifact]:
        """PrivacyMetrics of all runs, the oldest first; cached runs add none."""
        return sorted(self.store.get_artifacts_by_type(PrivacyMetrics.TYPE_NAME), key=lambda one: one.id)

    def blessings(self) -> list[metadata_store_pb2.Artifact]:
        return sorted(self.store.get_artifacts_by_type('ModelBlessing'), key=lambda one: one.id)

    def _run(self, nodes: list) -> None:
        tfx.orchestration.LocalDagRunner().run(
            tfx.dsl.Pipeline(
                pipeline_name='lineage',
                pipeline_root=str(self.root / 'pipeline'),
                components=nodes,
                metadata_connection_config=self.connection,
                enable_cache=True,
                beam_pipeline_args=BEAM_ARGS,
            )
        )
