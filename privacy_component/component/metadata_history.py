"""Every past evaluation, from ML Metadata: SQLite, MySQL or PostgreSQL."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from ml_metadata import MetadataStore, errors
from ml_metadata.proto import metadata_store_pb2 as generated

from privacy_component.errors import PrivacyInputError
from privacy_component.evaluation.past_evaluation import PastEvaluation

metadata_store_pb2: Any = generated  # made at run time, so type checkers cannot see what is in it

_TYPE = 'privacy_component.PrivacyMetrics'
_MODEL = 'model'


def connection_to(sqlite: str | None, config: str | None) -> Any:
    """How to reach a metadata store, as ML Metadata's ConnectionConfig.

    Args:
      sqlite: a SQLite file, as local pipelines have it.
      config: a file with a ConnectionConfig of ML Metadata in protobuf's text format, for servers. Passwords stand in
        there, so that they need not be given on a command line.

    Raises:
      PrivacyInputError: the file is missing or is no such thing.
    """
    path = Path(sqlite or config or '')
    if not path.is_file():
        raise PrivacyInputError(f'{path} is no file: give the metadata.sqlite of a pipeline, or a ConnectionConfig.')
    connection = metadata_store_pb2.ConnectionConfig()
    if sqlite:
        connection.sqlite.filename_uri = str(path)
        connection.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
        return connection
    try:
        return text_format.Parse(path.read_text(encoding='utf-8'), connection)
    except (text_format.ParseError, UnicodeDecodeError):
        raise PrivacyInputError(
            f'{path} is no ConnectionConfig in text format: write, say, mysql {{ host: "..." port: 3306 '
            'database: "..." user: "..." password: "..." }.'
        ) from None  # the text of the error quotes the file, which may hold a password


def past_evaluations(connection: Any, pipeline: str | None = None) -> list[PastEvaluation]:
    """All evaluations that a metadata store knows, the oldest first.

    Args:
      connection: a ConnectionConfig of ML Metadata.
      pipeline: only those of the pipeline of this name.

    Raises:
      PrivacyInputError: the store cannot be read.
    """
    try:
        found = _read(MetadataStore(connection))
    except (errors.StatusError, RuntimeError) as error:
        raise PrivacyInputError(f'the metadata store cannot be read ({error}): check the connection.') from error
    return [one for one in found if pipeline in (None, one.pipeline)]


def _read(store: MetadataStore) -> list[PastEvaluation]:
    try:
        artifacts = store.get_artifacts_by_type(_TYPE)
    except errors.NotFoundError:  # the type is registered with the first evaluation
        return []
    models = _models(store, [artifact.id for artifact in artifacts])
    ordered = sorted(artifacts, key=lambda one: (one.create_time_since_epoch, one.id))
    return [_past(store, artifact, models.get(artifact.id, 0)) for artifact in ordered]


def _past(store: MetadataStore, artifact: Any, model: int) -> PastEvaluation:
    values = {name: _value(value) for name, value in artifact.custom_properties.items()}
    # A later run that takes it from the cache is among its contexts too: the first made it.
    newest_first = sorted(store.get_contexts_by_artifact(artifact.id), key=lambda one: -one.id)
    contexts = {context.type: context.name for context in newest_first}
    created = datetime.datetime.fromtimestamp(artifact.create_time_since_epoch / 1000, datetime.timezone.utc)
    texts = {name: str(values.get(name, '')) for name in ('outcome', 'message', 'worst_slice', 'worst_attack')}
    return PastEvaluation(
        artifact=artifact.id,
        uri=artifact.uri,
        pipeline=contexts.get('pipeline', ''),
        run=contexts.get('pipeline_run', ''),
        evaluated=created.strftime('%Y-%m-%dT%H:%M:%SZ'),
        model=model,
        figures={name: float(value) for name, value in values.items() if isinstance(value, float)},
        **texts,
    )


def _value(value: Any) -> Any:
    kind = value.WhichOneof('value')
    return getattr(value, kind) if kind else ''


def _models(store: MetadataStore, metrics: Sequence[int]) -> Mapping[int, int]:
    """The id of the model that each evaluation was of, by the id of its metrics."""
    output = metadata_store_pb2.Event.OUTPUT
    made_by = {e.artifact_id: e.execution_id for e in store.get_events_by_artifact_ids(metrics) if e.type == output}
    read = store.get_events_by_execution_ids(sorted(set(made_by.values()))) if made_by else []
    model_of = {event.execution_id: event.artifact_id for event in read if _is_model(event)}
    return {metric: model_of.get(execution, 0) for metric, execution in made_by.items()}


def _is_model(event: Any) -> bool:
    is_input = event.type == metadata_store_pb2.Event.INPUT
    return is_input and any(step.key == _MODEL for step in event.path.steps)
