#!/bin/sh
# system.sh: what the tests need of the system itself. As root on Debian it is installed; elsewhere it is named.
set -eu

missing=""
command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 ||
    command -v google-chrome >/dev/null 2>&1 || missing="chromium"
# Servers that tests start for themselves, each by the command its package is there for.
for need in redis-server:redis-server mariadbd:mariadb-server pg_ctlcluster:postgresql nginx:nginx openssl:openssl \
    faketime:faketime ceph-mon:ceph-mon ceph-osd:ceph-osd radosgw:radosgw \
    podman:podman buildah:buildah debootstrap:debootstrap runc:runc catatonit:catatonit netavark:netavark \
    aardvark-dns:aardvark-dns curl:curl; do
    PATH=$PATH:/usr/sbin:/usr/lib/podman command -v "${need%%:*}" >/dev/null 2>&1 || missing="$missing ${need#*:}"
done
# Not the first Docker Compose, which Debian 12 has: it ended years ago, and compose.yaml is not for it.
case $(docker-compose version --short 2>/dev/null || true) in
    "" | 1.*) missing="$missing docker-compose" ;;
esac
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "frontdesk: the tests need $missing; install it with your system's packages, then run make test again." >&2
    exit 1
fi

echo "frontdesk: installing system packages: $missing."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
log=$scratch/log
export DEBIAN_FRONTEND=noninteractive

# Where this is Debian 12, Docker Compose comes from Debian 13: it needs the C library and nothing else.
compose_of_debian_13() {
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 'Created-By: Packages' | head -n 1)
    key=/usr/share/keyrings/debian-archive-keyring.gpg
    mkdir -p "$scratch/sources" "$scratch/lists/partial"
    echo "deb [signed-by=$key] $mirror trixie main" >"$scratch/sources/trixie.list"
    set -- -q -y -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$scratch/sources" \
        -o "Dir::State::Lists=$scratch/lists"
    apt-get "$@" update && apt-get "$@" install --no-install-recommends 'docker-compose=2.26.*'
}

install() {
    apt-get update -q || return 1
    case "$missing:$(apt-cache policy docker-compose)" in
        *docker-compose:*"Candidate: 1."*)
            compose_of_debian_13 || return 1
            missing=${missing% docker-compose}
            ;;
    esac
    [ -z "$missing" ] || apt-get install -q -y --no-install-recommends $missing
}

if ! install >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    echo "frontdesk: apt could not install $missing (above). Is there a network?" >&2
    exit 1
fi
