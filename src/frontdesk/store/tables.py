"""Every table, in types that SQLite, PostgreSQL and MariaDB share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Instant(sa.TypeDecorator[datetime]):
    """A moment in UTC, kept as whole microseconds since 1970: it compares and indexes alike in every database."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(microseconds=value)


metadata = sa.MetaData()

_Id = sa.String(36)
_Name = sa.String(200)
# SQLite numbers rows by itself only in a column of exactly this type.
_Counter = sa.BigInteger().with_variant(sa.Integer, "sqlite")

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("owner", _Name, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("task", _Name, nullable=False),
    sa.Column("model", _Name, nullable=False),
    sa.Column("version", sa.Integer),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("outputs", sa.LargeBinary),
    sa.Column("error", sa.Text),
    sa.Column("error_kind", sa.String(32)),
    sa.Column("progress_done", sa.BigInteger, nullable=False),
    sa.Column("progress_total", sa.BigInteger, nullable=False),
    sa.Column("progress_message", sa.Text, nullable=False),
    sa.Column("metrics", sa.JSON, nullable=False),
    sa.Column("archived", sa.Boolean, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("input_file", _Id),
    sa.Column("result_file", _Id),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("idempotency_key", sa.String(255)),
    # Attempts are counted for ever; those before the last retry do not count towards the limit.
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("attempts_forgiven", sa.Integer, nullable=False),
    sa.Column("turn", sa.BigInteger, nullable=False),
    sa.Column("worker", _Name),
    sa.Column("lease_token", sa.Integer, nullable=False),
    sa.Column("lease_expires_at", Instant),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("started_at", Instant),
    sa.Column("finished_at", Instant),
    sa.UniqueConstraint("owner", "idempotency_key", name="one_job_for_each_key"),
    sa.Index("jobs_in_line", "kind", "state", "turn", "id"),
    # For workers of some tasks, and for counting what waits. It leaves out what is over, where a database can do that.
    sa.Index(
        "jobs_of_a_task_in_line",
        "kind",
        "state",
        "task",
        "turn",
        "id",
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    ),
    sa.Index("jobs_of_an_owner_in_line", "kind", "owner", "state", "turn"),
    sa.Index("jobs_of_an_owner", "owner", "id"),
    sa.Index("jobs_of_an_owner_by_state", "owner", "state", "id"),
    sa.Index("jobs_of_an_owner_by_task", "owner", "task", "id"),
    sa.Index("jobs_by_state", "state", "id"),
    sa.Index("jobs_by_task", "task", "id"),
    sa.Index("jobs_alike", "owner", "fingerprint", "state"),
    sa.Index("jobs_finished", "kind", "state", "finished_at"),
    sa.Index("jobs_by_end", "finished_at"),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", _Counter, primary_key=True, autoincrement=True),
    sa.Column("job", _Id, nullable=False),
    sa.Column("owner", _Name, nullable=False),
    sa.Column("event", sa.String(16), nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Index("events_of_a_job", "job", "id"),
    sa.Index("events_of_an_owner", "owner", "id"),
    sqlite_autoincrement=True,  # an id is never given again, so a stream can resume from it
)

files = sa.Table(
    "files",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("owner", _Name, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("media_type", _Name, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Index("files_by_age", "created_at"),
    sa.Index("files_of_an_owner", "owner", "size_bytes"),
)

# Every file a job holds, its input and result included. A file nobody holds is an upload that waits for its job.
job_files = sa.Table(
    "job_files",
    metadata,
    sa.Column("job", _Id, primary_key=True),
    sa.Column("file", _Id, primary_key=True),
    sa.Index("jobs_of_a_file", "file"),
)

versions = sa.Table(
    "versions",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("task", _Name, nullable=False),
    sa.Column("model", _Name, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("metrics", sa.JSON, nullable=False),
    sa.Column("parameters", sa.JSON, nullable=False),
    sa.Column("is_live", sa.Boolean, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    # The job that made it, if one did; `once` is what a job makes only one version for, however often it is tried.
    sa.Column("job", _Id),
    sa.Column("once", sa.String(64)),
    sa.Column("origin", sa.JSON),
    # A row stays when its version is deleted, so that no other is ever given its number.
    sa.Column("removed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.UniqueConstraint("task", "model", "number", name="one_version_for_each_number"),
    sa.Index("versions_of_a_job", "job"),
    sa.Index("one_version_for_each_training", "once", unique=True),
)

# What trainings told: points of curves and pieces of logs, a row for each batch of either, and a summary of the points.
# `token` is that of the lease under which it was told; `position` is how far the points reach in all it told.
run_records = sa.Table(
    "run_records",
    metadata,
    sa.Column("id", _Counter, primary_key=True, autoincrement=True),
    sa.Column("job", _Id, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("token", sa.Integer, nullable=False, server_default="0"),
    sa.Column("position", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Index("records_of_a_run", "job", "kind", "token", "position", "id"),
)

schedules = sa.Table(
    "schedules",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("owner", _Name, nullable=False),
    sa.Column("name", _Name, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("work", sa.JSON, nullable=False),
    sa.Column("cron", sa.String(100), nullable=False),
    sa.Column("zone", sa.String(64), nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("next_at", Instant),
    # Whoever runs it has it to themselves until then.
    sa.Column("taken_until", Instant),
    sa.Column("last_at", Instant),
    sa.Column("last_jobs", sa.JSON),
    sa.Column("last_error", sa.Text),
    # No two inboxes share a folder; null for what is no inbox.
    sa.Column("folder", sa.String(64)),
    sa.Index("schedules_of_an_owner", "owner", "id"),
    sa.Index("schedules_due", "active", "next_at"),
    sa.Index("one_schedule_for_each_folder", "folder", unique=True),
)

# A row for each worker that runs, and for a while for each that was lost. `wish` is what an administrator wants of it.
workers = sa.Table(
    "workers",
    metadata,
    sa.Column("name", _Name, primary_key=True),
    sa.Column("machine", _Name, nullable=False),
    sa.Column("frontdesk_version", sa.String(64), nullable=False),
    # How many jobs at once, by lane; and of which tasks, null for all.
    sa.Column("lanes", sa.JSON, nullable=False),
    sa.Column("tasks", sa.JSON(none_as_null=True)),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("seen_at", Instant, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("wish", sa.String(16), nullable=False),
    sa.Index("workers_by_last_sign", "seen_at"),
)

# What one transaction at a time may do: see `turns`. The rows are made once and only ever locked.
turns = sa.Table("turns", metadata, sa.Column("number", sa.Integer, primary_key=True, autoincrement=False))
