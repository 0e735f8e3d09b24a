"""What never ends: the step does, says what it waited for, and leaves nothing; so does its process."""

import subprocess
import sys
import time

import pytest
import tensorflow as tf

from privacy_component.beam.underway import last_wait, underway
from privacy_component.component.time_limit import within
from tests.component import world as w

ODD = 77.0  # a logit that the last model never answers to


def never_answers(logits):
    """A graph that TensorFlow runs for ever."""
    (looped,) = tf.while_loop(lambda x: True, lambda x: (x + 1,), (logits,))
    return {'outputs': looped}


def never_answers_one(logits):
    """The same where one example is among those asked."""
    (looped,) = tf.while_loop(lambda x: tf.reduce_any(tf.equal(logits, ODD)), lambda x: (x + 1,), (logits,))
    return {'outputs': looped}


def config(seconds):
    return w.config(measurement={'time_limit_seconds': seconds})


def leftovers(world):
    return [path for path in (world.root / 'out').rglob('*') if path.is_file()]


def world_that_hangs_in_the_job(root):
    world = w.World(root).write(respond=never_answers_one, num_rows=1500)
    rows = w.make_rows(1500, 1, True)
    rows[-1]['logits'] = [ODD, 0.0, 0.0]  # the trial sees the first 1,024 at most
    world.replace_rows('train', rows)
    return world


def run_in_a_process(root, seconds):
    """What a process says that runs the executor on the world in `root`, and for how long it lives."""
    code = (
        'import sys; from pathlib import Path; from tests.component import test_time_limit as t;'
        't.w.World(Path(sys.argv[1])).run(t.config(int(sys.argv[2])))'
    )
    command = [sys.executable, '-c', code, str(root), str(seconds)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 100, check=False)
    assert ended.returncode == 1, ended.stderr[-2000:]
    return ended.stderr.split('PrivacyInputError: ')[-1]


def test_a_model_that_never_answers_is_named_and_nothing_is_left(tmp_path):
    world = w.World(tmp_path).write(respond=never_answers, num_rows=60)
    said = run_in_a_process(tmp_path, 4)
    assert said.startswith('the time limit of 4 s is over, and the call of candidate ')
    assert f'{tmp_path}/model/Format-Serving (signature' in said
    assert "(signature 'serving_default') with 60 examples had not ended" in said
    assert 'raise PrivacyConfig.measurement.time_limit_seconds' in said
    assert not leftovers(world)


def test_a_model_that_hangs_in_the_job_does_not_keep_the_process_from_ending(tmp_path):
    world = world_that_hangs_in_the_job(tmp_path)
    said = run_in_a_process(tmp_path, 20)
    assert said.startswith('the time limit of 20 s is over, and the call of candidate ')
    assert not leftovers(world)


def test_the_last_that_began_is_what_is_waited_for():
    started = time.monotonic()
    assert last_wait(started) == ('', 0.0)
    with underway('the job'):
        with underway('a file'):
            assert last_wait(started)[0] == 'a file'
        assert last_wait(started)[0] == 'the job'
        assert last_wait(time.monotonic()) == ('', 0.0)
    assert last_wait(started) == ('', 0.0)


@pytest.mark.parametrize('seconds', [0, 5])
def test_what_ends_in_time_gives_its_result_or_its_own_error(seconds):
    assert within(seconds, lambda: 3) == 3

    def fails():
        raise TimeoutError('of its own')

    with pytest.raises(TimeoutError, match='of its own'):
        within(seconds, fails)
