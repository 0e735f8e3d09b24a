"""Models that are not functions of one example at a time."""

from pathlib import Path

import pytest
import tensorflow as tf

from privacy_component import PrivacyInputError, PrivacyResult
from tests.component import world as w


def warnings_of(outputs) -> str:
    result = PrivacyResult.load(Path(outputs['privacy_metrics'].uri) / 'privacy_metrics.json')
    return ' '.join((*result.record.warnings, *result.verdict.warnings))


def test_outputs_that_depend_on_the_batch_in_their_last_bits_are_said(tmp_path):
    leaning = w.World(tmp_path / 'leaning').write(
        respond=lambda z: {'outputs': z + 1e-7 * tf.cumsum(z, axis=0)}, leak=False
    )
    assert "depend in their last bits on an example's place in its batch" in warnings_of(leaning.run())


def test_outputs_that_do_not_are_not(tmp_path):
    assert 'place in its batch' not in warnings_of(w.World(tmp_path).write(leak=False).run())


def test_saturated_outputs_are_said_with_the_remedy(tmp_path):
    world = w.World(tmp_path).write(respond=lambda z: {'outputs': tf.nn.softmax(50 * z)})
    assert 'evaluate logits' in warnings_of(world.run())


def test_a_number_of_outputs_that_changes_is_an_error(tmp_path):
    """One output more where a batch has examples of a certain kind."""

    def respond(z):
        extra = tf.reduce_any(z[:, 0] > 100)
        return {'outputs': tf.cond(extra, lambda: tf.concat([z, z[:, :1]], 1), lambda: tf.identity(z))}

    world = w.World(tmp_path).write(respond=respond)
    rows = w.make_rows(2000, 3, leak=False)
    rows[-1]['logits'] = [200.0, 0.0, 0.0]
    world.replace_rows('eval', rows)
    with pytest.raises(PrivacyInputError, match=r'[34] outputs for some examples and [34] for others'):
        world.run()
