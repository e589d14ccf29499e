#!/bin/sh
# frontend.sh STAMP: build frontend/ into the package's static files and touch the stamp.
set -eu
stamp=$1
oldest_node=20

fail() {
    echo "frontdesk: $1" >&2
    exit 1
}

command -v node >/dev/null 2>&1 ||
    fail "Node.js $oldest_node or newer is needed to build the pages and was not found. Install it from nodejs.org or your system's packages."
version=$(node --version 2>/dev/null | sed 's/^v//; s/\..*//')
[ "${version:-0}" -ge "$oldest_node" ] ||
    fail "Node.js $oldest_node or newer is needed to build the pages; this is $(node --version)."
command -v npm >/dev/null 2>&1 ||
    fail "npm is needed to build the pages and was not found. It comes with Node.js; on Debian: apt install npm."

log=$(mktemp)
trap 'rm -f "$log"' EXIT
cd frontend

if ! cmp -s package-lock.json node_modules/.installed-lock; then
    echo "frontdesk: installing the front end's packages."
    if ! npm ci --no-audit --no-fund --loglevel=error >"$log" 2>&1; then
        if grep -qE 'ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ECONNRESET|network' "$log"; then
            fail "the npm registry cannot be reached. Is there a network?"
        fi
        cat "$log" >&2
        fail "npm could not install the front end's packages (above)."
    fi
    cp package-lock.json node_modules/.installed-lock
fi

echo "frontdesk: building the pages."
if ! npm run --silent build >"$log" 2>&1; then
    cat "$log" >&2
    fail "the front end does not build (above)."
fi
cd ..
touch "$stamp"
