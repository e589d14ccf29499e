"""Watching models: predictions, counts, feedback, and what versions learned from."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_INSTANT = sa.BigInteger


def _of_a_version(*columns: sa.Column[Any]) -> list[sa.Column[Any]]:
    return [
        *columns,
        sa.Column("task", sa.String(200), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    ]


def upgrade() -> None:
    """Five tables."""
    op.create_table(
        "predictions",
        *_of_a_version(
            sa.Column("id", sa.String(36), primary_key=True),
            sa.Column("owner", sa.String(200), nullable=False),
        ),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("took_s", sa.Float, nullable=False),
        sa.Column("inputs", sa.LargeBinary, nullable=False),
        sa.Column("outputs", sa.LargeBinary, nullable=False),
    )
    op.create_index("predictions_of_a_task", "predictions", ["task", "id"])
    op.create_index("predictions_by_age", "predictions", ["at"])
    op.create_table(
        "monitor_periods",
        *_of_a_version(sa.Column("id", sa.String(36), primary_key=True)),
        sa.Column("step_s", sa.Integer, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_index("periods_of_a_task", "monitor_periods", ["task", "step_s", "at"])
    op.create_index("periods_by_age", "monitor_periods", ["step_s", "at"])
    op.create_table(
        "feedback",
        *_of_a_version(
            sa.Column("prediction", sa.String(36), primary_key=True),
            sa.Column("owner", sa.String(200), nullable=False),
        ),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("given_at", _INSTANT, nullable=False),
        sa.Column("is_right", sa.Boolean, nullable=False),
        sa.Column("off_by", sa.Float),
        sa.Column("truth", sa.LargeBinary),
    )
    op.create_index("feedback_on_a_task", "feedback", ["task", "at"])
    op.create_index("feedback_by_age", "feedback", ["at"])
    op.create_table(
        "profiles",
        *_of_a_version(sa.Column("id", sa.String(36), primary_key=True)),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("task", "model", "version", name="one_profile_for_each_version"),
    )
    op.create_table(
        "receipt_keys",
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("secret", sa.String(64), nullable=False),
    )
