"""nginx with the rules of deploy/nginx.conf, on ports of its own and with a certificate made for the occasion."""

from __future__ import annotations

import json
import shutil
import signal
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from support.servers.process import ServerProcess, free_port

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"


class Proxy(ServerProcess):
    """`with Proxy([8001, 8002]) as proxy: proxy.http.get("/")`: before replicas that listen on these ports."""

    stop_signal = signal.SIGQUIT  # it finishes what it has begun

    def __init__(self, replicas: Sequence[int]) -> None:
        super().__init__()
        self._replicas, self._plain_port = replicas, free_port()
        self.url = f"https://localhost:{self.port}"
        self.plain_url = f"http://localhost:{self._plain_port}"
        self.folder.chmod(0o755)  # its workers are somebody else

    def prepare(self) -> None:
        make_certificate(self.folder / "tls")
        self.trust = ssl.create_default_context(cafile=self.folder / "tls" / "tls.crt")
        self.http = self.client()
        (self.folder / "cache").mkdir()
        servers = "".join(f"server 127.0.0.1:{port} max_fails=1 fail_timeout=1s;" for port in self._replicas)
        example = (DEPLOY / "replicas.conf").read_text()
        before, _, rest = example.partition("    server 127.0.0.1:8001")
        (self.folder / "replicas.conf").write_text(f"{before}{servers}{rest[rest.index('}') :]}")
        (self.folder / "nginx.conf").write_text(self._rules())

    def _rules(self) -> str:
        rules = (DEPLOY / "nginx.conf").read_text()
        for said, here in {
            "listen 8080;": f"listen 127.0.0.1:{self._plain_port};",
            "listen 8443 ssl": f"listen 127.0.0.1:{self.port} ssl",
            "/tmp/": f"{self.folder}/",
            "/var/cache/nginx": str(self.folder / "cache"),
        }.items():
            assert said in rules, said
            rules = rules.replace(said, here)
        return rules

    def command(self) -> Sequence[str]:
        nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
        assert nginx, "scripts/system.sh installs nginx"
        return [nginx, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-g", "daemon off;"]

    def answers(self) -> bool:
        try:
            return self.http.get("/livez").status_code < 600
        except httpx.TransportError:
            return False

    def client(self, **more: Any) -> httpx.Client:
        """A client that trusts its certificate."""
        return httpx.Client(base_url=self.url, verify=self.trust, timeout=60, **more)

    def exchanges(self) -> list[dict[str, Any]]:
        """Its log: a record for each request."""
        return [json.loads(line) for line in self.log_text().splitlines() if line.startswith("{")]

    def close(self) -> None:
        if hasattr(self, "http"):
            self.http.close()
        super().close()


def make_certificate(folder: Path) -> None:
    """tls.crt and tls.key for `localhost`, signed by itself."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt"),
        ],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
