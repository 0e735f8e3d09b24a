"""LiRA against TF Privacy's own function on the same signals."""

import numpy as np
import pytest

from privacy_component.attacks import attack_named
from privacy_component.attacks.references import reference_signals
from tests.attacks.test_references import toy
from tests.parity import tf_privacy


@pytest.mark.parametrize(('variance', 'is_fixed'), [('per_record', False), ('pooled', True)])
def test_lira_is_theirs_but_for_the_degrees_of_freedom(variance, is_fixed):
    observations = toy(np.random.default_rng(0), n=500, num_models=16)
    signals = reference_signals(observations)
    inside, out = ([row[known] for row, known in zip(signals.references, is_in, strict=True)]
                   for is_in in (signals.is_in, ~signals.is_in))  # fmt: skip
    theirs = tf_privacy.lira_scores(signals.target, inside, out, is_fixed)
    ours = attack_named(f"lira(variance='{variance}')").fit(observations).score(observations)
    # Their variance divides by 8, ours by 7: of the log ratio, only the squares change, all by 8 / 7.
    logs = np.log(np.std(out, axis=1) / np.std(inside, axis=1))
    if is_fixed:
        logs = np.log(np.sqrt(np.mean(np.var(out, axis=1)) / np.mean(np.var(inside, axis=1))))
    np.testing.assert_allclose(ours, logs + (theirs - logs) * 7 / 8, rtol=1e-7, atol=1e-9)
