"""The long way from records to a batch: TFMA's batched extractors, for every kind of model that Evaluator can run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
import tensorflow_model_analysis as tfma

from privacy_component.beam.examples.decode import decode_batch, example_decoder, tensor_representations
from privacy_component.beam.examples.read import RawBatch
from privacy_component.beam.models.batch import Batch, Observer, View
from privacy_component.beam.models.served_model import chosen_output
from privacy_component.beam.models.signatures import Serialized, transform_call
from privacy_component.beam.plan import Plan
from privacy_component.errors import PrivacyInputError
from privacy_component.observations.needs import CANDIDATE

TRANSFORMED_FEATURES_KEY = 'transformed_features'
_UNCAST_KEY = 'uncast_features'
_IS_MEMBER_KEY = 'is_member'
_SPLIT_KEY = 'split'


def observe_by_extractors(records: beam.PCollection, plan: Plan) -> beam.PCollection:
    """Batches from raw batches."""
    extracts = records | 'Decode' >> beam.ParDo(DecodeExamples(plan.schema_path))
    for extractor in _extractors(plan):
        extracts |= extractor.stage_name >> extractor.ptransform
    return extracts | 'Observe' >> beam.ParDo(ObserveExtracts(plan))


def _extractors(plan: Plan) -> Sequence[tfma.extractors.Extractor]:
    eval_config = Observer(plan).eval_config
    model = tfma.default_eval_shared_model(eval_saved_model_path=plan.candidate.path, eval_config=eval_config)
    make = tfma.extractors
    chosen = [make.FeaturesExtractor(eval_config, tensor_representations=tensor_representations(plan.schema_path))]
    if eval_config.model_specs[0].preprocessing_function_names:
        chosen.append(make.TransformedFeaturesExtractor(eval_config, model))
    elif plan.transform_path:
        apply_graph = beam.ParDo(ApplyTransformGraph(plan))
        chosen.append(make.Extractor(stage_name='ApplyTransformGraph', ptransform=apply_graph))
    if plan.candidate.casts:
        cast = beam.ParDo(CastFeatures(plan.candidate.casts))
        chosen.append(make.Extractor(stage_name='CastFeatures', ptransform=cast))
    return [*chosen, make.PredictionsExtractor(eval_config, model)]


class DecodeExamples(beam.DoFn):
    """RawBatch -> tfma.Extracts with an Arrow record batch, the serialized examples and columns of what they are."""

    def __init__(self, schema_path: str):
        self._schema_path = schema_path

    def setup(self) -> None:
        """Makes the decoder once per worker."""
        self._decoder = example_decoder(self._schema_path)

    def process(self, batch: RawBatch) -> Iterator[dict[str, Any]]:
        """Decodes a batch."""
        record_batch = decode_batch(self._decoder, batch)
        raw = pa.array([[record] for record in batch.records], pa.large_list(pa.large_binary()))
        yield {
            tfma.ARROW_RECORD_BATCH_KEY: pa.RecordBatch.from_arrays(
                [*record_batch.columns, raw], [*record_batch.schema.names, tfma.ARROW_INPUT_COLUMN]
            ),
            _IS_MEMBER_KEY: batch.is_member,
            _SPLIT_KEY: np.full(len(batch.records), batch.split),
        }


class ApplyTransformGraph(beam.DoFn):
    """Adds the features that a transform_graph makes of raw examples, for models that have no graph of their own.

    They are added beside the raw ones, and take their place where names are equal: a slice can still say
    `payment_type = Cash`, and the model gets the input it was trained on.
    """

    def __init__(self, plan: Plan):
        self._transform_path, self._batch_size = plan.transform_path, plan.batch_size

    def setup(self) -> None:
        """Loads the graph once per worker."""
        self._transform = transform_call(self._transform_path)

    def process(self, extracts: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Transforms a batch."""
        transformed = self._transform(Serialized(list(extracts[tfma.INPUT_KEY].flatten()), self._batch_size))
        features = {**extracts[tfma.FEATURES_KEY], **transformed}
        yield {**extracts, tfma.FEATURES_KEY: features, TRANSFORMED_FEATURES_KEY: transformed}


class CastFeatures(beam.DoFn):
    """Gives features the type that the model takes; labels and slices are made of them as they were."""

    def __init__(self, casts: Sequence[tuple[str, str]]):
        self._casts = [(name, tf.as_dtype(dtype).as_numpy_dtype) for name, dtype in casts]

    def process(self, extracts: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Casts what there is in a batch."""
        features = extracts[tfma.FEATURES_KEY]
        cast = {name: _cast(features[name], dtype, name) for name, dtype in self._casts if name in features}
        yield {**extracts, tfma.FEATURES_KEY: {**features, **cast}, _UNCAST_KEY: features}


def _cast(values: Any, dtype: Any, name: str) -> Any:
    if hasattr(values, 'indices'):
        return values._replace(values=_cast(values.values, dtype, name))
    cast = np.asarray(values).astype(dtype)
    if np.issubdtype(dtype, np.integer) and not np.array_equal(cast, values):
        raise PrivacyInputError(
            f"the feature '{name}' has values beyond {np.dtype(dtype).name}, which the model takes: export a signature "
            'that takes int64.'
        )
    return cast


class ObserveExtracts(beam.DoFn):
    """tfma.Extracts -> Batch."""

    def __init__(self, plan: Plan):
        self._plan = plan

    def setup(self) -> None:
        """Reads the settings once per worker."""
        self._observer = Observer(self._plan)

    def process(self, extracts: dict[str, Any]) -> Iterator[Batch]:
        """Observes a batch."""
        records = list(np.asarray(extracts[tfma.INPUT_KEY]).flatten())
        transformed = extracts.get(TRANSFORMED_FEATURES_KEY) or {}
        members = np.asarray(extracts[_IS_MEMBER_KEY]).reshape(len(records))
        batch = RawBatch(records, members, split=str(np.asarray(extracts[_SPLIT_KEY]).flat[0]), path='')
        key = self._observer.model_spec.prediction_key
        outputs = chosen_output(extracts[tfma.PREDICTIONS_KEY], key, len(records))
        sources = (transformed, extracts.get(_UNCAST_KEY, extracts[tfma.FEATURES_KEY]))
        labels = self._observer.labels(sources, len(records), outputs.shape[1])
        yield self._observer.observe(batch, sources, labels, {CANDIDATE: (View(outputs),)})
