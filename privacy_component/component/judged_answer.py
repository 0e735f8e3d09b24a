"""Which of a model's answers is judged and what it takes and gives: from its files alone, before it is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow.python.saved_model import loader_impl

from privacy_component.beam.models.signature_inputs import Specs, in_words, kind_of, specs_of, takes_serialized_examples
from privacy_component.beam.models.signatures import called_signature
from privacy_component.errors import PrivacyInputError

_KERAS_FILE = 'keras_metadata.pb'
_OTHER_FORMATS = {
    tfma.constants.TF_LITE: 'TensorFlow Lite',
    tfma.constants.TF_JS: 'TensorFlow.js',
}
_OTHER_FILES = {'tflite': 'TensorFlow Lite', 'tensorflowjs': 'TensorFlow.js', 'keras': 'Keras', 'h5': 'Keras'}
_MADE_DENSE = {'ragged': 'to_tensor(shape=...)', 'sparse': 'tf.sparse.to_dense'}


class Answer(NamedTuple):
    """Which of a model's answers is judged, and what is asked.

    Attributes:
      signature: the signature that is called; TFMA calls the Keras model itself where none is named and it can.
      output: of its outputs, the one that is judged; '' if that is not known.
      inputs: what it takes, by name.
      preprocessing: what the signatures that make features take; None for a function that is none of the model's.
      is_saved_model: whether the SavedModel answers, and not a file of another format beside it.
      is_keras: whether TFMA may load it as a Keras model and call that.
    """

    signature: str
    output: str
    inputs: Specs
    preprocessing: tuple[Specs | None, ...]
    is_saved_model: bool
    is_keras: bool

    def is_called_directly(self, names: set[str]) -> bool:
        """True if workers call it themselves: all signatures take serialized examples.

        Args:
          names: of the features of the examples. What is named like one of them takes its values.
        """
        asked = (self.inputs, *self.preprocessing)
        return self.is_saved_model and all(one is not None and takes_serialized_examples(one, names) for one in asked)

    def is_fed_by_name(self, names: set[str]) -> bool:
        """True if it is certain that TFMA feeds features to these inputs."""
        is_asked = self.is_saved_model and not self.is_keras
        return is_asked and not takes_serialized_examples(self.inputs, names)


def check_model(model_path: str, spec: tfma.ModelSpec) -> Answer:
    """How the model will be called.

    Raises:
      PrivacyInputError: there is no SavedModel, or it lacks such a signature.
    """
    if spec.model_type in _OTHER_FORMATS:
        raise PrivacyInputError(
            f"eval_config.model_specs[0].model_type is '{spec.model_type}', a model of "
            f'{_OTHER_FORMATS[spec.model_type]}: only a SavedModel can be called here. Judge the one that it was made '
            'of, and leave model_type out.'
        )
    try:
        saved_model = loader_impl.parse_saved_model(model_path)
    except (OSError, tf.errors.OpError) as error:
        _check_format(model_path)
        raise PrivacyInputError(
            f'model: there is no SavedModel in {model_path} ({error}). Export one; models of other kinds '
            '(scikit-learn, XGBoost, PyTorch) are judged by what they predict: name the feature of the examples that '
            'holds it with eval_config.model_specs[0].prediction_key, or use evaluate_privacy.'
        ) from error
    if spec.model_type and spec.model_type not in tfma.constants.VALID_TF_MODEL_TYPES:
        raise PrivacyInputError(
            f"eval_config.model_specs[0].model_type is '{spec.model_type}'; TFMA knows "
            f'{", ".join(tfma.constants.VALID_TF_MODEL_TYPES)}.'
        )
    signatures = {name: graph.signature_def[name] for graph in saved_model.meta_graphs for name in graph.signature_def}
    called = [_called_signature(spec, signatures, model_path), *spec.preprocessing_function_names]
    unknown = [name for name in called if '@' not in name and name not in signatures]
    if unknown:
        raise PrivacyInputError(
            f"preprocessing_function_names has '{unknown[0]}', which is none of the model's signatures "
            f'({_listed(signatures)}): export it as one; an attribute of the model is not called.'
        )
    judged = signatures.get(called[0])
    outputs = specs_of(judged.outputs) if judged else {}
    output = spec.prediction_key or (next(iter(outputs)) if len(outputs) == 1 else '')
    _check_dense(output, outputs, called[0])
    is_loaded_by_keras = tf.io.gfile.exists(f'{model_path}/{_KERAS_FILE}')
    return Answer(
        signature=called[0],
        output=output,
        inputs=specs_of(judged.inputs) if judged else {},
        preprocessing=tuple(specs_of(signatures[name].inputs) if name in signatures else None for name in called[1:]),
        is_saved_model=spec.model_type in ('', tfma.constants.TF_GENERIC, tfma.constants.TF_KERAS),
        is_keras=is_loaded_by_keras and not spec.signature_name,
    )


def _check_format(model_path: str) -> None:
    """Refuses by name a file of another format in the place of a SavedModel."""
    names = tf.io.gfile.listdir(model_path) if tf.io.gfile.isdir(model_path) else []
    for name in sorted(one.rstrip('/') for one in names):
        kind = _OTHER_FILES.get(name.rsplit('.', 1)[-1])
        if kind:
            raise PrivacyInputError(
                f"model: {model_path} holds '{name}', a model of {kind}, and no SavedModel, which alone can be called "
                'here: export the model as one.'
            )


def _check_dense(output: str, outputs: Specs, signature: str) -> None:
    _check_one_answer(output, outputs, signature)
    if output in outputs and (kind := kind_of(outputs[output])):
        raise PrivacyInputError(
            f"the output '{output}' of the model's signature '{signature}' is a {kind} tensor, which has no number for "
            f'each example and class; its outputs are {in_words(outputs)}: name a dense one with '
            'eval_config.model_specs[0].prediction_key, or export this one as (n, classes) or (n, 1), with '
            f'{_MADE_DENSE[kind]}.'
        )


def _check_one_answer(output: str, outputs: Specs, signature: str) -> None:
    if output in outputs and not kind_of(outputs[output]) and (outputs[output].shape.rank or 0) > 2:
        raise PrivacyInputError(
            f"the output '{output}' of the model's signature '{signature}' is a sequence, or has more dimensions than "
            f'that: outputs of shape {tuple(outputs[output].shape.as_list())}, where (n, classes) or (n, 1) is needed. '
            'Export one answer for each example and name it with eval_config.model_specs[0].prediction_key, or make '
            'every step an example of its own, with PrivacyConfig.people.group_key naming the sequence.'
        )


def _called_signature(spec: tfma.ModelSpec, signatures: Mapping[str, SignatureDef], model_path: str) -> str:
    name = called_signature(spec.signature_name, signatures)
    if name not in signatures:
        raise PrivacyInputError(
            f"the model in {model_path} has no signature '{name}'; it has {_listed(signatures)}: export one, or "
            'name another with eval_config.model_specs[0].signature_name.'
        )
    return name


def _listed(signatures: Iterable[str]) -> str:
    return ', '.join(sorted(name for name in signatures if not name.startswith('__'))) or 'none'
