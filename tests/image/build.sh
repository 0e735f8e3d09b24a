#!/bin/sh
# build.sh FOLDER ROOT: builds kubeflow/Dockerfile with buildah, without a daemon, in FOLDER/storage as privacy-taxi.
#
# No image can be pulled everywhere, so both that it starts from are made here: a Debian 13 from ROOT with a Python
# called `python`, and one with the program that starts Beam's workers, built from Beam's own source.
set -eu
folder=$(realpath "$1")
root=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
beam=2.77.0

command -v buildah >/dev/null || { apt-get update -qq; apt-get install -y -qq --no-install-recommends buildah; }
# This machine's certificates, and not in the image.
set -- --isolation chroot --network host --volume /etc/ssl/certs:/etc/ssl/certs:ro
[ ! -e /etc/pip.conf ] || set -- "$@" --volume /etc/pip.conf:/etc/pip.conf:ro
build() { buildah --storage-driver vfs --root "$folder/storage" --runroot "$folder/run" bud "$@"; }

mkdir -p "$folder/base" "$folder/beam"
tar --one-file-system -C "$root" -cf "$folder/base/root.tar" .
build "$@" -t localhost/base -f - "$folder/base" <<'DOCKERFILE'
FROM scratch
ADD root.tar /
RUN python3 -m venv /opt/python
ENV PATH=/opt/python/bin:/usr/local/bin:/usr/bin:/bin
DOCKERFILE

[ -e "$folder/beam/boot" ] || {
    GOBIN="$folder/beam" go install "github.com/apache/beam/sdks/v2/python/container@v$beam"
    mv "$folder/beam/container" "$folder/beam/boot"
}
build "$@" -t localhost/beam -f - "$folder/beam" <<'DOCKERFILE'
FROM scratch
COPY boot /opt/apache/beam/boot
DOCKERFILE

build "$@" -t localhost/privacy-taxi -f "$here/../../kubeflow/Dockerfile" \
    --build-arg BASE_IMAGE=localhost/base --build-arg BEAM_IMAGE=localhost/beam "$here/../.."
