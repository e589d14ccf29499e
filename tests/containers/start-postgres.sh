#!/bin/sh
# As the public image does it: a cluster with a user and a database of the names in the environment, made once.
set -eu
data=/var/lib/postgresql/data
mkdir -p /run/postgresql
if ! [ -s "$data/PG_VERSION" ]; then
    initdb --pgdata "$data" --username "$POSTGRES_USER" --auth scram-sha-256 \
        --pwfile "$POSTGRES_PASSWORD_FILE" --encoding UTF8 --locale C.UTF-8 --no-instructions >/dev/null
    echo "host all all all scram-sha-256" >>"$data/pg_hba.conf"
    echo "create database \"$POSTGRES_DB\";" | postgres --single -D "$data" postgres >/dev/null
fi
exec postgres -D "$data" -c listen_addresses='*'
