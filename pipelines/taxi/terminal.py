"""A quiet terminal: what TensorFlow, Beam and TFX write goes to a log file, and people see which component runs."""

import contextlib
import logging
import os
import re
import shutil
import sys
import time

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

COMPONENT_MESSAGE = re.compile(r'Component (\w+) is (running|finished)\.')
CACHED_MESSAGE = re.compile(r'A cached execution \d+ is used\.')
DEFAULT_SIZE = (120, 24)


@contextlib.contextmanager
def log_to(path):
    """Sends what this process writes, also from C++, to a file.

    Args:
      path: the log file.

    Yields:
      A rich Console on what was stdout.
    """
    width = shutil.get_terminal_size(DEFAULT_SIZE).columns
    with os.fdopen(os.dup(1), 'w', encoding='utf-8') as stdout, _redirected(path):
        logging.basicConfig(level=logging.INFO, stream=sys.stderr, force=True, format='%(asctime)s %(message)s')
        yield Console(file=stdout, width=width, highlight=False)


@contextlib.contextmanager
def _redirected(path):
    """Points file descriptors 1 and 2 to a file for a while."""
    saved = [os.dup(1), os.dup(2)]
    with path.open('w', encoding='utf-8') as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    try:
        yield
    finally:
        for stream, descriptor, copy in zip((sys.stdout, sys.stderr), (1, 2), saved, strict=True):
            stream.flush()
            os.dup2(copy, descriptor)
            os.close(copy)


class ComponentProgress(logging.Handler):
    """Shows the component that runs, and a line for each that has finished or failed.

    Args:
      console: where to show it.
      run_name: which pipeline run this is.
    """

    def __init__(self, console, run_name):
        super().__init__(logging.INFO)
        self._run_name = run_name
        self._component = None
        columns = (SpinnerColumn(), TextColumn('{task.description}'), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=True)

    def __enter__(self):
        logging.getLogger('absl').addHandler(self)
        self._progress.start()
        return self

    def __exit__(self, error_type, *_):
        logging.getLogger('absl').removeHandler(self)
        if error_type and self._component:
            self._finish('[red]failed[/]')
        self._progress.stop()

    def emit(self, record):
        """Reads LocalDagRunner's messages."""
        message = record.getMessage()
        if CACHED_MESSAGE.fullmatch(message):
            self._finish('cached')
        elif match := COMPONENT_MESSAGE.fullmatch(message):
            component, state = match.groups()
            if state == 'running':
                self._start(component)
            elif self._component:
                self._finish(f'{time.monotonic() - self._started:.1f} s')

    def _start(self, component):
        self._component = component
        self._started = time.monotonic()
        self._task = self._progress.add_task(f'{self._run_name:8} {component}')

    def _finish(self, how):
        self._progress.remove_task(self._task)
        self._progress.console.print(f'{self._run_name:8} {self._component:17} {how}')
        self._component = None
