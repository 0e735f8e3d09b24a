"""Features, labels and predictions by TFMA's batched extractors, so that whatever Evaluator can run can be attacked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_model_analysis as tfma
import tensorflow_transform as tft
from google.protobuf import json_format

from privacy_component.beam.decode import tensor_representations
from privacy_component.beam.plan import Plan

TRANSFORMED_FEATURES_KEY = 'transformed_features'


def extract(batches: beam.PCollection, plan: Plan) -> beam.PCollection:
    """Extracts with features, labels and predictions from extracts with an Arrow record batch."""
    eval_config = read_eval_config(plan.eval_config)
    model = tfma.default_eval_shared_model(eval_saved_model_path=plan.model_path, eval_config=eval_config)
    extractors = tfma.extractors
    features = extractors.FeaturesExtractor(eval_config, tensor_representations=tensor_representations(plan.schema_path))
    extracts = batches | features.stage_name >> features.ptransform
    if plan.transform_path:
        extracts |= 'ApplyTransformGraph' >> beam.ParDo(ApplyTransformGraph(plan.transform_path))
    elif eval_config.model_specs[0].preprocessing_function_names:
        transformed = extractors.TransformedFeaturesExtractor(eval_config, model)
        extracts |= transformed.stage_name >> transformed.ptransform
    for extractor in (extractors.LabelsExtractor(eval_config), extractors.PredictionsExtractor(eval_config, model)):
        extracts |= extractor.stage_name >> extractor.ptransform
    return extracts


def read_eval_config(text: str) -> tfma.EvalConfig:
    """The EvalConfig that JSON text describes."""
    return json_format.Parse(text, tfma.EvalConfig())


class ApplyTransformGraph(beam.DoFn):
    """Adds the features that a transform_graph makes of raw examples, for models that have no graph of their own.

    They are added beside the raw ones, and take their place where names are equal: a slice can still say
    `payment_type = Cash`, and the model gets the input it was trained on.
    """

    def __init__(self, transform_path: str):
        self._transform_path = transform_path

    def setup(self) -> None:
        """Loads the graph once per worker."""
        output = tft.TFTransformOutput(self._transform_path)
        self._raw_spec = output.raw_feature_spec()
        self._layer = output.transform_features_layer()

    def process(self, extracts: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Transforms a batch."""
        raw = tf.io.parse_example(extracts[tfma.INPUT_KEY].flatten(), self._raw_spec)
        transformed = {name: _as_tensor_value(tensor) for name, tensor in self._layer(raw).items()}
        features = {**extracts[tfma.FEATURES_KEY], **transformed}
        yield {**extracts, tfma.FEATURES_KEY: features, TRANSFORMED_FEATURES_KEY: transformed}


def _as_tensor_value(tensor: tf.Tensor | tf.SparseTensor) -> Any:
    if isinstance(tensor, tf.SparseTensor):
        return tf.compat.v1.SparseTensorValue(
            np.asarray(tensor.indices), np.asarray(tensor.values), np.asarray(tensor.dense_shape)
        )
    return tensor.numpy()
