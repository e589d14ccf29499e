"""An installation as deploy/compose.yaml lays it out, brought up as the guide says and seen from outside."""

from __future__ import annotations

import shlex
import ssl
import subprocess
from pathlib import Path
from typing import Any

import httpx

from support.containers import REPOSITORY, Engine, Project
from support.servers.process import free_port

GUIDE = REPOSITORY / "docs" / "how-to" / "run-in-containers.md"
TASKS = REPOSITORY / "tests" / "support" / "tasks"


def documented(word: str) -> list[str]:
    """The words of the guide's command for Compose that has this one."""
    start = "$ docker compose "
    (line,) = [line for line in GUIDE.read_text().splitlines() if line.startswith(start) and word in line]
    return shlex.split(line.removeprefix(start))


class Site(Project):
    """compose.yaml with two web replicas and two workers, seen from outside."""

    def __init__(self, engine: Engine, image: str, folder: Path) -> None:
        self.folder, self.https = folder, free_port()
        net = f"172.31.{200 + self.https % 50}"
        subprocess.run([REPOSITORY / "deploy" / "secrets.sh", folder / "secrets"], check=True)
        variables = {
            "IMAGE": image, "NGINX_IMAGE": engine.servers, "POSTGRES_IMAGE": engine.servers,
            "REDIS_IMAGE": engine.servers, "SECRETS": str(folder / "secrets"), "FRONT": net,
            "TASKS_FOLDER": str(TASKS), "TASKS": "trivial.py training.py", "HTTP_PORT": str(free_port()),
            "HTTPS_PORT": str(self.https),
        }  # fmt: skip
        super().__init__(engine, f"fdtest{self.https}", variables)
        self.url = f"https://localhost:{self.https}"
        self.trust = ssl.create_default_context(cafile=folder / "secrets" / "tls.crt")

    def client(self, **more: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, verify=self.trust, timeout=60, **more)

    def straight(self, container: str, like: httpx.Client) -> httpx.Client:
        """The same program, past nginx. From this machine the containers' networks are reached."""
        networks = self.engine.inspect(container)["NetworkSettings"]["Networks"]
        address = networks[f"{self.name}_front"]["IPAddress"]
        headers = {"Host": "localhost", "Authorization": like.headers["Authorization"]}
        return httpx.Client(base_url=f"http://{address}:8000", headers=headers, timeout=30)

    def frontdesk(self, *words: str) -> str:
        """Run a command of ours in a web container."""
        return self.engine.podman("exec", self.containers("web")[0], "frontdesk", *words)

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False
