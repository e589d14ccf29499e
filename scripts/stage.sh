#!/bin/sh
# stage.sh NAME COMMAND...: run one stage of the checks and say which one it was that failed.
# With SIDE_BY_SIDE set, what it prints comes in one piece when it ends, and not among the lines of the others.
name=$1
shift
start=$(date +%s)
if [ -n "${SIDE_BY_SIDE:-}" ]; then
    said=$(mktemp)
    trap 'rm -f "$said"' EXIT
    "$@" >"$said" 2>&1
    status=$?
    echo "== $name"
    cat "$said"
else
    echo "== $name"
    "$@"
    status=$?
fi
seconds=$(($(date +%s) - start))
if [ "$status" -ne 0 ]; then
    echo "== $name FAILED after $seconds s" >&2
    exit "$status"
fi
echo "== $name passed in $seconds s"
