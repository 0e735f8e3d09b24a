"""Keras 2 and Keras 3, and which of them a model is of; all that differs between them stands here."""

from __future__ import annotations

import importlib
import types
from collections.abc import Mapping
from typing import Any

from privacy_component.errors import PrivacyInputError

_PACKAGES = ('keras', 'tf_keras')


def keras_of(model: Any) -> types.ModuleType:
    """The package that a model's class comes from: `keras` or `tf_keras`.

    Raises:
      PrivacyInputError: it is no Keras model, or one of a Keras that does not run on TensorFlow.
    """
    roots = [base.__module__.split('.')[0] for base in type(model).__mro__ if base.__name__ == 'Model']
    found = next((root for root in roots if root in _PACKAGES), None)
    if found is None:
        raise PrivacyInputError(f'model is of type {type(model).__name__}: give a Keras model (keras or tf_keras).')
    keras = importlib.import_module(found)
    if is_keras_3(keras) and keras.backend.backend() != 'tensorflow':
        raise PrivacyInputError(f"model is of Keras 3 on {keras.backend.backend()}: set KERAS_BACKEND to 'tensorflow'.")
    return keras


def is_keras_3(keras: types.ModuleType) -> bool:
    """Whether this is Keras 3 or later."""
    return int(keras.__version__.split('.')[0]) >= 3


def layers_of(model: Any) -> list[Any]:
    """All layers, those within layers too."""
    return list(model._flatten_layers())


def count_loss(keras: types.ModuleType, model: Any, loss: Any, outputs: Any) -> None:
    """Adds a batch's loss to the mean that is shown; Keras 2 does where it computes it."""
    if is_keras_3(keras):
        shown = next(metric for metric in model.metrics if metric.name == 'loss')
        shown.update_state(loss, sample_weight=keras.ops.shape(outputs)[0])


class CallbackHooks:
    """All hooks of a Keras callback, doing nothing.

    What Keras asks of a callback is these methods. A callback with a base class of Keras 2 could not serve Keras 3, nor
    the other way round, and which of them trains is known only when training begins.
    """

    async_safe = True  # of Keras 3: hooks of batches do nothing, so they may run at any time
    _supports_tf_logs = True  # of Keras 2
    _chief_worker_only = None

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Keeps what Keras says of the training."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Keeps the model that is trained."""
        self.model = model

    def _implements_train_batch_hooks(self) -> bool:
        return False

    _implements_test_batch_hooks = _implements_predict_batch_hooks = _implements_train_batch_hooks

    def _nothing(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to do."""

    on_batch_begin = on_train_batch_begin = on_test_batch_begin = on_predict_batch_begin = _nothing
    on_batch_end = on_train_batch_end = on_test_batch_end = on_predict_batch_end = _nothing
    on_epoch_begin = on_epoch_end = _nothing
    on_train_begin = on_test_begin = on_predict_begin = _nothing
    on_train_end = on_test_end = on_predict_end = _nothing
