"""Differentially private training: the optimizer and what it guarantees (Abadi et al. 2016, arXiv 1607.00133)."""

import dataclasses
import json
from pathlib import Path

import dp_accounting
import tf_keras
from tensorflow_privacy.privacy.optimizers.dp_optimizer_keras_vectorized import (
    make_vectorized_keras_optimizer_class,
)

GUARANTEE_FILE = 'dp_guarantee.json'
ASSUMPTION = 'Poisson-sampled batches; add or remove one training example; Transform not counted'

DPAdam = make_vectorized_keras_optimizer_class(tf_keras.optimizers.legacy.Adam)


@dataclasses.dataclass(frozen=True)
class DPGuarantee:
    """An (epsilon, delta) guarantee of the training, and what it rests on."""

    epsilon: float
    delta: float
    num_examples: int
    batch_size: int
    epochs: int
    noise_multiplier: float
    assumption: str = ASSUMPTION

    def save(self, folder):
        """Writes the guarantee as JSON into a folder, which is made if need be."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        Path(folder, GUARANTEE_FILE).write_text(json.dumps(dataclasses.asdict(self), indent=2))


def compute_guarantee(num_examples, batch_size, epochs, noise_multiplier):
    """Accounts for DP-SGD at delta = 1 / (2 * number of examples).

    Args:
      num_examples: size of the training data.
      batch_size: examples in a step, at most num_examples.
      epochs: passes over the training data.
      noise_multiplier: standard deviation of the noise over the clipping norm.

    Returns:
      The guarantee under the assumption it names. Training shuffles instead of Poisson sampling,
      as DP-SGD implementations commonly do, so epsilon is indicative.
    """
    steps = epochs * -(-num_examples // batch_size)
    step = dp_accounting.PoissonSampledDpEvent(
        batch_size / num_examples, dp_accounting.GaussianDpEvent(noise_multiplier)
    )
    delta = 1 / (2 * num_examples)
    accountant = dp_accounting.pld.PLDAccountant().compose(step, steps)
    epsilon = float(accountant.get_epsilon(delta))
    return DPGuarantee(epsilon, delta, num_examples, batch_size, epochs, noise_multiplier)
