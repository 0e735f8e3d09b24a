#!/bin/sh
# run_in.sh FOLDER COMMAND ARGUMENT...: runs a command in a root, with this machine's network and certificates.
#
# What is mounted is seen by the command alone and is gone when it ends.
set -eu
root=$(realpath "$1")
shift
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
[ ! -e /etc/pip.conf ] || cp -L /etc/pip.conf "$root/etc/pip.conf"
export ROOT_TO_ENTER="$root"
exec unshare --mount --pid --fork sh -c '
    root=$ROOT_TO_ENTER
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    exec chroot "$root" env -u ROOT_TO_ENTER -u PYTHONPATH -u PIP_FIND_LINKS -u MAKEFLAGS -u MAKELEVEL -u TFX -u VENV \
        HOME=/root TMPDIR=/tmp PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
' sh "$@"
