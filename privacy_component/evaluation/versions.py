"""The versions of what an evaluation was made with."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Sequence

from privacy_component._version import __version__

OF_ARRAYS = ('numpy', 'scipy', 'scikit-learn')


def versions_of(packages: Sequence[str]) -> dict[str, str]:
    """Of what is installed under these names, of Python and of this package; tensorflow-cpu, say, goes by another."""
    installed = {name.lower(): importlib.metadata.version(name) for name in packages if _is_installed(name)}
    return {'privacy-component': __version__, 'python': platform.python_version(), **installed}


def _is_installed(name: str) -> bool:
    return bool(list(importlib.metadata.distributions(name=name)))
