"""Jobs with their events and files, and the versions of models.

A revision describes the tables as they were then, so it takes nothing from `tables.py`, which moves on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.String(36)
_NAME = sa.String(200)


def upgrade() -> None:
    """Make the first tables."""
    _make_jobs()
    _make_events()
    _make_files()
    _make_versions()


def _make_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("owner", _NAME, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("task", _NAME, nullable=False),
        sa.Column("model", _NAME, nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("outputs", sa.LargeBinary),
        sa.Column("error", sa.Text),
        sa.Column("progress_done", sa.BigInteger, nullable=False),
        sa.Column("progress_total", sa.BigInteger, nullable=False),
        sa.Column("progress_message", sa.Text, nullable=False),
        sa.Column("metrics", sa.JSON, nullable=False),
        sa.Column("archived", sa.Boolean, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("input_file", _ID),
        sa.Column("result_file", _ID),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("idempotency_key", sa.String(255)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("attempts_forgiven", sa.Integer, nullable=False),
        sa.Column("turn", sa.BigInteger, nullable=False),
        sa.Column("worker", _NAME),
        sa.Column("lease_token", sa.Integer, nullable=False),
        sa.Column("lease_expires_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("finished_at", sa.BigInteger),
        sa.UniqueConstraint("owner", "idempotency_key", name="one_job_for_each_key"),
    )
    for name, columns in {
        "jobs_in_line": ["kind", "state", "turn", "id"],
        "jobs_of_an_owner_in_line": ["kind", "owner", "state", "turn"],
        "jobs_of_an_owner": ["owner", "id"],
        "jobs_of_an_owner_by_state": ["owner", "state", "id"],
        "jobs_of_an_owner_by_task": ["owner", "task", "id"],
        "jobs_alike": ["owner", "fingerprint", "state"],
        "jobs_finished": ["kind", "state", "finished_at"],
        "jobs_by_end": ["finished_at"],
    }.items():
        op.create_index(name, "jobs", columns)


def _make_events() -> None:
    op.create_table(
        "events",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("job", _ID, nullable=False),
        sa.Column("owner", _NAME, nullable=False),
        sa.Column("event", sa.String(16), nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("events_of_a_job", "events", ["job", "id"])
    op.create_index("events_of_an_owner", "events", ["owner", "id"])


def _make_files() -> None:
    op.create_table(
        "files",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("owner", _NAME, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("media_type", _NAME, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_index("files_by_age", "files", ["created_at"])
    op.create_table(
        "job_files",
        sa.Column("job", _ID, primary_key=True),
        sa.Column("file", _ID, primary_key=True),
    )
    op.create_index("jobs_of_a_file", "job_files", ["file"])


def _make_versions() -> None:
    op.create_table(
        "versions",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("task", _NAME, nullable=False),
        sa.Column("model", _NAME, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("metrics", sa.JSON, nullable=False),
        sa.Column("parameters", sa.JSON, nullable=False),
        sa.Column("is_live", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("task", "model", "number", name="one_version_for_each_number"),
    )
