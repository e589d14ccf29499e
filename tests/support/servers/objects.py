"""A real S3 server: Ceph's object gateway on a cluster of one monitor and one store that keeps its bytes in memory.

`with ObjectServer(folder) as objects: objects.make_bucket("files")`. It is there in about a second. The gateway can be
killed and started again; what was stored stays, because that is in the store behind it.
"""

from __future__ import annotations

import datetime as dt
import socket
import subprocess
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import obstore
from obstore.store import S3Store

ACCESS_KEY, SECRET_KEY = "frontdesk-tests", "not-a-secret-of-anybody"
_STORE_BYTES = 4 * 2**30
_START_S = 60.0

_CONF = """
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{mon}]
public addr = 127.0.0.1
mon data = {folder}/mon
osd data = {folder}/osd
rgw data = {folder}/rgw
run dir = {folder}/run
admin socket = {folder}/run/$name.$pid.asok
log file = {folder}/$name.log
pid file =
keyring = {folder}/keyring
ms bind msgr1 = false
# Nobody but this test can reach it, so nobody has to show who they are; without that there is no encryption either.
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
ms mon service mode = crc
ms mon cluster mode = crc
ms client mode = crc
ms service mode = crc
ms cluster mode = crc
# One store, one copy, and no waiting for others to agree.
osd objectstore = memstore
memstore device bytes = {store_bytes}
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon data avail crit = 0
paxos propose interval = 0.01
paxos min wait = 0.01
rgw frontends = beast endpoint=127.0.0.1:{port}{tls}
rgw gc obj min wait = 2
rgw gc processor period = 2
"""


class ObjectServer:
    """An S3 server in a folder of its own, for the length of a with block; `certificate` and `key` add TLS."""

    def __init__(self, folder: Path, certificate: Path | None = None, key: Path | None = None) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{_free_port()}"
        self.tls_url = f"https://127.0.0.1:{_free_port()}" if certificate else ""
        self._tls = (certificate, key)
        self._servers: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        try:
            self._start_all()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --------------------------------------------------------------------------- hurting it

    def kill(self) -> None:
        """Kill -9 the gateway: every transfer under way breaks, and nothing answers any more."""
        gateway = self._servers.pop("gateway")
        gateway.kill()
        gateway.wait()

    def start(self) -> None:
        """Start the gateway, and wait until it answers."""
        self._spawn("gateway", "radosgw", "-n", "client.rgw")
        end = time.monotonic() + _START_S
        while not self._answers():
            assert time.monotonic() < end, (self.folder / "gateway.out").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """End all of it."""
        for server in self._servers.values():
            server.kill()
            server.wait()
        self._servers.clear()

    # ----------------------------------------------------------------------------- using it

    def make_bucket(self, name: str) -> None:
        """A new, empty bucket."""
        url = obstore.sign(self.store(name), "PUT", "", dt.timedelta(minutes=1))
        httpx.put(url).raise_for_status()

    def store(self, bucket: str) -> S3Store:
        """The bucket itself, past all code of ours."""
        return S3Store(
            bucket, endpoint=self.url, access_key_id=ACCESS_KEY, secret_access_key=SECRET_KEY,
            region="us-east-1", virtual_hosted_style_request=False, client_options={"allow_http": True},
        )  # fmt: skip

    def keys(self, bucket: str) -> list[str]:
        """What lies in a bucket."""
        return sorted(found["path"] for page in obstore.list(self.store(bucket)) for found in page)

    def environment(self, bucket: str, prefix: str = "") -> dict[str, str]:
        """What makes a frontdesk keep its files there."""
        return {
            "FRONTDESK_STORAGE": f"s3://{bucket}/{prefix}",
            "FRONTDESK_S3_ENDPOINT": self.url,
            "FRONTDESK_S3_ACCESS_KEY": ACCESS_KEY,
            "FRONTDESK_S3_SECRET_KEY": SECRET_KEY,
        }

    # ------------------------------------------------------------------------------ starting

    def _start_all(self) -> None:
        for name in ("mon", "osd", "rgw", "run"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "keyring").touch()
        fsid, mon = str(uuid.uuid4()), _free_port()
        certificate, key = self._tls
        tls = f" ssl_endpoint={self.tls_url.removeprefix('https://')}" if certificate else ""
        tls += f" ssl_certificate={certificate} ssl_private_key={key}" if certificate else ""
        conf = _CONF.format(
            fsid=fsid, mon=mon, folder=self.folder, store_bytes=_STORE_BYTES,
            port=self.url.rpartition(":")[2], tls=tls,
        )  # fmt: skip
        (self.folder / "ceph.conf").write_text(conf)
        monmap = str(self.folder / "monmap")
        address = f"[v2:127.0.0.1:{mon}]"
        self._run(
            "monmaptool", "--create", "--fsid", fsid, "--set-min-mon-release", "pacific",
            "--addv", "a", address, monmap,
        )  # fmt: skip
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap)
        self._spawn("monitor", "ceph-mon", "-i", "a")
        store = str(uuid.uuid4())
        self._run("ceph", "osd", "new", store)
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", store)
        self._spawn("store", "ceph-osd", "-i", "0")
        self._run(
            "radosgw-admin", "user", "create", "--uid", "frontdesk", "--display-name", "frontdesk",
            "--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY,
        )  # fmt: skip
        self.start()

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [program, "--conf", str(self.folder / "ceph.conf"), *words],
            timeout=_START_S, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    def _spawn(self, name: str, program: str, *words: str) -> None:
        command = [program, "--conf", str(self.folder / "ceph.conf"), *words, "-f"]
        with (self.folder / f"{name}.out").open("ab") as out:
            # Whatever becomes of the tests, no server outlives them.
            self._servers[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command], stdout=out, stderr=out
            )

    def _answers(self) -> bool:
        try:
            return httpx.get(self.url).status_code == 200
        except httpx.TransportError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
