"""A line of its own for what waits, on PostgreSQL.

It chooses an index by how many rows it believes there are, and learns how many wait only now and then. After
a quiet hour it believes that none do, takes whichever index looks shortest, and sorts the whole line for each claim.
An index of nothing but what waits, in order, looks shortest and is right.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """One index."""
    if op.get_bind().dialect.name == "postgresql":
        waits = sa.text("state = 'queued'")
        op.create_index("jobs_waiting", "jobs", ["kind", "turn", "id"], postgresql_where=waits)
