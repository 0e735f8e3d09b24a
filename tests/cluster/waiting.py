"""Waiting with a limit."""

import threading
import time

POLL_SECONDS = 0.2


def wait_for(what, condition, seconds):
    """The first truthy value of `condition()`.

    Raises:
      TimeoutError: there was none in time.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(POLL_SECONDS)
    raise TimeoutError(f'waited {seconds} s for {what}')


class Background:
    """A call in a thread of its own, which is left behind if it hangs.

    Args:
      function: what to call, without arguments.
    """

    def __init__(self, function):
        self._function = function
        self._outcome = {}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_running(self):
        """Whether the call has not returned yet."""
        return self._thread.is_alive()

    def result(self, seconds):
        """What the call returned or raised.

        Raises:
          TimeoutError: it did neither in time.
        """
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise TimeoutError(f'the job did not end within {seconds} s')
        if 'error' in self._outcome:
            raise self._outcome['error']
        return self._outcome['value']

    def _run(self):
        try:
            self._outcome['value'] = self._function()
        except BaseException as error:
            self._outcome['error'] = error
