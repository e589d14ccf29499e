"""Trainings: what they told, and what each version was made of."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_ID = sa.String(36)


def upgrade() -> None:
    """Versions of before were made at a first start, by no job."""
    op.add_column("versions", sa.Column("job", _ID))
    op.add_column("versions", sa.Column("once", sa.String(64)))
    op.add_column("versions", sa.Column("origin", sa.JSON))
    op.add_column("versions", sa.Column("removed", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("versions_of_a_job", "versions", ["job"])
    op.create_index("one_version_for_each_training", "versions", ["once"], unique=True)
    op.create_table(
        "run_records",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("job", _ID, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_index("records_of_a_run", "run_records", ["job", "kind", "id"])
