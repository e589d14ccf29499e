"""Points of trainings know their place, so that they can be summarised and none is written down twice."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Points of before stay where they are, an attempt for each token."""
    op.add_column("run_records", sa.Column("token", sa.Integer, nullable=False, server_default="0"))
    op.add_column("run_records", sa.Column("position", sa.BigInteger, nullable=False, server_default="0"))
    op.execute("update run_records set token = attempt")
    op.drop_index("records_of_a_run", "run_records")
    op.create_index("records_of_a_run", "run_records", ["job", "kind", "token", "position", "id"])
