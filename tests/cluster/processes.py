"""Processes of their own: logged, killed one by one, and all stopped whatever happens."""

import atexit
import contextlib
import os
import signal
import subprocess
from pathlib import Path

import psutil

TAIL_LINES = 30
STOP_SECONDS = 20


class Processes:
    """Starts processes, each the leader of a group that its children belong to.

    Args:
      logs: an existing folder for what they write.
    """

    def __init__(self, logs):
        self._logs = Path(logs)
        self._started = {}
        atexit.register(self.stop)

    def start(self, name, command, **environment):
        """Starts `command`; what it writes goes into `<name>.log`."""
        with self._log(name).open('a') as log:
            self._started[name] = subprocess.Popen(
                list(map(str, command)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | environment,
                start_new_session=True,
            )

    def finish(self, name, seconds):
        """Waits until a process ends by itself.

        Raises:
          ChildProcessError: it failed, or did not end in time.
        """
        try:
            code = self._started[name].wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            code = f'nothing within {seconds} s'
        if code != 0:
            raise ChildProcessError(f'{name} ended with {code}.')

    def runs(self, name):
        """Whether a process has been started and has not ended."""
        return name in self._started and self._started[name].poll() is None

    def log(self, name):
        """What a process has written."""
        return self._log(name).read_text(errors='replace')

    def children(self, name, text):
        """The processes that `name` has started whose command line has `text` in it."""
        children = psutil.Process(self._started[name].pid).children(recursive=True)
        return [child for child in children if text in ' '.join(_command(child))]

    def kill(self, name):
        """SIGKILL to this process alone, as a machine's memory killer would."""
        self._started[name].kill()
        self._started[name].wait()

    def check(self):
        """Raises ChildProcessError if a process has failed that nobody killed."""
        for name, process in self._started.items():
            if process.poll() not in (None, 0, -signal.SIGKILL):
                raise ChildProcessError(f'{name} ended with {process.returncode}.')

    def tails(self):
        """The last lines of every log."""
        return '\n'.join(f'--- {log}\n{_tail(log)}' for log in sorted(self._logs.glob('*.log')))

    def stop(self):
        """SIGKILL to every group; returns when all of them are gone, and can be called again."""
        members = [member for process in self._started.values() for member in _group(process.pid)]
        for member in members:
            _signal(member)
        for process in self._started.values():
            process.wait(timeout=STOP_SECONDS)
        _, alive = psutil.wait_procs(members, timeout=STOP_SECONDS)
        survivors = [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
        assert not survivors, f'{survivors} survived SIGKILL'
        self._started.clear()

    def _log(self, name):
        return self._logs / f'{name}.log'


def _group(leader):
    """Also those whose leader has been killed; on no process that got the leader's number later."""
    return [process for process in psutil.process_iter() if _session(process) == leader]


def _session(process):
    try:
        return os.getsid(process.pid)
    except ProcessLookupError:
        return None


def _signal(process):
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()


def _command(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _tail(log):
    return '\n'.join(log.read_text(errors='replace').splitlines()[-TAIL_LINES:])
