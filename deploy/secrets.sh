#!/bin/sh
# secrets.sh [FOLDER] [NAME]: new passwords for compose.yaml, and a certificate for NAME until there is a better one.
# What is there already stays.
set -eu
folder=${1:-$(dirname "$0")/secrets}
name=${2:-localhost}
# Only you can enter the folder. Its files are readable because containers that get one are another user each.
umask 022
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"

password() {
    [ -s "$1" ] || openssl rand -hex 24 >"$1"
}

password database_password
password redis_password
[ -s database_url ] || echo "postgresql://frontdesk:$(cat database_password)@database/frontdesk" >database_url
[ -s redis_url ] || echo "redis://:$(cat redis_password)@redis:6379/0" >redis_url
if ! [ -s tls.key ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 -subj "/CN=$name" \
        -addext "subjectAltName=DNS:$name" -keyout tls.key -out tls.crt 2>/dev/null
    chmod 644 tls.key
fi
