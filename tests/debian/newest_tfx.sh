#!/bin/sh
# newest_tfx.sh FOLDER TARGET...: `make TARGET` for each, in a fresh clone of this repository on Debian 13.
#
# FOLDER keeps the root, its environment and what pip has fetched; without it all is made anew. The clone is new each
# time, and pip compares the environment with the clone's pins.
set -eu
folder=$1
shift
here=$(dirname "$0")
root=$folder/root
[ -d "$root" ] || { mkdir -p "$folder" && "$here/root.sh" "$root" >"$folder/root.log" 2>&1; }
rm -rf "$root/root/clone"
git clone --quiet --no-hardlinks "$here/../.." "$root/root/clone"
for target in "$@"; do
    "$here/run_in.sh" "$root" make --no-print-directory -C /root/clone VENV=/root/venv "$target"
done
