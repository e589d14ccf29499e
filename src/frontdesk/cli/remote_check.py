"""Whether a server answers as remote models have to: `frontdesk doctor --remote http://localhost:8100`."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from typing import Any

from frontdesk.cli.finding import Finding
from frontdesk.host.remote_line import RemoteLine, Reply

_PATIENCE_S = 5.0
_ROWS = 3
_SEE = "See docs/how-to/answer-from-another-language.md."


def check_remote(url: str) -> Iterator[Finding]:
    """One finding for each thing that was tried; nothing more once nobody answers."""
    line = RemoteLine(url=url)
    try:
        yield _finding(line, "GET", "/health", None, "status 200", lambda reply: reply.status == 200)
        described = line.exchange("GET", "/describe", within_s=_PATIENCE_S)
        inputs = described.body.get("inputs") if isinstance(described.body, dict) else None
        is_well = described.status == 200 and isinstance(inputs, dict)
        yield Finding(
            "GET /describe", is_well, _told(described),
            f"Answer 200 and {{\"inputs\": {{name: an example of its value}}}}. {_SEE}",
        )  # fmt: skip
        if is_well and inputs is not None:
            yield from _predicting(line, inputs)
    except (OSError, http.client.HTTPException) as error:
        yield Finding(
            "Server", False, f"{url} does not answer ({error})", "Start it, or correct the address."
        )
    finally:
        line.close()


def _predicting(line: RemoteLine, inputs: dict[str, Any]) -> Iterator[Finding]:
    for rows in (1, _ROWS):
        question = {
            "inputs": {name: [value] * rows for name, value in inputs.items()}, "rows": rows, "version": 1,
        }  # fmt: skip

        def answers_all(reply: Reply, rows: int = rows) -> bool:
            if reply.status == 409:  # it has to learn first, as it may say
                return True
            answers = reply.body.get("answers") if isinstance(reply.body, dict) else None
            return reply.status == 200 and isinstance(answers, list) and len(answers) == rows

        wanted = f'200 and {{"answers": [...]}} with {rows} of them, or 409 before it was given a version'
        yield _finding(line, "POST", "/predict", question, wanted, answers_all)
    nonsense: dict[str, Any] = {"inputs": {}, "rows": 1, "version": 1}
    yield _finding(
        line, "POST", "/predict", nonsense, "a status from 400 to 499 for a question without inputs",
        lambda reply: 400 <= reply.status < 500,
    )  # fmt: skip
    yield _finding(
        line, "GET", "/no-such-address", None, "status 404", lambda reply: reply.status == 404
    )  # fmt: skip


def _finding(
    line: RemoteLine, method: str, path: str, body: Any, wanted: str, is_well: Callable[[Reply], bool]
) -> Finding:
    reply = line.exchange(method, path, body, within_s=_PATIENCE_S)
    return Finding(f"{method} {path}", is_well(reply), _told(reply), f"Answer {wanted}. {_SEE}")


def _told(reply: Reply) -> str:
    return f"status {reply.status}, {'JSON' if reply.body is not None else 'no JSON'}"
