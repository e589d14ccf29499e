"""What deploy/ says to Kubernetes and Compose is said in their words, and keeps what it promises."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from frontdesk.settings import Settings

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
KUBERNETES = ("1.30", "1.37")


def documents() -> Iterator[dict[str, Any]]:
    for path in MANIFESTS:
        if path.name != "kustomization.yaml":
            yield from yaml.safe_load_all(path.read_text())


def pods() -> list[dict[str, Any]]:
    return [
        document["spec"]["template"]["spec"] for document in documents() if document["kind"] == "Deployment"
    ]


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_every_manifest(version: str) -> None:
    for document in documents():
        kubernetes_validate.validate(document, version, strict=True)


def test_kubernetes_would_refuse_a_word_it_does_not_know() -> None:
    web = next(document for document in documents() if document["kind"] == "Deployment")
    web["spec"]["replica"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(web, KUBERNETES[-1], strict=True)


def test_the_kustomization_names_every_manifest() -> None:
    kustomization = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())
    assert {*kustomization["resources"], "kustomization.yaml"} == {path.name for path in MANIFESTS}


def test_what_must_be_changed_is_marked_and_trusts_nobody_until_then() -> None:
    examples = re.compile(r"example\.org|192\.0\.2\.")  # names and networks that are there to be examples
    lines = [
        line
        for path in MANIFESTS
        for line in path.read_text().splitlines()
        if not line.lstrip().startswith("#")
    ]
    assert {line for line in lines if examples.search(line)} == {
        line for line in lines if line.endswith("# yours")
    }
    (settings,) = [document["data"] for document in documents() if document["kind"] == "ConfigMap"]
    assert settings["FRONTDESK_TRUSTED_PROXIES"] == "192.0.2.0/24"


def test_every_pod_may_run_where_security_is_restricted() -> None:
    assert len(pods()) == 2
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert container["livenessProbe"]
            assert container["startupProbe"]
            assert container["resources"]["limits"]["memory"]


def test_what_is_mounted_or_selected_is_there() -> None:
    labels = [
        document["spec"]["template"]["metadata"]["labels"]
        for document in documents()
        if document["kind"] == "Deployment"
    ]
    for document in documents():
        spec = document.get("spec", {})
        selector = spec.get("selector", spec.get("podSelector", {}))
        chosen = selector.get("matchLabels", selector if document["kind"] == "Service" else {})
        if chosen:
            assert any(chosen.items() <= known.items() for known in labels), document["metadata"]
    for pod in pods():
        volumes = {volume["name"] for volume in pod["volumes"]}
        assert {mount["name"] for mount in pod["containers"][0]["volumeMounts"]} == volumes


def test_only_settings_there_are_are_set() -> None:
    known = {f"FRONTDESK_{name.upper()}" for name in Settings.__dataclass_fields__}
    for path in [*MANIFESTS, *DEPLOY.glob("*.yaml"), DEPLOY / "Containerfile", DEPLOY / "nginx.conf"]:
        named = set(re.findall(r"FRONTDESK_[A-Z_0-9]+", path.read_text()))
        assert {name.removesuffix("_FILE") for name in named} <= known, path.name


def test_compose_takes_the_compose_file() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"],
        cwd=DEPLOY, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_nginx_takes_as_much_as_frontdesk_does() -> None:
    rules, defaults = (DEPLOY / "nginx.conf").read_text(), Settings()
    units = {"m": 2**20, "g": 2**30}
    limits = {int(n) * units[unit] for n, unit in re.findall(r"client_max_body_size (\d+)([mg]);", rules)}
    assert limits == {defaults.body_limit_bytes, defaults.upload_limit_bytes}
    assert int(re.findall(r"proxy_read_timeout (\d+)s;  # more than", rules)[0]) > 2 * defaults.wait_limit_s
