#!/bin/sh
# newest_tfx.sh FOLDER BASE TARGET...: `make TARGET` for each, in a fresh clone of this repository on a copy of BASE.
#
# FOLDER keeps the copy, its environment and what pip has fetched; without it all is made anew. The clone is new each
# time, and pip compares the environment with the clone's pins.
set -eu
folder=$1 base=$2
shift 2
here=$(dirname "$0")
root=$folder/root
if [ ! -d "$root" ]; then
    rm -rf "$root.part"
    mkdir -p "$folder"
    cp -a "$base" "$root.part"
    mv "$root.part" "$root"
fi
rm -rf "$root/root/clone"
git clone --quiet --no-hardlinks "$here/../.." "$root/root/clone"
for target in "$@"; do
    "$here/run_in.sh" "$root" make --no-print-directory -C /root/clone VENV=/root/venv "$target"
done
