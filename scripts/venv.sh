#!/bin/sh
# venv.sh PYTHON EXTRA STAMP [MORE_STAMPS]: make .venv, install the package with an extra, touch the stamps.
set -eu
wanted=$1 extra=$2
shift 2

fail() {
    echo "frontdesk: $1" >&2
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for candidate in "$wanted" python3 python3.14 python3.13 python3.12 python3.11; do
        if is_new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

# A folder that was moved, or whose Python is gone, is made anew.
if ! .venv/bin/python -m pip --version >/dev/null 2>&1 || ! is_new_enough .venv/bin/python; then
    python=$(find_python) || fail "Python 3.11 or newer is needed and was not found. Install it, or name it: make PYTHON=/path/to/python3."
    echo "frontdesk: making the virtual environment .venv with $("$python" --version)."
    rm -rf .venv
    "$python" -m venv .venv >/dev/null 2>&1 ||
        fail "$python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv."
fi

echo "frontdesk: installing Python packages (once; a minute or two)."
log=.venv/setup.log
# A variable and not the option, which the pip that fetches build tools would not hear of.
if ! PIP_RETRIES=2 .venv/bin/python -m pip install --quiet --constraint scripts/pins.txt \
    --editable ".[$extra]" >"$log" 2>&1; then
    if grep -qiE 'NewConnectionError|ConnectTimeout|name resolution|ProxyError|Network is unreachable' "$log"; then
        fail "the Python package index cannot be reached. Is there a network? What pip said is in $log."
    fi
    fail "pip could not install the packages: $(grep -i '^error' "$log" | head -n 1) All of what it said is in $log."
fi
for stamp in "$@"; do
    touch "$stamp"
done
