#!/bin/sh
# start-nginx.sh: nginx in a container, where replicas come and go. It asks the network's own name server who is `web`.
set -eu
home=/tmp/frontdesk
mkdir -p "$home/tls"
cp /etc/frontdesk/nginx.conf "$home/"
cp /run/secrets/tls.crt /run/secrets/tls.key "$home/tls/"
chmod 600 "$home/tls/tls.key"
resolver=$(awk '$1 == "nameserver" { print $2; exit }' /etc/resolv.conf)
case $resolver in *:*) resolver="[$resolver]" ;; esac
cat >"$home/replicas.conf" <<END
resolver $resolver valid=1s;
resolver_timeout 5s;

map "" \$replicas {
    default ${REPLICAS:-web:8000};
}
END
exec nginx -c "$home/nginx.conf" -g 'daemon off;'
