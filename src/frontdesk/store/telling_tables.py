"""The tables of who is told what: notices in the page, wishes, webhooks, and what is on its way."""

from __future__ import annotations

import sqlalchemy as sa

from frontdesk.store.tables import Instant, metadata

_Id = sa.String(36)
_Name = sa.String(200)

notices = sa.Table(
    "notices",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("owner", _Name, nullable=False),
    sa.Column("job", _Id),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("at", Instant, nullable=False),
    sa.Column("is_read", sa.Boolean, nullable=False),
    sa.Index("notices_of_an_owner", "owner", "id"),
    sa.Index("notices_to_read", "owner", "is_read", "id"),
    sa.Index("notices_of_a_job", "job"),
    sa.Index("notices_by_age", "at"),
)

# A row for whoever has chosen; the others have what `desk.telling.Wishes` begins with.
wishes = sa.Table(
    "wishes",
    metadata,
    sa.Column("owner", _Name, primary_key=True),
    sa.Column("data", sa.JSON, nullable=False),
)

webhooks = sa.Table(
    "webhooks",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("owner", _Name, nullable=False),
    sa.Column("name", _Name, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    # Signing takes the secret itself, so unlike a password it is kept as it is.
    sa.Column("secret", sa.String(100), nullable=False),
    sa.Column("kinds", sa.JSON, nullable=False),
    sa.Column("outcomes", sa.JSON, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("failing_since", Instant),
    sa.Index("webhooks_of_an_owner", "owner", "id"),
)

# What leaves the server. `next_at` is when it is tried again; null once it has arrived or is given up.
deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("owner", _Name, nullable=False),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("webhook", _Id),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", Instant),
    sa.Column("status", sa.Integer),
    sa.Column("error", sa.Text),
    sa.Column("took_ms", sa.Integer),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("tried_at", Instant),
    sa.Index("deliveries_due", "next_at"),
    sa.Index("deliveries_of_a_webhook", "webhook", "id"),
    sa.Index("deliveries_by_age", "created_at"),
)
