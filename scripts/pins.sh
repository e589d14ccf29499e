#!/bin/sh
# pins.sh: write down the versions that are installed now, so that every checkout gets the same ones.
set -eu
{
    echo "# Versions that make serve and make test install. Written by: make pins"
    .venv/bin/python -m pip freeze --exclude-editable --all | grep -vE '^(pip|setuptools|wheel)==' | sort -f
} >scripts/pins.txt
