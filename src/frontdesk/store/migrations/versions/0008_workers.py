"""Who works, and a line for each task."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_INSTANT = sa.BigInteger
_WAITS = sa.text("state = 'queued'")


def upgrade() -> None:
    """One table, one index."""
    op.create_table(
        "workers",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("machine", sa.String(200), nullable=False),
        sa.Column("frontdesk_version", sa.String(64), nullable=False),
        sa.Column("lanes", sa.JSON, nullable=False),
        sa.Column("tasks", sa.JSON),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.Column("seen_at", _INSTANT, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("wish", sa.String(16), nullable=False),
    )
    op.create_index("workers_by_last_sign", "workers", ["seen_at"])
    op.create_index(
        "jobs_of_a_task_in_line", "jobs", ["kind", "state", "task", "turn", "id"],
        sqlite_where=_WAITS, postgresql_where=_WAITS,
    )  # fmt: skip
