#!/bin/sh
# root.sh FOLDER: a Debian 13 in FOLDER, with what `make env` needs there and no more, from the mirror that the apt
# sources of this machine name. Needs root.
set -eu
folder=$1
packages=ca-certificates,git,make,g++,python3,python3-venv,python3-dev

mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' | head -n 1)
[ -n "$mirror" ] || { echo 'The apt sources of this machine name no mirror of Debian.' >&2; exit 1; }
command -v debootstrap >/dev/null || { apt-get update -qq; apt-get install -y -qq --no-install-recommends debootstrap; }

mkdir -p "$(dirname "$folder")"
# A root that was not finished is never mistaken for one.
rm -rf "$folder.part"
debootstrap --variant=minbase --include="$packages" trixie "$folder.part" "$mirror"
rm -rf "$folder.part"/var/cache/apt/archives/*.deb "$folder"
mv "$folder.part" "$folder"
