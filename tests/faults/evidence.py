"""What is there afterwards: read from the database itself, and results as their owner downloads them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import httpx
import psycopg

from faults.house import House
from faults.judge import EventRow, JobRow


def unfinished(database: str) -> int:
    """How many jobs are not over."""
    return int(_rows(database, "select count(*) from jobs where state in ('queued', 'running')")[0][0])


def jobs_of(home: House) -> list[JobRow]:
    """All jobs, with their answers."""
    query = "select id, kind, idempotency_key, state, error, outputs from jobs"
    with httpx.Client(
        base_url=home.url,
        verify=home.trust,
        headers={"Authorization": f"Bearer {home.token}"},
        timeout=30,
    ) as http:
        return [
            JobRow(
                job, key, state, error, _answers(http, job, kind, outputs) if state == "succeeded" else None
            )
            for job, kind, key, state, error, outputs in _rows(home.database, query)
        ]


def events_of(home: House) -> list[EventRow]:
    """All events, in the order of their ids."""
    return [
        EventRow(number, job, event, _document(data).get("state") if event == "state" else None)
        for number, job, event, data in _rows(
            home.database, "select id, job, event, data from events order by id"
        )
    ]


def _answers(http: httpx.Client, job: str, kind: str, outputs: bytes) -> tuple[float, ...]:
    if kind == "predict":
        return (float(json.loads(bytes(outputs))["answer"]["value"]),)
    response = http.get(f"/api/jobs/{job}/result")
    response.raise_for_status()
    return tuple(float(row["prediction"]) for row in csv.DictReader(io.StringIO(response.text)))


def _document(data: Any) -> dict[str, Any]:
    return dict(json.loads(data)) if isinstance(data, str) else dict(data)


def _rows(database: str, query: str) -> Sequence[tuple[Any, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute(query).fetchall()  # type: ignore[call-overload, no-any-return]
