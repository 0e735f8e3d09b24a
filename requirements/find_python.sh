#!/bin/sh
# find_python.sh          prints the newest release of TFX that this machine can run, and why it is this one
# find_python.sh RELEASE  prints the path of a Python that can make virtual environments for this release
#
# TFX=1.16 overrides the release, PYTHON=/path/to/python the search for a Python.

NEWEST=1.21
OLDER=1.16
NEEDED_GLIBC=2.39 # by the wheels of ml-metadata 1.21

python_for() {
    case "$1" in
        "$NEWEST") echo 3.13 ;;
        "$OLDER") echo 3.10 ;;
        *) fail "TFX=$1 is no release that was tested: $NEWEST or $OLDER." ;;
    esac
}

fail() {
    echo "$1" >&2
    exit 1
}

is_suitable() {
    version=$("$1" -c 'import ensurepip, sys, venv; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) &&
        [ "$version" = "$wanted" ]
}

# A python3.10 on PATH may be a pyenv shim that refuses to run, so every candidate is tried.
first_suitable() {
    for candidate in "$@"; do
        if is_suitable "$candidate"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return 0
        fi
    done
    return 1
}

installed_python() {
    wanted=$(python_for "$1")
    if [ -n "${PYTHON:-}" ]; then
        first_suitable "$PYTHON"
        return
    fi
    first_suitable "python$wanted" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$wanted".*/bin/"python$wanted" && return
    # --system: not the Python of a virtual environment in this folder.
    command -v uv >/dev/null && first_suitable "$(uv python find --system "$wanted" 2>/dev/null)"
}

glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed 's/^glibc //')

has_needed_glibc() {
    [ -n "$glibc" ] && [ "$(printf '%s\n' "$NEEDED_GLIBC" "$glibc" | sort -V | head -n 1)" = "$NEEDED_GLIBC" ]
}

choose() {
    newest_python=$(python_for "$NEWEST")
    if [ -n "${TFX:-}" ]; then
        python_for "$TFX" >/dev/null || exit 1
        echo "$TFX as TFX=$TFX says"
    elif ! has_needed_glibc; then
        echo "$OLDER because $NEWEST needs glibc $NEEDED_GLIBC and this machine has ${glibc:-none}"
    elif installed_python "$NEWEST" >/dev/null; then
        echo "$NEWEST because this machine has glibc $glibc and a Python $newest_python"
    elif installed_python "$OLDER" >/dev/null; then
        echo "$OLDER because $NEWEST needs a Python $newest_python with venv and none was found"
    else
        echo "$NEWEST because this machine has glibc $glibc"
    fi
}

find_for() {
    release=$1
    wanted=$(python_for "$release") || exit 1
    if [ "$release" = "$NEWEST" ] && ! has_needed_glibc; then
        fail "TFX $NEWEST needs glibc $NEEDED_GLIBC, and this machine has ${glibc:-none}: use TFX=$OLDER."
    fi
    python=$(installed_python "$release")
    if [ -z "$python" ] && [ -n "${PYTHON:-}" ]; then
        fail "PYTHON=$PYTHON is not a Python $wanted with venv and ensurepip, which TFX $release needs."
    fi
    if [ -z "$python" ] && command -v uv >/dev/null; then
        uv python install "$wanted" >/dev/null 2>&1
        python=$(installed_python "$release")
    fi
    [ -n "$python" ] ||
        fail "No Python $wanted with venv found: apt-get install python$wanted-venv, pyenv install $wanted, or uv; or set PYTHON=."
    if [ "$release" = "$NEWEST" ] && ! can_compile; then
        fail "TFX $NEWEST has a dependency without wheels: apt-get install g++ python$wanted-dev."
    fi
    echo "$python"
}

can_compile() {
    headers=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
    command -v g++ >/dev/null && [ -e "$headers/Python.h" ]
}

if [ $# -eq 0 ]; then choose; else find_for "$1"; fi
