"""The image is built, and compose.yaml brought up with it: two replicas, two workers, and some of them killed."""

from __future__ import annotations

import importlib.metadata
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import yaml

from support.containers import REPOSITORY, Engine
from support.deployed import TASKS, Site, documented
from support.people import PASSWORD, Browser
from support.server import until
from support.servers.process import free_port

IMAGE = "localhost/frontdesk-tests/frontdesk:latest"
CONTEXT = (
    "README.md",
    "LICENSE",
    "pyproject.toml",
    ".dockerignore",
    "scripts",
    "deploy",
    "src",
    "frontend",
)
STRAYS = ("src/frontdesk/serve/static/stray", "src/frontdesk/__pycache__/stray")
SMALL_BYTES = 500 * 2**20

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(tmp_path_factory.mktemp("engine"))
    yield engine
    engine.podman(
        "image", "prune", "--force", "--filter", "until=72h"
    )  # layers that no build asks for any more


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As much of the checkout as the image is built from, to be changed at will."""
    folder = tmp_path_factory.mktemp("context")
    ignored = shutil.ignore_patterns("node_modules", "static", "__pycache__", "secrets")
    for name in CONTEXT:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)
    for stray in STRAYS:  # what was built and installed beside the sources stays out of the image
        (folder / stray).parent.mkdir(parents=True)
        (folder / stray).touch()
    return folder


@pytest.fixture(scope="module")
def image(engine: Engine, context: Path) -> str:
    engine.frontdesk(context, IMAGE)
    return IMAGE


# ------------------------------------------------------------------------------- the image


def test_a_change_of_code_keeps_every_layer_but_the_last(engine: Engine, context: Path, image: str) -> None:
    before = engine.inspect(image)["RootFS"]["Layers"]
    for path in (context / "src" / "frontdesk" / "__init__.py", context / "pyproject.toml"):
        path.write_text(path.read_text() + "\n# changed\n")
    printed = engine.frontdesk(context, f"{IMAGE}-changed")
    after = engine.inspect(f"{IMAGE}-changed")["RootFS"]["Layers"]
    engine.podman("rmi", f"{IMAGE}-changed")
    assert len(after) == len(before)
    assert [n for n, layer in enumerate(after) if layer != before[n]] == [len(after) - 1]
    assert "npm ci" in printed
    assert printed.count("Using cache") >= 6, printed


def test_the_image_is_small_and_says_how_it_is_to_be_run(engine: Engine, image: str) -> None:
    found = engine.inspect(image)
    config = found["Config"]
    assert config["User"] == "10001:10001"
    assert config["StopSignal"] == "SIGTERM"
    assert found["Healthcheck"]["Test"][0] == "CMD"
    assert config["Labels"]["org.opencontainers.image.title"] == "frontdesk"
    assert config["Labels"]["org.opencontainers.image.version"] == importlib.metadata.version("frontdesk")
    assert found["Size"] - engine.inspect(engine.base)["Size"] < SMALL_BYTES
    history = engine.podman("history", "--no-trunc", image)
    assert "BEGIN CERTIFICATE" not in history
    assert "index-url" not in history


def test_it_starts_read_only_without_a_capability_and_stops_at_once(engine: Engine, image: str) -> None:
    name = f"frontdesk-test-{free_port()}"
    engine.podman(
        "run", "--detach", "--name", name, "--init", "--read-only", "--cap-drop=all", "--tmpfs", "/tmp",
        "--security-opt", "no-new-privileges", "--volume", f"{TASKS}:/tasks:ro", image, "serve", "trivial.py",
    )  # fmt: skip
    try:
        until(lambda: healthy(engine, name), 60, "the server", every_s=0.5)
        assert engine.podman("exec", name, "id", "-u").strip() == "10001"
        assert engine.podman("exec", name, "find", "/opt/frontdesk", "-name", "stray") == ""
        assert engine.podman("exec", name, "sh", "-c", "touch /opt/x || echo refused").strip() == "refused"
        engine.podman("stop", "--time", "30", name)
        state = engine.inspect(name)["State"]
        assert (state["ExitCode"], state["OOMKilled"]) == (0, False)
    finally:
        engine.podman("rm", "--force", "--volumes", name, check=False)


def healthy(engine: Engine, name: str) -> bool:
    """Whether a container's own check finds it so. Without systemd nobody else asks."""
    return (
        engine.run("sh", "-c", f"podman healthcheck run {name} >/dev/null 2>&1 && echo yes", check=False)
        != ""
    )


