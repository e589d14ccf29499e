"""Images and containers for tests, by podman and buildah, in a store of their own.

The base image is made of Debian's packages, because a build server need not reach any registry of images. It and the
layers that builds leave stay in the store from one run to the next; containers, networks and volumes do not.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from support.server import until

REPOSITORY = Path(__file__).resolve().parents[2]
RECIPES = REPOSITORY / "tests" / "containers"
STORE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "frontdesk-tests" / "containers"
SUITE = "bookworm"
_TRIES = 5
NEEDED = ("podman", "buildah", "docker-compose", "debootstrap", "netavark", "node", "npm")

# Where netavark lies is podman's own business, and no folder of commands.
_PATHS = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/lib/podman", "/usr/libexec/podman"])


class Engine:
    """podman and buildah, told where to keep things and how to run them on this machine."""

    def __init__(self, folder: Path) -> None:
        missing = [name for name in NEEDED if shutil.which(name, path=_PATHS) is None]
        if missing or os.getuid() != 0:
            pytest.skip(
                f"containers need root and {', '.join(missing) or 'nothing more'} (scripts/system.sh)"
            )
        self._folder = folder
        STORE.mkdir(parents=True, exist_ok=True)
        runc = shutil.which("runc", path=_PATHS)
        limits = {name: min(resource.getrlimit(number)[1] % 2**63, 4096) for name, number in _LIMITS.items()}
        (folder / "containers.conf").write_text(
            "[containers]\n"
            f"default_ulimits = {json.dumps([f'{name}={n}:{n}' for name, n in limits.items()])}\n"
            'log_driver = "k8s-file"\n'
            '[engine]\nevents_logger = "file"\ncgroup_manager = "cgroupfs"\n'
            + (f'runtime = "{runc}"\n' if runc else "")
            + '[network]\nnetwork_backend = "netavark"\n'
        )
        (folder / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{STORE / "store"}"\nrunroot = "{STORE / "run"}"\n'
        )
        self.environment = {
            **os.environ,
            "PATH": _PATHS,
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        }

    def run(self, *words: str, timeout_s: float = 120, check: bool = True, **more: Any) -> str:
        """Run a command; give what it prints, or fail with what it says."""
        environment = {**self.environment, **more.pop("environment", {})}
        done = subprocess.run(
            words, env=environment, capture_output=True, text=True, timeout=timeout_s, check=False, **more
        )
        assert not check or done.returncode == 0, f"{words}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def podman(self, *words: str, **more: Any) -> str:
        """Run podman."""
        return self.run("podman", *words, **more)

    def inspect(self, name: str) -> dict[str, Any]:
        """All that is known of a container or image."""
        return dict(json.loads(self.podman("inspect", name))[0])

    @contextmanager
    def docker_api(self) -> Iterator[str]:
        """The address at which podman answers Docker's tools, for the length of a with block."""
        socket = self._folder / "docker.sock"
        words = ("podman", "system", "service", "--time", "0", f"unix://{socket}")
        with (self._folder / "service.log").open("wb") as log:
            service = subprocess.Popen(words, env=self.environment, stdout=log, stderr=log)
        try:
            until(socket.exists, 30, "podman's socket")
            yield f"unix://{socket}"
        finally:
            service.terminate()
            service.wait(timeout=30)

    # ------------------------------------------------------------------------- images

    def has(self, image: str) -> bool:
        """Whether the store has it."""
        return bool(self.podman("images", "--quiet", "--filter", f"reference={image}").strip())

    @cached_property
    def base(self) -> str:
        """Debian with Python and pip, in place of the public Python image."""
        image = f"localhost/frontdesk-tests/base:{SUITE}"
        if not self.has(image):
            with tempfile.TemporaryDirectory() as folder:
                packages = "ca-certificates,python3,python3-pip,python3-venv"
                self.run(
                    "debootstrap", "--variant=minbase", f"--include={packages}", SUITE, folder, _mirror(),
                    timeout_s=600,
                )  # fmt: skip
                self.run("sh", "-c", f"tar -C {folder} -c . | podman import - {image}", timeout_s=300)
        return image

    @cached_property
    def node_base(self) -> str:
        """The same with this machine's Node.js, in place of the public Node image."""
        image = f"localhost/frontdesk-tests/node:{SUITE}"
        if not self.has(image):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                node, npm = (Path(str(shutil.which(tool))).resolve() for tool in ("node", "npm"))
                shutil.copy(node, folder / "node")
                shutil.copytree(npm.parent.parent, folder / "npm", symlinks=True)
                (folder / "Containerfile").write_text(
                    f"FROM {self.base}\nCOPY node /usr/bin/node\nCOPY npm /usr/lib/npm\n"
                    f"RUN ln -s /usr/lib/npm/bin/npm-cli.js /usr/bin/npm\n"
                )
                self.build(folder, folder / "Containerfile", image)
        return image

    @cached_property
    def servers(self) -> str:
        """PostgreSQL, Redis and nginx, in place of their public images."""
        image = f"localhost/frontdesk-tests/servers:{SUITE}"
        self.build(RECIPES, RECIPES / "Containerfile", image, BASE=self.base)
        return image

    def frontdesk(self, context: Path, image: str) -> str:
        """Our own image, built as the Containerfile says; give what the build printed."""
        return self.build(
            context, context / "deploy" / "Containerfile", image, BASE=self.base, NODE_BASE=self.node_base
        )

    def build(self, context: Path, recipe: Path, image: str, **arguments: str) -> str:
        """Build an image; give what the build printed."""
        given = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        secrets = [
            word
            for name, path in self._registries().items()
            for word in ("--secret", f"id={name},src={path}")
        ]
        # Docker's format, because OCI's has no health check.
        return self.run(
            "buildah", "bud", "--layers", "--format", "docker", "--isolation", "chroot", "--network", "host",
            *given, *secrets, "--file", str(recipe), "--tag", image, str(context), timeout_s=600,
        )  # fmt: skip

    def _registries(self) -> Mapping[str, Path]:
        """What this machine says about where packages come from, for the length of a build."""
        authority = Path(os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile or "/none")
        if not authority.is_file():
            authority = Path("/etc/ssl/certs/ca-certificates.crt")
        pip = {
            line.partition("=")[0].rpartition(".")[2]: line.partition("=")[2].strip("'")
            for line in self.run("python3", "-m", "pip", "config", "list", check=False).splitlines()
        }
        lines = [f"{name} = {pip[name]}" for name in ("index-url", "trusted-host") if pip.get(name)]
        (self._folder / "pip.conf").write_text("\n".join(["[global]", "cert = /run/secrets/ca", *lines, ""]))
        registry = self.run("npm", "config", "get", "registry").strip()
        (self._folder / "npmrc").write_text(f"registry={registry}\ncafile=/run/secrets/ca\n")
        return {"pip": self._folder / "pip.conf", "npm": self._folder / "npmrc", "ca": authority}


