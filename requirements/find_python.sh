#!/bin/sh
# Prints the path of a Python 3.10 that can make virtual environments. PYTHON=/path/to/python3.10 overrides the search.

is_suitable() {
    version=$("$1" -c 'import ensurepip, sys, venv; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) &&
        [ "$version" = 3.10 ]
}

# A python3.10 on PATH may be a pyenv shim that refuses to run, so every candidate is tried.
use_first_suitable() {
    for candidate in "$@"; do
        if is_suitable "$candidate"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            exit 0
        fi
    done
}

fail() {
    echo "$1" >&2
    exit 1
}

if [ -n "${PYTHON:-}" ]; then
    use_first_suitable "$PYTHON"
    fail "PYTHON=$PYTHON is not a Python 3.10 with venv and ensurepip."
fi

use_first_suitable python3.10 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.10*/bin/python3.10

if command -v uv >/dev/null; then
    # --system: not the Python of a virtual environment in this folder.
    use_first_suitable "$(uv python find --system 3.10 2>/dev/null)"
    uv python install 3.10 >/dev/null 2>&1
    use_first_suitable "$(uv python find --system 3.10 2>/dev/null)"
fi

fail 'No Python 3.10 found: install it (apt-get install python3.10-venv, pyenv install 3.10, or uv) or set PYTHON=.'
