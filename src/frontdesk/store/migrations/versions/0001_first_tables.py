"""Jobs with their events and files, and the versions of models."""

from alembic import op

from frontdesk.store.tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """The first tables are the ones `tables.py` has; later revisions change them step by step."""
    metadata.create_all(op.get_bind())
