"""Users with their sessions, tokens and invitations; rules, sign-in attempts, audit; files found by owner."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_ID = sa.String(36)
_NAME = sa.String(200)
_DIGEST = sa.String(64)
_INSTANT = sa.BigInteger


def upgrade() -> None:
    """What belonged to `local` before still does; an administrator sees it."""
    _make_users()
    _make_credentials()
    _make_rules()
    op.create_index("files_of_an_owner", "files", ["owner", "size_bytes"])


def _make_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("email", sa.String(254), nullable=False, unique=True),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("password", sa.String(200)),
        sa.Column("subject", sa.String(500), unique=True),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("jobs_waiting_limit", sa.BigInteger),
        sa.Column("stored_bytes_limit", sa.BigInteger),
        sa.Column("requests_limit", sa.BigInteger),
    )


def _make_credentials() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("secret", _DIGEST, nullable=False, unique=True),
        sa.Column("user", _ID, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("seen_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
    )
    op.create_index("sessions_of_a_user", "sessions", ["user"])
    op.create_index("sessions_by_end", "sessions", ["expires_at"])
    op.create_table(
        "tokens",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("secret", _DIGEST, nullable=False, unique=True),
        sa.Column("user", _ID, nullable=False),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("tasks", sa.JSON),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT),
        sa.Column("used_at", _INSTANT),
    )
    op.create_index("tokens_of_a_user", "tokens", ["user", "id"])
    op.create_table(
        "invitations",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("secret", _DIGEST, nullable=False, unique=True),
        sa.Column("user", _ID),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
    )
    op.create_index("invitations_of_a_user", "invitations", ["user"])


def _make_rules() -> None:
    op.create_table(
        "rules",
        sa.Column("task", _NAME, primary_key=True),
        sa.Column("action", sa.String(16), primary_key=True),
        sa.Column("least", sa.String(16), nullable=False),
    )
    op.create_table(
        "sign_in_attempts",
        sa.Column("key", _DIGEST, primary_key=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("began_at", _INSTANT, nullable=False),
    )
    op.create_index("sign_in_attempts_by_age", "sign_in_attempts", ["began_at"])
    op.create_table(
        "audit",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("actor", _NAME, nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(500), nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
    )
