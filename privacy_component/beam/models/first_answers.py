"""What models answered to the first examples: of small data these are all, and asking again would double the cost.

The trial calls models on the first batches of every split, and so does the job after it, which on a local runner is in
the same process. Within `kept` the trial's answers are handed to the job.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_MOST_BYTES = 1 << 26

_Key = tuple[str, str]  # a model's path, a signature


class FirstAnswers:
    """Answers to the first batches; no more than 64 MB of them are kept."""

    def __init__(self) -> None:
        self._kept: dict[_Key, list[tuple[Sequence[bytes], Mapping[str, Any]]]] = {}
        self._room = _MOST_BYTES

    def find(self, key: _Key, records: Sequence[bytes]) -> Mapping[str, Any] | None:
        """What the model answered to these very records as one batch, if that is known."""
        return next((answers for asked, answers in self._kept.get(key, ()) if asked == records), None)

    def keep(self, key: _Key, records: Sequence[bytes], answers: Mapping[str, Any]) -> None:
        """Keeps answers, if there is room."""
        size = sum(map(len, records)) + sum(getattr(values, 'nbytes', _MOST_BYTES) for values in answers.values())
        if size <= self._room:
            self._room -= size
            self._kept.setdefault(key, []).append((records, answers))


_answers: FirstAnswers | None = None


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """First answers are kept within."""
    global _answers
    before, _answers = _answers, FirstAnswers()
    try:
        yield
    finally:
        _answers = before


def first_answers() -> FirstAnswers:
    """Those of the evaluation that runs in this process; none in another one."""
    return FirstAnswers() if _answers is None else _answers
