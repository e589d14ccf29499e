"""The version is said in pyproject.toml. Where a file must repeat it, the file keeps step."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml


@pytest.fixture
def version(repository: Path) -> str:
    return str(tomllib.loads((repository / "pyproject.toml").read_text())["project"]["version"])


def test_the_image_is_labelled_with_it(repository: Path, version: str) -> None:
    recipe = (repository / "deploy" / "Containerfile").read_text()
    assert re.findall(r"^ARG VERSION=(\S+)$", recipe, re.MULTILINE) == [version]


def test_kubernetes_gets_the_image_of_it(repository: Path, version: str) -> None:
    kustomization = yaml.safe_load((repository / "deploy" / "kubernetes" / "kustomization.yaml").read_text())
    assert {image["newTag"] for image in kustomization["images"]} == {version}
