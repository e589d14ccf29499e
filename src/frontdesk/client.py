"""The Python client: the HTTP contract in a few verbs.

client = Client("http://127.0.0.1:8000")
client.ask("flowers", sepal_length=5.1)["outputs"]
ticket = client.submit("flowers", sepal_length=5.1)
client.wait(ticket["id"])["outputs"]
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from frontdesk.errors import Fault, FrontdeskError, HostError, InvalidInput, NotFound

_LONG_POLL_S = 20.0
_FINAL_STATES = frozenset({"succeeded", "failed", "cancelled"})


class Client:
    """Asks a frontdesk server. A `Path` among the inputs is sent as a file."""

    def __init__(self, url: str, *, timeout_s: float = 60.0) -> None:
        self._http = httpx.Client(base_url=url, timeout=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def tasks(self) -> list[dict[str, Any]]:
        """What can be asked."""
        return list(self._get("/api/tasks")["items"])

    def task(self, name: str) -> dict[str, Any]:
        """One task with its schemas."""
        return self._get(f"/api/tasks/{quote(name, safe='')}")

    def ask(self, task: str, *, model: str | None = None, **inputs: Any) -> dict[str, Any]:
        """The answer, however long it takes: a call that became a ticket is waited for.

        Raises InvalidInput with every fault, NotFound, or HostError when the model cannot answer.
        """
        answer = self._predict(task, model, inputs)
        return self.wait(answer["id"]) if "state" in answer else answer

    def submit(self, task: str, *, model: str | None = None, **inputs: Any) -> dict[str, Any]:
        """A ticket: the job that will have the answer."""
        return self._predict(task, model, inputs, {"Prefer": "respond-async"})

    def job(self, job_id: str, *, wait_s: float = 0.0) -> dict[str, Any]:
        """One job; with `wait_s` once it is over, or after that many seconds."""
        return self._get(f"/api/jobs/{quote(job_id, safe='')}", {"wait": wait_s} if wait_s else {})

    def jobs(
        self, *, state: str | None = None, task: str | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """The newest jobs."""
        wanted = {"state": state, "task": task, "limit": limit}
        return list(self._get("/api/jobs", {k: v for k, v in wanted.items() if v is not None})["items"])

    def wait(self, job_id: str, *, timeout_s: float | None = None) -> dict[str, Any]:
        """The job once it is over. Raises HostError with its reason when it failed, TimeoutError when late."""
        end = None if timeout_s is None else time.monotonic() + timeout_s
        while (job := self.job(job_id, wait_s=_LONG_POLL_S))["state"] not in _FINAL_STATES:
            if end is not None and time.monotonic() > end:
                raise TimeoutError(f"job {job_id} is {job['state']}")
        if job["state"] != "succeeded":
            raise HostError(job["error"] or f"The job was {job['state']}.")
        return job

    def change(self, job_id: str, verb: str) -> dict[str, Any]:
        """`cancel`, `retry`, `archive` or `unarchive` a job."""
        return self._read(self._http.post(f"/api/jobs/{quote(job_id, safe='')}/{verb}"))

    def _predict(
        self,
        task: str,
        model: str | None,
        inputs: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        address = f"/api/tasks/{quote(task, safe='')}/predict"
        if any(isinstance(value, Path) for value in inputs.values()):
            files = {name: value.read_bytes() for name, value in inputs.items() if isinstance(value, Path)}
            form = {name: str(value) for name, value in inputs.items() if name not in files}
            if model is not None:
                form["model"] = model
            return self._read(self._http.post(address, data=form, files=files, headers=headers))
        body: dict[str, Any] = {"inputs": dict(inputs)}
        if model is not None:
            body["model"] = model
        return self._read(self._http.post(address, json=body, headers=headers))

    def _get(self, address: str, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return self._read(self._http.get(address, params=query))

    def _read(self, response: httpx.Response) -> dict[str, Any]:
        if response.is_success:
            return dict(response.json())
        try:
            problem = response.json()
        except ValueError:
            raise FrontdeskError(f"The server answered {response.status_code}.") from None
        detail = (
            problem.get("detail") or problem.get("title") or f"The server answered {response.status_code}."
        )
        if faults := problem.get("errors"):
            raise InvalidInput.of([Fault(fault["pointer"], fault["detail"]) for fault in faults])
        if response.status_code == httpx.codes.NOT_FOUND:
            raise NotFound(detail)
        raise (HostError if response.is_server_error else FrontdeskError)(detail)
