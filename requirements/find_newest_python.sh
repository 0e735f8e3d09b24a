#!/bin/sh
# Prints the path of the newest Python >= 3.10 that can make virtual environments.

for version in 3.14 3.13 3.12 3.11 3.10; do
    for candidate in "python$version" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python; do
        found=$("$candidate" -c 'import ensurepip, sys, venv; print("%d.%d" % sys.version_info[:2], sys.executable)' 2>/dev/null)
        [ "${found%% *}" = "$version" ] && echo "${found#* }" && exit 0
    done
done
echo 'No Python from 3.10 on with venv and ensurepip was found.' >&2
exit 1