# ------------------------------------------------------------------------------ all of it


@pytest.fixture(scope="module")
def site(engine: Engine, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(engine, image, tmp_path_factory.mktemp("site"))
    with site.up(*documented("--scale")):
        until(site.answers, 120, "the site", every_s=0.5)
        name = site.containers("web")[0]
        engine.podman(
            "exec", name, "sh", "-c",
            f"echo '{PASSWORD}' | frontdesk users add tom@example.org --role trainer --password-stdin",
        )  # fmt: skip
        yield site


@pytest.fixture(scope="module")
def tom(site: Site) -> Iterator[httpx.Client]:
    scopes = ("--scope", "ask", "--scope", "batch", "--scope", "train")
    token = site.frontdesk("tokens", "add", "tom@example.org", "--name", "test", *scopes).strip()
    with site.client(headers={"Authorization": f"Bearer {token}"}) as client:
        yield client


def finished(tom: httpx.Client, job: str) -> dict[str, Any]:
    def is_over() -> bool:
        answer = tom.get(f"/api/jobs/{job}")
        return answer.status_code == 200 and answer.json()["state"] in ("succeeded", "failed", "cancelled")

    until(is_over, 60, job, every_s=0.2)
    return dict(tom.get(f"/api/jobs/{job}").json())


def test_everything_runs_and_only_nginx_is_reached_from_outside(site: Site) -> None:
    counts = {name: len(site.containers(name)) for name in ("proxy", "web", "worker", "database", "redis")}
    assert counts == {"proxy": 1, "web": 2, "worker": 2, "database": 1, "redis": 1}
    for service in counts:
        for name in site.containers(service):
            found = site.engine.inspect(name)
            published = [port for port, places in found["NetworkSettings"]["Ports"].items() if places]
            assert bool(published) is (service == "proxy"), (name, published)
            assert found["HostConfig"]["ReadonlyRootfs"] is True
            assert "no-new-privileges" in str(found["HostConfig"]["SecurityOpt"])
            assert found["EffectiveCaps"] in (None, [])
            assert found["HostConfig"]["Memory"] > 0
            assert healthy(site.engine, name), name


def test_a_person_signs_in_and_asks(site: Site) -> None:
    with Browser(site.url, verify=site.trust) as browser:
        assert browser.sign_in("tom").status_code == 303
        page = browser.press("/tasks/double", "/tasks/double", x="21", pause_s="0")
        assert page.status_code == 200
        assert "42" in page.text


class Crash(NamedTuple):
    """What was asked for before a worker and a replica were killed: a file's job, and other jobs with their answers."""

    batch: str
    answers: dict[str, int]


@pytest.fixture(scope="module")
def crash(site: Site, tom: httpx.Client) -> Crash:
    rows = "x,pause_s\n" + "".join(f"{n},0.02\n" for n in range(200))
    batch = tom.post("/api/tasks/double/batch", files={"file": ("rows.csv", rows)}, data={"format": "csv"})
    assert batch.status_code == 202, batch.text
    answers = {ask_later(tom, "double", x=x, pause_s=0.1): 2 * x for x in range(40)}
    site.kill(site.containers("worker")[0])
    site.kill(site.containers("web")[0])
    return Crash(batch.json()["id"], answers)


def ask_later(tom: httpx.Client, task: str, **inputs: float) -> str:
    """Have a worker answer; give the job."""
    body, headers = {"inputs": inputs}, {"Prefer": "respond-async"}
    answer = tom.post(f"/api/tasks/{task}/predict", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def answer_of(job: dict[str, Any]) -> int:
    assert job["state"] == "succeeded", job
    return int(job["outputs"]["answer"]["value"])


@pytest.mark.usefixtures("crash")  # what was killed keeps its leases for as long as this takes
def test_a_version_trained_in_one_container_answers_in_the_others(site: Site, tom: httpx.Client) -> None:
    versions = "/api/tasks/learn/models/learner/versions"
    for number, taught in enumerate((7, 8), start=1):
        body = {"model": "learner", "parameters": {"answer": taught, "steps": 2}}
        # The key has nginx ask another replica where one dies with the request in its hands.
        sent = tom.post(
            "/api/tasks/learn/train", json=body, headers={"Idempotency-Key": f"training-{number}"}
        )
        assert sent.status_code == 202, sent.text
        job = finished(tom, sent.json()["id"])
        assert (job["state"], job["outputs"]["version"]) == ("succeeded", number), job
    assert tom.post(f"{versions}/2/live").status_code == 200
    # Web containers train nothing. Each has a host of its own, with what a worker wrote into their volume.
    until(lambda: len(site.containers("web")) == 2, 30, "the killed replica", every_s=0.2)
    for container in site.containers("web"):
        with site.straight(container, tom) as replica:
            until(lambda replica=replica: live_answer(replica) == (2, 8), 30, container, every_s=0.2)
    # So have the workers, and the version before answers until the next one is ready.
    until(lambda: answer_of(finished(tom, ask_later(tom, "learn"))) == 8, 30, "a worker", every_s=0.2)


def live_answer(replica: httpx.Client) -> tuple[int, int] | None:
    """Which version a replica has answer, and what it says; None while the replica starts."""
    try:
        answer = replica.post("/api/tasks/learn/predict", json={"model": "learner", "inputs": {}})
    except httpx.TransportError:
        return None
    found = answer.json()
    return (found["version"], found["outputs"]["answer"]["value"]) if answer.status_code == 200 else None


def test_two_workers_share_the_queue_and_a_killed_one_loses_nothing(crash: Crash, tom: httpx.Client) -> None:
    assert {job: answer_of(finished(tom, job)) for job in crash.answers} == crash.answers
    done = finished(tom, crash.batch)
    assert done["state"] == "succeeded", done
    lines = tom.get(f"/api/jobs/{done['id']}/result").text.splitlines()
    assert len(lines) == 201
    assert lines[-1].startswith("199,")


def test_what_was_killed_comes_back_and_is_asked_again(site: Site, tom: httpx.Client) -> None:
    until(lambda: len(site.containers("web")) == 2, 30, "the killed replica", every_s=0.5)
    until(lambda: len(site.containers("worker")) == 2, 30, "the killed worker", every_s=0.5)
    until(lambda: len(addresses(site, tom)) == 2, 60, "answers of both replicas", every_s=0.5)


def addresses(site: Site, tom: httpx.Client) -> set[str]:
    """The replicas that nginx has found lately."""
    for _ in range(4):
        assert tom.get("/api/tasks").status_code == 200
    lines = site.engine.podman("logs", "--tail", "4", site.containers("proxy")[0]).splitlines()
    return {yaml.safe_load(line)["replicas"] for line in lines if line.startswith("{")}


def test_a_worker_that_is_told_to_stop_gives_back_what_it_holds(site: Site, tom: httpx.Client) -> None:
    job = ask_later(tom, "double", x=5, pause_s=3)
    began = time.monotonic()
    for name in site.containers("worker"):
        site.engine.podman("stop", "--time", "60", name)
        assert site.engine.inspect(name)["State"]["ExitCode"] == 0
    assert time.monotonic() - began < 60
    for name in site.engine.podman("ps", "--all", "--format", "{{.Names}}").split():
        if name.startswith(f"{site.name}-worker"):
            site.engine.podman("start", name)
    assert answer_of(finished(tom, job)) == 10
