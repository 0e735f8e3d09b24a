"""The baseline model on a worker: called on the very batches that the candidate is called on."""

from __future__ import annotations

import numpy as np
import tensorflow_model_analysis as tfma

from privacy_component.beam.models.batch import Observer, chosen_output
from privacy_component.beam.models.signatures import Serialized, called_signature, signature_call
from privacy_component.beam.plan import BASELINE, Plan
from privacy_component.beam.surfaced_errors import loading
from privacy_component.errors import prefixed_errors


class BaselineModel:
    """A model that takes serialized examples; of its plan, only what is the model's own matters."""

    def __init__(self, plan: Plan):
        observer = Observer(plan)
        self._spec = observer.model_spec
        self._path = plan.model_path
        # Holds one loaded model per process, shared by all instances.
        self._loader = tfma.default_eval_shared_model(plan.model_path, eval_config=observer.eval_config).model_loader

    def load(self) -> None:
        """Loads the model once per worker."""
        with loading('the baseline_model', self._path):
            model = self._loader.load()
        self._predict = signature_call(model, called_signature(self._spec.signature_name, model.signatures))

    def outputs(self, serialized: Serialized) -> np.ndarray:
        """(n, classes) of the model's outputs.

        Raises:
          PrivacyInputError: the signature does not take the examples, or its outputs cannot be used.
        """
        with prefixed_errors(BASELINE):
            return chosen_output(self._predict(serialized), self._spec.prediction_key, serialized.num_rows)
