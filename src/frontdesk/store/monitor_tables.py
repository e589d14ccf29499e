"""The tables of watching models: what was asked, how it went a minute at a time, what the answers should have been."""

from __future__ import annotations

import sqlalchemy as sa

from frontdesk.store.tables import Instant, metadata

_Id = sa.String(36)
_Name = sa.String(200)

# Questions with their answers, as far as they are kept: a sample where there are many.
predictions = sa.Table(
    "predictions",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("owner", _Name, nullable=False),
    sa.Column("task", _Name, nullable=False),
    sa.Column("model", _Name, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("took_s", sa.Float, nullable=False),
    sa.Column("inputs", sa.LargeBinary, nullable=False),
    sa.Column("outputs", sa.LargeBinary, nullable=False),
    sa.Index("predictions_of_a_task", "task", "id"),
    sa.Index("predictions_by_age", "at"),
)

# Counts of one process over a minute, or of all of them over an hour or a day. Nobody else writes to a row, so none
# has to be looked for before it is written; whoever reads adds them up.
periods = sa.Table(
    "monitor_periods",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("task", _Name, nullable=False),
    sa.Column("model", _Name, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("step_s", sa.Integer, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Index("periods_of_a_task", "task", "step_s", "at"),
    sa.Index("periods_by_age", "step_s", "at"),
)

# What somebody said of an answer. It outlives the row of the prediction, which may never have been kept.
feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("prediction", _Id, primary_key=True),
    sa.Column("owner", _Name, nullable=False),
    sa.Column("task", _Name, nullable=False),
    sa.Column("model", _Name, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("given_at", Instant, nullable=False),
    sa.Column("is_right", sa.Boolean, nullable=False),
    sa.Column("off_by", sa.Float),
    sa.Column("truth", sa.LargeBinary),
    sa.Index("feedback_on_a_task", "task", "at"),
    sa.Index("feedback_by_age", "at"),
)

# What a version learned from, input by input: what later questions are compared with.
profiles = sa.Table(
    "profiles",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("task", _Name, nullable=False),
    sa.Column("model", _Name, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("task", "model", "version", name="one_profile_for_each_version"),
)

# What the ids of predictions are signed with; see `monitor.receipts`.
receipt_keys = sa.Table(
    "receipt_keys",
    metadata,
    sa.Column("name", sa.String(16), primary_key=True),
    sa.Column("secret", sa.String(64), nullable=False),
)
