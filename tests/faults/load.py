"""Those who ask while everything breaks: they retry under the same key until they have an answer."""

from __future__ import annotations

import json
import random
import ssl
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx

from faults.chaos import in_background
from faults.ledger import Heard, Ledger, Promise

_AGAIN_AFTER_S = 0.2
_PATIENCE_S = 6.0
_SILENCE_S = 13.0  # an idle stream shows every ten seconds that it is there
# What a proxy or a replica says while something behind it is away, and what a limit says.
_EXCUSED = frozenset({0, 429, 502, 503, 504})


@dataclass
class Load:
    """Clients of an installation at `url`, who show `token`; `rate` jobs a second in all, as far as it keeps up."""

    url: str
    token: str
    trust: ssl.SSLContext
    ledger: Ledger
    seed: int
    rate: float
    askers: int = 4

    def __post_init__(self) -> None:
        self._stop, self._stop_listening = threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin."""
        asking = [lambda n=n: self._ask(random.Random(self.seed + n)) for n in range(self.askers)]
        works: list[Callable[[], None]] = [*asking, self._send_files]
        self._threads = [in_background(work, f"client-{n}") for n, work in enumerate(works)]
        self._listener = in_background(self._listen, "listener")

    def stop(self) -> None:
        """Ask nothing more; who waits for an answer gets it first."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def stop_listening(self) -> None:
        """End the live stream."""
        self._stop_listening.set()
        self._listener.join(timeout=30)

    # ------------------------------------------------------------------------------ asking

    def _ask(self, choose: random.Random) -> None:
        with self._client() as http:
            while not self._stop.wait(choose.uniform(0, 2 * self.askers / self.rate)):
                x = choose.randrange(1_000_000)
                inputs = {"x": x, "pause_s": choose.choice([0, 0, 0, 0.02, 0.1])}
                key = str(uuid.uuid4())
                headers = {"Prefer": "respond-async", "Idempotency-Key": key}
                ask = partial(
                    http.post, "/api/tasks/double/predict", json={"inputs": inputs}, headers=headers
                )
                if (job := self._until_acknowledged(ask)) is None:
                    continue
                self.ledger.promise(Promise(job, key, "predict", (2.0 * x,)))
                if choose.random() < 0.03:
                    self._cancel(http, job)

    def _send_files(self) -> None:
        choose = random.Random(self.seed - 1)
        with self._client() as http:
            while not self._stop.wait(choose.uniform(0.5, 3)):
                xs = [choose.randrange(1_000_000) for _ in range(choose.choice([1, 40, 400]))]
                table = "x,pause_s\n" + "".join(
                    f"{x},{0.002 if n % 10 == 0 else 0}\n" for n, x in enumerate(xs)
                )
                key = str(uuid.uuid4())
                send = partial(
                    http.post, "/api/tasks/double/batch", headers={"Idempotency-Key": key},
                    data={"format": "csv"}, files={"file": ("xs.csv", table)},
                )  # fmt: skip
                if (job := self._until_acknowledged(send)) is not None:
                    self.ledger.promise(Promise(job, key, "batch", tuple(2.0 * x for x in xs)))

    def _until_acknowledged(self, send: Callable[[], httpx.Response]) -> str | None:
        """The ticket; the same request goes out again for as long as the answer is excused."""
        while True:
            status, document = self._reply(send)
            # 200: the job of an earlier try, whose answer got lost, is done by now.
            if status in (200, 202):
                return str(document["id"])
            if status not in _EXCUSED:
                self.ledger.surprise(f"the answer {status}: {str(document)[:300]}")
                return None
            time.sleep(_AGAIN_AFTER_S)

    def _cancel(self, http: httpx.Client, job: str) -> None:
        """Cancel; a conflict means that it was over already, by our own first try perhaps."""
        while True:
            status, document = self._reply(partial(http.post, f"/api/jobs/{job}/cancel"))
            if status in (200, 204):
                self.ledger.cancel(job)
            elif status == 409:
                status, document = self._reply(partial(http.get, f"/api/jobs/{job}"))
                if status == 200 and document["state"] == "cancelled":
                    self.ledger.cancel(job)
            if status in (200, 204):
                return
            if status not in _EXCUSED:
                self.ledger.surprise(f"cancelling {job} gave {status}: {str(document)[:300]}")
                return
            time.sleep(_AGAIN_AFTER_S)

    def _reply(self, send: Callable[[], httpx.Response]) -> tuple[int, Any]:
        try:
            response = send()
        except httpx.TransportError:
            self.ledger.reply(0)
            return 0, None
        self.ledger.reply(response.status_code)
        try:
            return response.status_code, response.json()
        except ValueError:
            return response.status_code, response.text

    # --------------------------------------------------------------------------- listening

    def _listen(self) -> None:
        """One live stream that is resumed where it broke, as browsers do."""
        last = ""
        with self._client() as http:
            while not self._stop_listening.is_set():
                headers = {"Last-Event-ID": last} if last else {}
                try:
                    with http.stream("GET", "/api/events", headers=headers, timeout=_SILENCE_S) as stream:
                        last = self._hear(stream, last) if stream.status_code == 200 else last
                except httpx.TransportError:
                    pass
                self._stop_listening.wait(_AGAIN_AFTER_S)

    def _hear(self, stream: httpx.Response, last: str) -> str:
        number = kind = ""
        try:
            for line in stream.iter_lines():
                if line.startswith("id: "):
                    number = line[4:]
                elif line.startswith("event: "):
                    kind = line[7:]
                elif line.startswith("data: ") and number:
                    told = json.loads(line[6:])
                    self.ledger.hear(Heard(int(number), told["job"], kind, told["data"].get("state")))
                    last, number = number, ""
                if self._stop_listening.is_set():
                    break
        except httpx.TransportError:
            pass
        return last

    def _client(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.token}"},
            verify=self.trust,
            timeout=_PATIENCE_S,
        )
