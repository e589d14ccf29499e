#!/bin/sh
# stage.sh NAME COMMAND...: run one stage of the checks and say which one it was that failed.
name=$1
shift
echo "== $name"
start=$(date +%s)
"$@"
status=$?
seconds=$(($(date +%s) - start))
if [ "$status" -ne 0 ]; then
    echo "== $name FAILED after $seconds s" >&2
    exit "$status"
fi
echo "== $name passed in $seconds s"