_LIMITS = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}


def _mirror() -> str:
    """Where this machine gets its own packages from."""
    for source in Path("/etc/apt/sources.list.d").glob("*.sources"):
        for line in source.read_text().splitlines():
            if line.startswith("URIs:"):
                return line.split()[1]
    for line in Path("/etc/apt/sources.list").read_text().splitlines():
        if line.startswith("deb "):
            return next(word for word in line.split() if "://" in word)
    raise AssertionError("apt has no sources here")


class Project:
    """compose.yaml, brought up under a name of its own and taken down with all it made."""

    def __init__(self, engine: Engine, name: str, variables: Mapping[str, str]) -> None:
        self.engine, self.name = engine, name
        self._variables = {**variables, "COMPOSE_PROJECT_NAME": name}

    def compose(self, *words: str, **more: Any) -> str:
        """Run Docker Compose, which talks to podman, at the root of the checkout."""
        variables = {**self._variables, "DOCKER_HOST": self._address}
        return self.engine.run("docker-compose", *words, environment=variables, cwd=REPOSITORY, **more)

    def containers(self, service: str) -> list[str]:
        """The names of a service's containers that run."""
        label = f"label=com.docker.compose.service={service}"
        found = self.engine.podman("ps", "--format", "{{.Names}}", "--filter", label, "--filter", self._ours)
        return sorted(found.split())

    @property
    def _ours(self) -> str:
        return f"label=com.docker.compose.project={self.name}"

    def kill(self, container: str) -> None:
        """End its first process, as a crash would. What podman kills itself is not started again."""
        os.kill(int(self.engine.inspect(container)["State"]["Pid"]), signal.SIGKILL)

    @contextmanager
    def up(self, *words: str) -> Iterator[None]:
        """Have all of it for the length of a with block. `words`: those of Compose that bring it up."""
        with self.engine.docker_api() as self._address:
            try:
                with self._asked_how_they_are():
                    self.compose(*words, timeout_s=180)
                yield
            finally:
                self._remove()

    @contextmanager
    def _asked_how_they_are(self) -> Iterator[None]:
        """Run the health checks of containers that start, which podman leaves to systemd, which need not be there."""
        is_over, began = threading.Event(), time.monotonic()

        def ask() -> None:
            # Often while failures are not counted yet (start_period), and then as rarely as compose.yaml says.
            while not is_over.wait(0.4 if time.monotonic() - began < 50 else 10):
                waiting = ("--filter", "health=starting")
                for name in self.engine.podman("ps", "--quiet", "--filter", self._ours, *waiting).split():
                    self.engine.podman("healthcheck", "run", name, check=False)

        with ThreadPoolExecutor(1) as pool:
            asking = pool.submit(ask)
            try:
                yield
            finally:
                is_over.set()
            asking.result()

    def _remove(self) -> None:
        """All of it by our own label: the composer waits for containers that are started again and again."""
        force = ("--force", "--depend", "--ignore", "--time", "0")
        for kind, listing, words in (
            ("container", "ls --all", force),
            ("network", "ls", ()),
            ("volume", "ls", ()),
        ):
            # Removing one takes along what depends on it, and then podman may stumble over what it was to remove next.
            for _ in range(_TRIES):
                found = self.engine.podman(kind, *listing.split(), "--quiet", "--filter", self._ours).split()
                if not found:
                    break
                self.engine.podman(kind, "rm", *words, *found, check=False, timeout_s=120)
            else:
                pytest.fail(f"{kind} of {self.name} could not be removed: {found}")
        self.engine.podman("volume", "prune", "--force")  # /data of each container has no name
