"""What runs by the clock."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_INSTANT = sa.BigInteger


def upgrade() -> None:
    """One table."""
    op.create_table(
        "schedules",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("work", sa.JSON, nullable=False),
        sa.Column("cron", sa.String(100), nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("next_at", _INSTANT),
        sa.Column("taken_until", _INSTANT),
        sa.Column("last_at", _INSTANT),
        sa.Column("last_jobs", sa.JSON),
        sa.Column("last_error", sa.Text),
        sa.Column("folder", sa.String(64)),
    )
    op.create_index("schedules_of_an_owner", "schedules", ["owner", "id"])
    op.create_index("schedules_due", "schedules", ["active", "next_at"])
    op.create_index("one_schedule_for_each_folder", "schedules", ["folder"], unique=True)
