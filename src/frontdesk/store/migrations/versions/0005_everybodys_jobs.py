"""Everybody's jobs by state and by task, for administrators' lists."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Two indexes."""
    op.create_index("jobs_by_state", "jobs", ["state", "id"])
    op.create_index("jobs_by_task", "jobs", ["task", "id"])
