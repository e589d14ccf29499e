"""The Python client: the HTTP contract in a few verbs.

client = Client("http://127.0.0.1:8000")
client.ask("flowers", sepal_length=5.1)["outputs"]
client.ask("photos", photo=Path("goldfinch.jpeg"), model="shufflenet")
ticket = client.submit("flowers", sepal_length=5.1)
client.wait(ticket["id"])["outputs"]
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote

import httpx

from frontdesk.errors import Fault, FrontdeskError, HostError, HostUnreachable, InvalidInput, NotFound

Verb = Literal["cancel", "retry", "archive", "unarchive"]
Document = dict[str, Any]

_LONG_POLL_S = 20.0
_FINAL_STATES = frozenset({"succeeded", "failed", "cancelled"})


class Client:
    """Asks a frontdesk server.

    Inputs are named arguments, or a mapping where a name is taken: `client.ask("shop", {"model": "T"})`.
    A `Path` among them is sent as a file; numbers, texts, lists and mappings go as JSON.
    Raises InvalidInput with every fault, NotFound, HostError when the model cannot answer, HostUnreachable
    when the server does not.
    """

    def __init__(self, url: str, *, token: str | None = None, timeout_s: float = 60.0) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._url = url
        # A file may lie elsewhere; the token is not sent there.
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_s, follow_redirects=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    # ------------------------------------------------------------------------------ asking

    def tasks(self) -> list[Document]:
        """What can be asked."""
        return list(self._json("GET", "/api/tasks")["items"])

    def task(self, name: str) -> Document:
        """One task with its schemas."""
        return self._json("GET", f"/api/tasks/{_quoted(name)}")

    def ask(
        self,
        task: str,
        inputs: Mapping[str, Any] | None = None,
        /,
        *,
        model: str | None = None,
        wait_s: float | None = None,
        **more: Any,
    ) -> Document:
        """The answer. A call that becomes a ticket on the way is waited for, `wait_s` seconds at most."""
        began = time.monotonic()
        answer = self._predict(task, {**(inputs or {}), **more}, model, {})
        if "state" not in answer:
            return answer
        left_s = None if wait_s is None else max(wait_s - (time.monotonic() - began), 0.0)
        return self.wait(answer["id"], timeout_s=left_s)

    def submit(
        self,
        task: str,
        inputs: Mapping[str, Any] | None = None,
        /,
        *,
        model: str | None = None,
        idempotency_key: str | None = None,
        **more: Any,
    ) -> Document:
        """A ticket: the job that will have the answer.

        With an `idempotency_key` it can be called again after a lost connection and makes no second job.
        """
        headers = {"Prefer": "respond-async"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        return self._predict(task, {**(inputs or {}), **more}, model, headers)

    # -------------------------------------------------------------------------------- files

    def batch(
        self,
        task: str,
        file: Path,
        /,
        *,
        model: str | None = None,
        format: str = "xlsx",
        strict: bool = False,
        idempotency_key: str | None = None,
    ) -> Document:
        """A ticket for a spreadsheet whose rows are to be answered. Raises InvalidInput naming each wrong column."""
        data = {"format": format, "strict": str(strict).lower()} | ({"model": model} if model else {})
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key is not None else {}
        with file.open("rb") as content:
            files = {"file": (file.name, content)}
            return self._json(
                "POST", f"/api/tasks/{_quoted(task)}/batch", data=data, files=files, headers=headers
            )

    def upload(self, file: Path) -> Document:
        """Store a file, to be named by its id."""
        with file.open("rb") as content:
            return self._json("POST", "/api/files", files={"file": (file.name, content)})

    def train(
        self,
        task: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        model: str | None = None,
        data: str | None = None,
        seed: int | None = None,
    ) -> Document:
        """A ticket for a training. `data` is the id of an uploaded file to learn from; see `upload`."""
        optional = {"model": model, "data": data, "seed": seed}
        body = {"parameters": dict(parameters or {}), **{k: v for k, v in optional.items() if v is not None}}
        return self._json("POST", f"/api/tasks/{_quoted(task)}/train", json=body)

    def feedback(
        self, prediction: str, *, right: bool | None = None, truth: Mapping[str, Any] | None = None
    ) -> Document:
        """Say whether an answer was right, or what it should have been: `truth={"answer": "Setosa"}`, by output."""
        said = {"truth": dict(truth or {})} | ({} if right is None else {"right": right})
        return self._json("POST", f"/api/predictions/{_quoted(prediction)}/feedback", json=said)

    def collected(self, task: str) -> Document:
        """A file of the questions whose true answer is known; its id is what `train` takes as `data`."""
        return self._json("POST", f"/api/tasks/{_quoted(task)}/collected/file")

    def download(self, job_id: str, target: Path) -> None:
        """Write the result of a batch job to a file, which is there whole or not at all."""
        draft = target.with_name(f".{target.name}.part")
        with self._http.stream("GET", f"/api/jobs/{_quoted(job_id)}/result") as response:
            if not response.is_success:
                response.read()
                raise _error(response)
            with draft.open("wb") as file:
                for piece in response.iter_bytes(2**20):
                    file.write(piece)
        draft.replace(target)

    # -------------------------------------------------------------------------------- jobs

    def job(self, job_id: str, *, wait_s: float = 0.0) -> Document:
        """One job; with `wait_s` once it is over, or after that many seconds."""
        return self._json(
            "GET", f"/api/jobs/{_quoted(job_id)}", params={"wait": f"{wait_s:.3f}"} if wait_s else None
        )

    def jobs(
        self,
        *,
        state: str | None = None,
        task: str | None = None,
        archived: bool | None = None,
        search: str | None = None,
        sort: str | None = None,
        limit: int = 50,
    ) -> list[Document]:
        """The newest jobs, or the first in another order: oldest, ended, name, longest, largest."""
        wanted = {
            "state": state, "task": task, "archived": archived, "search": search, "sort": sort, "limit": limit,
        }  # fmt: skip
        params = {name: value for name, value in wanted.items() if value is not None}
        return list(self._json("GET", "/api/jobs", params=params)["items"])

    def wait(self, job_id: str, *, timeout_s: float | None = None) -> Document:
        """The job once it has succeeded. Raises HostError with its reason when it did not, TimeoutError when late."""
        end = float("inf") if timeout_s is None else time.monotonic() + timeout_s
        while True:
            patience_s = max(min(_LONG_POLL_S, end - time.monotonic()), 0.0)
            job = self.job(job_id, wait_s=patience_s)
            if job["state"] == "succeeded":
                return job
            if job["state"] in _FINAL_STATES:
                raise HostError(job["error"] or f"The job was {job['state']}.")
            if time.monotonic() >= end:
                raise TimeoutError(f"job {job_id} is still {job['state']}")

    def change(self, job_id: str, verb: Verb) -> Document:
        """Cancel, retry, archive or unarchive a job."""
        return self._json("POST", f"/api/jobs/{_quoted(job_id)}/{verb}")

    def again(self, job_id: str, *, model: str | None = None, version: int | None = None) -> Document:
        """A new job with the same input, for another model or version of the task, or the same once more."""
        wanted = {
            name: value for name, value in (("model", model), ("version", version)) if value is not None
        }
        return self._json("POST", f"/api/jobs/{_quoted(job_id)}/again", json=wanted)

    def remove(self, job_id: str) -> None:
        """Remove a job that is over, with what came of it."""
        self._send("DELETE", f"/api/jobs/{_quoted(job_id)}")

    # -------------------------------------------------------------------------------- HTTP

    def _predict(
        self, task: str, inputs: Mapping[str, Any], model: str | None, headers: Mapping[str, str]
    ) -> Document:
        address = f"/api/tasks/{_quoted(task)}/predict"
        paths = {name: value for name, value in inputs.items() if isinstance(value, Path)}
        if not paths:
            body: Document = {"inputs": dict(inputs)}
            if model is not None:
                body["model"] = model
            return self._json("POST", address, json=body, headers=headers)
        try:
            files = {name: (path.name, path.read_bytes()) for name, path in paths.items()}
        except OSError as error:
            raise FrontdeskError(f"{error.filename} cannot be read ({error.strerror}).") from None
        form = {name: _text(value) for name, value in inputs.items() if name not in files}
        params = None if model is None else {"model": model}
        return self._json("POST", address, data=form, files=files, params=params, headers=headers)

    def _json(self, method: str, address: str, **more: Any) -> Document:
        response = self._send(method, address, **more)
        try:
            return dict(response.json())
        except ValueError:
            raise FrontdeskError(f"{self._url} answers, but not as frontdesk does.") from None

    def _send(self, method: str, address: str, **more: Any) -> httpx.Response:
        try:
            response = self._http.request(method, address, **more)
        except (httpx.TransportError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise HostUnreachable(f"No server can be reached at {self._url} ({error}).") from None
        if not response.is_success:
            raise _error(response)
        return response


def _error(response: httpx.Response) -> FrontdeskError:
    """What the server raised, as far as it says."""
    try:
        problem = dict(response.json())
    except ValueError:
        problem = {}
    detail = str(problem.get("detail") or f"The server answered {response.status_code}.")
    if faults := problem.get("errors"):
        return InvalidInput.of([Fault(fault["pointer"], fault["detail"]) for fault in faults])
    if response.status_code == httpx.codes.NOT_FOUND:
        return NotFound(detail)
    return HostError(detail) if response.is_server_error else FrontdeskError(detail)


def _text(value: Any) -> str:
    """A value beside a file, as a form has it."""
    return value if isinstance(value, str) else json.dumps(value)


def _quoted(name: str) -> str:
    return quote(name, safe="")
