"""TF Privacy's own attacks, run on the same data."""

import sys

import numpy as np
import pytest

# Its package would otherwise import all of its optimizers.
sys.skip_tf_privacy_import = True
# It has no release for the Pythons of the newer TFX.
pytest.importorskip('tensorflow_privacy')

from tensorflow_privacy.privacy.privacy_tests.membership_inference_attack import (  # noqa: E402
    advanced_mia,
)
from tensorflow_privacy.privacy.privacy_tests.membership_inference_attack import (  # noqa: E402
    data_structures as tfp,
)
from tensorflow_privacy.privacy.privacy_tests.membership_inference_attack import (  # noqa: E402
    membership_inference_attack as mia,
)

LOSS = tfp.AttackType.THRESHOLD_ATTACK
ENTROPY = tfp.AttackType.THRESHOLD_ENTROPY_ATTACK
EVERY_SLICE = tfp.SlicingSpec(
    entire_dataset=True, by_class=True, by_percentiles=True, by_classification_correctness=True
)


def attack(logits, labels, is_member, attacks, slicing=EVERY_SLICE):
    """{(our slice key, its attack): its result}."""
    results = mia.run_attacks(_data(logits, labels, is_member), slicing, attacks).single_attack_results
    return {(_slice_key(result.slice_spec), result.attack_type): result for result in results}


def membership_probabilities(logits, labels, is_member):
    """(n,), its privacy risk scores."""
    data = _data(logits, labels, is_member)
    result = mia.run_membership_probability_analysis(data).membership_prob_results[0]
    risks = np.empty(len(is_member))
    risks[is_member], risks[~is_member] = result.train_membership_probs, result.test_membership_probs
    return risks


def _data(logits, labels, is_member):
    return tfp.AttackInputData(
        logits_train=logits[is_member],
        logits_test=logits[~is_member],
        labels_train=labels[is_member],
        labels_test=labels[~is_member],
        loss_function_using_logits=True,
    )


def _slice_key(spec):
    if spec.entire_dataset:
        return ()
    if spec.feature == tfp.SlicingFeature.CLASS:
        return (('@class', spec.value),)
    if spec.feature == tfp.SlicingFeature.PERCENTILE:
        return (('@loss_percentile', f'{spec.value[0]}-{spec.value[1]}'),)
    return (('@correct', 'yes' if spec.value else 'no'),)


def lira_scores(target, inside, outside, fix_variance):
    """(n,) higher = member: its LiRA of (n,) signals and, per example, those of models that know it or do not."""
    columns = [[np.reshape(models, (-1, 1)) for models in side] for side in (inside, outside)]
    return -advanced_mia.compute_score_lira(
        target[:, None], *columns, option='both', fix_variance=fix_variance, median_or_mean='mean'
    )
