"""A lock on output directories: what an earlier evaluation left goes, one that takes over later is noticed."""

from __future__ import annotations

import contextlib
import dataclasses
import uuid
from collections.abc import Iterator

import tensorflow as tf

from privacy_component.component.compat import blessing_constants, fileio, io_utils
from privacy_component.errors import PrivacyInputError

_MARK = '.evaluation'


@dataclasses.dataclass(frozen=True)
class OutputLock:
    """Held while an evaluation runs; use as a context manager.

    Output directories are an execution's own, but a step that is tried again may get those of the first try, which
    may still be running. Whoever starts last has them: the others fail. On the way out the mark goes, and after an
    error everything else too, so that nothing of a failed evaluation is taken for a result.

    Attributes:
      directories: the output directories.
      token: what the mark in each of them says.
    """

    directories: tuple[str, ...]
    token: str

    @classmethod
    def on(cls, *directories: str) -> OutputLock:
        """Clears the directories and marks them.

        Raises:
          PrivacyInputError: one of them cannot be written.
        """
        lock = cls(directories, uuid.uuid4().hex)
        try:
            for directory in directories:
                with writing(directory):
                    _clear(directory)
                    io_utils.write_string_file(f'{directory}/{_MARK}', lock.token)
        except PrivacyInputError:
            for directory in directories:
                _try_to_clear(directory)  # the mark may be half written
            raise
        return lock

    def check(self) -> None:
        """Raises PrivacyInputError if another evaluation has claimed a directory since."""
        for directory in self.directories:
            if not self._is_held(directory):
                raise PrivacyInputError(
                    f'another evaluation has started to write into {directory}: give each its own output directory, '
                    'and run this one again.'
                )

    def __enter__(self) -> OutputLock:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        failed = kind is not None
        try:
            if not failed:
                self.check()
        except PrivacyInputError:
            failed = True
            self._take_back_the_blessing()
            raise
        finally:
            self._leave(failed)

    def _take_back_the_blessing(self) -> None:
        """It was written while another evaluation took over."""
        for directory in self.directories:
            _remove(f'{directory}/{blessing_constants.BLESSED_FILE_NAME}')

    def _is_held(self, directory: str) -> bool:
        try:
            with fileio.open(f'{directory}/{_MARK}') as file:
                return file.read() == self.token
        except (OSError, tf.errors.OpError):
            return False

    def _leave(self, failed: bool) -> None:
        for directory in filter(self._is_held, self.directories):
            if failed:
                _try_to_clear(directory)
            _remove(f'{directory}/{_MARK}')


@contextlib.contextmanager
def writing(path: str) -> Iterator[None]:
    """Turns a failure to write `path` into a PrivacyInputError that names it."""
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        raise PrivacyInputError(
            f'the output {path} cannot be written ({error}): make room, or correct the rights or the pipeline root.'
        ) from error


def _clear(directory: str) -> None:
    """Makes the directory, or empties it."""
    fileio.makedirs(directory)
    for name in fileio.listdir(directory):
        path = f'{directory}/{name!s}'
        fileio.rmtree(path) if fileio.isdir(path) else fileio.remove(path)


def _try_to_clear(directory: str) -> None:
    with contextlib.suppress(OSError, tf.errors.OpError):
        _clear(directory)


def _remove(path: str) -> None:
    with contextlib.suppress(OSError, tf.errors.OpError):
        fileio.remove(path)
