"""The commit that figures were measured at, so that a reader knows whether they are of the code as it is."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parent.parent


def commit() -> str:
    """The checkout's commit, with ' and changes' where its files differ from it; results do not count."""
    changes = _git('status', '--porcelain', '--', '.', ':!benchmarks/results')
    return _git('rev-parse', '--short=10', 'HEAD') + (' and changes' if changes else '')


def sentence(commits: Iterable[str]) -> str:
    """Which commits the figures of a page are from."""
    return f'Measured at commit {", ".join(sorted(set(commits)))}.'


def _git(*arguments: str) -> str:
    return subprocess.run(['git', *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
