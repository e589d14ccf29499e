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
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "frontdesk: the tests need $missing; install it with your system's packages, then run make test again." >&2
    exit 1
fi

echo "frontdesk: installing system packages: $missing."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -q && apt-get install -q -y --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    echo "frontdesk: apt could not install $missing (above). Is there a network?" >&2
    exit 1
fi
