"""An end to work that hangs, wherever it hangs: in TensorFlow, on a file system, in a Beam runner."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as StillAtWork
from typing import TypeVar

from privacy_component.beam.underway import last_wait
from privacy_component.errors import PrivacyInputError

SETTING = 'PrivacyConfig.measurement.time_limit_seconds'

Result = TypeVar('Result')


def within(seconds: int, work: Callable[[], Result]) -> Result:
    """What `work` gives, or raises, if it ends in time.

    It runs in a thread, and the caller waits: no signal and no exception ends a call of TensorFlow's, but who waits
    for it can stop to. The thread is left behind, and does not keep the process from ending.

    Args:
      seconds: how long it may take; 0 for as long as it likes.
      work: must leave nothing behind that takes effect if its result is never looked at.

    Raises:
      PrivacyInputError: it did not end in time; the message names what it waited for.
    """
    future: Future[Result] = Future()
    started = time.monotonic()
    # What a daemon thread starts is a daemon too, so that the process waits for none of Beam's threads either.
    threading.Thread(target=_run, args=(work, future), name='privacy_evaluator', daemon=True).start()
    try:
        return future.result(seconds or None)
    except StillAtWork:
        if future.done():  # its own error, not ours
            raise
        raise _out_of_time(seconds, started) from None


def _run(work: Callable[[], Result], future: Future[Result]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)


def _out_of_time(seconds: int, started: float) -> PrivacyInputError:
    what, lasted = last_wait(started)
    where = f'{what} had not ended after {lasted:.0f} s of it' if what else 'the evaluation had not ended'
    return PrivacyInputError(
        f'the time limit of {seconds} s is over, and {where}: see whether that ever ends, or raise {SETTING}.'
    )
