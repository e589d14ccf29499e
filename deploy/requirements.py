"""Prints what the package needs with some extras, from its pyproject.toml: `requirements.py pyproject.toml redis,s3`.

The image installs these before it sees the package's own code, so that a change of code keeps that layer.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

_OWN = re.compile(r"frontdesk\[([a-z0-9,]+)\]")


def requirements(project: dict[str, object], extras: list[str]) -> list[str]:
    """All requirements, those of extras that name extras included."""
    found = list(project["dependencies"])
    waiting, known = list(extras), project["optional-dependencies"]
    while waiting:
        name = waiting.pop()
        if name not in known:
            sys.exit(f"There is no extra {name!r}; there are: {', '.join(sorted(known))}.")
        for line in known[name]:
            if own := _OWN.fullmatch(line):
                waiting += own[1].split(",")
            else:
                found.append(line)
    return sorted(set(found))


if __name__ == "__main__":
    project = tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["project"]
    print("\n".join(requirements(project, [word for word in sys.argv[2].split(",") if word])))
