"""Notices, wishes, webhooks and deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_ID = sa.String(36)
_NAME = sa.String(200)
_INSTANT = sa.BigInteger


def upgrade() -> None:
    """Four tables."""
    _make_notices()
    _make_webhooks()
    _make_deliveries()


def _make_notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("owner", _NAME, nullable=False),
        sa.Column("job", _ID),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("is_read", sa.Boolean, nullable=False),
    )
    op.create_index("notices_of_an_owner", "notices", ["owner", "id"])
    op.create_index("notices_to_read", "notices", ["owner", "is_read", "id"])
    op.create_index("notices_of_a_job", "notices", ["job"])
    op.create_index("notices_by_age", "notices", ["at"])
    op.create_table(
        "wishes",
        sa.Column("owner", _NAME, primary_key=True),
        sa.Column("data", sa.JSON, nullable=False),
    )


def _make_webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("owner", _NAME, nullable=False),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("secret", sa.String(100), nullable=False),
        sa.Column("kinds", sa.JSON, nullable=False),
        sa.Column("outcomes", sa.JSON, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("failing_since", _INSTANT),
    )
    op.create_index("webhooks_of_an_owner", "webhooks", ["owner", "id"])


def _make_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("owner", _NAME, nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("webhook", _ID),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", _INSTANT),
        sa.Column("status", sa.Integer),
        sa.Column("error", sa.Text),
        sa.Column("took_ms", sa.Integer),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("tried_at", _INSTANT),
    )
    op.create_index("deliveries_due", "deliveries", ["next_at"])
    op.create_index("deliveries_of_a_webhook", "deliveries", ["webhook", "id"])
    op.create_index("deliveries_by_age", "deliveries", ["created_at"])
