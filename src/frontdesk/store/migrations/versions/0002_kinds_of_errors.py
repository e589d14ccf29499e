"""What kind of error a job failed with, so that who asks again by the same key gets the same answer."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Jobs that failed before have no kind."""
    op.add_column("jobs", sa.Column("error_kind", sa.String(32)))
