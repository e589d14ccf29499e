"""Rows to lock, for what one transaction at a time may do."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_TURNS = 256


def upgrade() -> None:
    """One table, filled for good."""
    turns = op.create_table("turns", sa.Column("number", sa.Integer, primary_key=True, autoincrement=False))
    there = {number for (number,) in op.get_bind().execute(sa.text("select number from turns"))}
    rows = [{"number": number} for number in range(_TURNS) if number not in there]
    if rows and turns is not None:
        op.bulk_insert(turns, rows)
