"""The tables of who may do what. No secret is in them: of each there is only a digest."""

from __future__ import annotations

import sqlalchemy as sa

from frontdesk.store.tables import Instant, metadata

_Id = sa.String(36)
_Name = sa.String(200)
_Digest = sa.String(64)

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("email", sa.String(254), nullable=False, unique=True),
    sa.Column("name", _Name, nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("password", sa.String(200)),
    sa.Column("subject", sa.String(500), unique=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("jobs_waiting_limit", sa.BigInteger),
    sa.Column("stored_bytes_limit", sa.BigInteger),
    sa.Column("requests_limit", sa.BigInteger),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("secret", _Digest, nullable=False, unique=True),
    sa.Column("user", _Id, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("seen_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Index("sessions_of_a_user", "user"),
    sa.Index("sessions_by_end", "expires_at"),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("secret", _Digest, nullable=False, unique=True),
    sa.Column("user", _Id, nullable=False),
    sa.Column("name", _Name, nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("tasks", sa.JSON),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant),
    sa.Column("used_at", Instant),
    sa.Index("tokens_of_a_user", "user", "id"),
)

invitations = sa.Table(
    "invitations",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("secret", _Digest, nullable=False, unique=True),
    sa.Column("user", _Id),  # none: for the first administrator, who says their address themselves
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Index("invitations_of_a_user", "user"),
)

rules = sa.Table(
    "rules",
    metadata,
    sa.Column("task", _Name, primary_key=True),
    sa.Column("action", sa.String(16), primary_key=True),
    sa.Column("least", sa.String(16), nullable=False),
)

sign_in_attempts = sa.Table(
    "sign_in_attempts",
    metadata,
    sa.Column("key", _Digest, primary_key=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("began_at", Instant, nullable=False),
    sa.Index("sign_in_attempts_by_age", "began_at"),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("actor", _Name, nullable=False),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("subject", sa.String(500), nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
)
