"""Tables full of jobs that are long over, for benchmarks of what that costs."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from frontdesk.store.database import Database
from frontdesk.store.ids import new_id
from frontdesk.store.tables import jobs

OWNER = "local"
_BLOCK = 10_000


def fill(database: Database, number: int, say: Callable[[str], None]) -> str:
    """Add jobs of ten owners, seven tenths of them OWNER's; give the id of one in the middle."""
    chance = random.Random(1)
    middle = ""
    for start in range(0, number, _BLOCK):
        rows = [_row(chance, start + place) for place in range(min(_BLOCK, number - start))]
        database.write(lambda c, rows=rows: c.execute(sa.insert(jobs), rows), durable=False)  # type: ignore[misc]
        if start <= number // 2:
            middle = rows[-1]["id"]
        say(f"\r{start + len(rows):,} jobs")
    return str(middle)


def _row(chance: random.Random, number: int) -> dict[str, object]:
    at = datetime.now(UTC) - timedelta(days=20) + timedelta(seconds=number)
    state = "succeeded" if chance.random() < 0.9995 else chance.choice(["failed", "cancelled"])
    return {
        "id": new_id(), "owner": OWNER if chance.random() < 0.7 else f"user-{chance.randrange(9)}",
        "kind": chance.choice(["batch", "predict"]), "task": chance.choice(["flowers", "wine", "photos"]),
        "model": "net", "version": 1, "state": state, "payload": b'{"inputs": {"length": 5.1, "width": 3.5}}',
        "outputs": b'{"answer": "' + b"x" * 600 + b'"}', "error": None, "error_kind": None,
        "progress_done": 5, "progress_total": chance.randrange(10_000), "progress_message": "", "metrics": {},
        "archived": chance.random() < 0.3, "title": f"File {chance.randrange(1_000_000)}.csv", "input_file": None,
        "result_file": None, "fingerprint": "", "idempotency_key": None, "attempts": 1, "attempts_forgiven": 0,
        "turn": number, "worker": None, "lease_token": 1, "lease_expires_at": None, "created_at": at,
        "started_at": at, "finished_at": at + timedelta(seconds=9 * chance.random()),
    }  # fmt: skip
