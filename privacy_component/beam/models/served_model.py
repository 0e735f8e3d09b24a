"""A SavedModel on a worker, in whatever role: loaded once, called on serialized examples."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_model_analysis as tfma

from privacy_component.beam.models.eval_config import eval_config_from_json
from privacy_component.beam.models.first_answers import first_answers
from privacy_component.beam.models.gradients import PerExample, Summary, norm, norms_by_layer, per_example
from privacy_component.beam.models.layers import layers_of
from privacy_component.beam.models.signature_inputs import in_words
from privacy_component.beam.models.signatures import Call, Serialized, called_signature, signature_call
from privacy_component.beam.plan import BASELINE_MODEL, ModelPlan
from privacy_component.beam.surfaced_errors import bad_call, loading
from privacy_component.beam.underway import underway
from privacy_component.errors import PrivacyInputError, prefixed_errors
from privacy_component.observations.needs import BASELINE, CANDIDATE

_CHANNELS = {BASELINE: BASELINE_MODEL}


def errors_of(role: str) -> contextlib.AbstractContextManager[None]:
    """Errors within say which model they are of, unless it is the candidate."""
    return contextlib.nullcontext() if role == CANDIDATE else prefixed_errors(_CHANNELS.get(role, role))


class ServedModel:
    """A model that takes serialized examples.

    Attributes:
      output_kind: 'logits' or 'probabilities'; '' while that is not known.
      noise: how examples are changed to see whether its answer stays; None where no attack asks.
    """

    def __init__(self, plan: ModelPlan, role: str = CANDIDATE):
        self._path, self._role = plan.path, role
        self.output_kind, self.noise = plan.output_kind, plan.noise
        eval_config = eval_config_from_json(plan.eval_config)
        self._spec = eval_config.model_specs[0]
        # Holds one loaded model per process, shared by all instances.
        self._loader = tfma.default_eval_shared_model(plan.path, eval_config=eval_config).model_loader

    def load(self) -> None:
        """Loads the model once per worker."""
        name = 'the model' if self._role == CANDIDATE else f'the {_CHANNELS.get(self._role, self._role)}'
        with underway(f'loading {name} in {self._path}'), loading(name, self._path):
            self._model = self._loader.load()
        self._signature = called_signature(self._spec.signature_name, self._model.signatures)
        self._takes = in_words(self._model.signatures[self._signature].structured_input_signature[1])
        self._calls: dict[str, Call] = {}
        self._norms: dict[bool, PerExample] = {}

    def function(self, signature: str) -> Call:
        """One of its signatures."""
        if signature not in self._calls:
            self._calls[signature] = self._waited_for(signature)
        return self._calls[signature]

    def _waited_for(self, signature: str) -> Call:
        call = signature_call(self._model, signature)

        def waited_for(serialized: Serialized) -> dict[str, Any]:
            with self._answering(signature, serialized):
                return call(serialized)

        return waited_for

    def answers(self, signature: str, serialized: Serialized, keep: bool = False) -> Mapping[str, Any]:
        """What a signature gives, by output; from the trial, where it was asked about the same batch there.

        Args:
          signature: one of the model's.
          serialized: the examples.
          keep: whether the job may have this answer from here.
        """
        key, known = (self._path, signature), first_answers()
        found = known.find(key, serialized.records)
        if found is None:
            found = self.function(signature)(serialized)
            if keep:
                known.keep(key, serialized.records, found)
        return found

    def _answering(self, signature: str, serialized: Serialized) -> contextlib.AbstractContextManager[None]:
        which = _CHANNELS.get(self._role, self._role)
        return underway(
            f"the call of {which} {self._path} (signature '{signature}') with {serialized.num_rows} examples"
        )

    @property
    def signatures(self) -> Mapping[str, Any]:
        """All of its signatures by name, as TensorFlow functions."""
        return self._model.signatures

    @property
    def weights(self) -> Sequence[tf.Variable]:
        """The trainable variables of the signature that is called, in its order; () of a frozen graph."""
        return self._model.signatures[self._signature].trainable_variables

    @property
    def preprocessing(self) -> tuple[str, ...]:
        """The signatures that make features, by eval_config."""
        return tuple(self._spec.preprocessing_function_names)

    def outputs(self, serialized: Serialized, keep: bool = False) -> np.ndarray:
        """(n, classes) of the model's outputs; `keep` as in `answers`.

        Raises:
          PrivacyInputError: the signature does not take the examples, or its outputs cannot be used.
        """
        with errors_of(self._role):
            answers = self.answers(self._signature, serialized, keep)
            return chosen_output(answers, self._spec.prediction_key, serialized.num_rows)

    def outputs_anew(self, serialized: Serialized) -> np.ndarray:
        """The same from a call of the model, whatever it answered before."""
        with errors_of(self._role):
            answers = self.function(self._signature)(serialized)
            return chosen_output(answers, self._spec.prediction_key, serialized.num_rows)

    def gradient_norms(self, serialized: Serialized, output_gradients: np.ndarray) -> np.ndarray:
        """(n,) the norm over all weights of each example's gradient, given that with respect to its outputs (n, k).

        Raises:
          PrivacyInputError: the model has no weights that gradients reach, or a norm is NaN or infinite.
        """
        return self._norms_of(serialized, output_gradients, by_layer=False)[:, 0]

    def gradient_norms_by_layer(self, serialized: Serialized, output_gradients: np.ndarray) -> np.ndarray:
        """(n, layers + 1) as `gradient_norms`, and beside it over the weights of each layer by itself.

        Raises:
          PrivacyInputError: as `gradient_norms`.
        """
        return self._norms_of(serialized, output_gradients, by_layer=True)

    def _norms_of(self, serialized: Serialized, output_gradients: np.ndarray, by_layer: bool) -> np.ndarray:
        if by_layer not in self._norms:
            layers = layers_of([w.name for w in self.weights], [w.shape.rank for w in self.weights])
            self._norms[by_layer] = self.per_example(norms_by_layer(layers) if by_layer else norm)
        return self.kept_of_gradients(self._norms[by_layer], serialized, output_gradients)

    def per_example(self, summary: Summary) -> PerExample:
        """What `kept_of_gradients` takes.

        Raises:
          PrivacyInputError: the model has no weights.
        """
        with errors_of(self._role):
            return per_example(self._model, self._signature, self._spec.prediction_key, summary)

    def kept_of_gradients(
        self, function: PerExample, serialized: Serialized, output_gradients: np.ndarray
    ) -> np.ndarray:
        """(n, m) float64 of what is kept of each example's gradients, given those with respect to its outputs (n, k).

        Raises:
          PrivacyInputError: no gradient reaches a weight, or one is NaN or infinite.
        """
        with errors_of(self._role):
            try:
                with self._answering(self._signature, serialized):
                    found = function(serialized.rows, tf.constant(output_gradients, tf.float32)).numpy()
            except (tf.errors.OpError, UnicodeDecodeError) as error:
                raise bad_call(self._signature, error, self._takes) from None
            return _finite(found)


def chosen_output(predictions: Any, prediction_key: str, num_rows: int) -> np.ndarray:
    """(n, classes) of the model's outputs.

    Raises:
      PrivacyInputError: there are several outputs and none, or an unknown one, is named; or the shape is none of a
        classifier's.
    """
    if isinstance(predictions, Mapping) and len(predictions) == 1 and not prediction_key:
        predictions = next(iter(predictions.values()))
    if isinstance(predictions, Mapping):
        if prediction_key not in predictions:
            raise PrivacyInputError(
                f"prediction_key is '{prediction_key}' but the model's outputs are {', '.join(sorted(predictions))}: "
                'set eval_config.model_specs[0].prediction_key to one of them.'
            )
        predictions = predictions[prediction_key]
    outputs = np.asarray(predictions)
    if outputs.ndim not in (1, 2) or len(outputs) != num_rows:
        raise PrivacyInputError(
            f'the model gives outputs of shape {outputs.shape} for {num_rows} examples; (n, classes) or (n, 1) is '
            'needed.'
        )
    return outputs.reshape(num_rows, -1)


def _finite(found: np.ndarray) -> np.ndarray:
    bad = int(np.count_nonzero(~np.isfinite(found).all(axis=1)))
    if bad:
        raise PrivacyInputError(
            f'the gradient of the loss is NaN or infinite for {bad} of {len(found)} examples of a batch: leave attacks '
            'that need gradients out of PrivacyConfig.attacks, or mend the overflow in the model.'
        )
    return found
