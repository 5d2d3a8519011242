"""Rooms that opened, and who has come."""

import sqlalchemy as sa
from alembic import op

from chassis.database import Instant
from chassis.migrations import protect

revision = "notifications_0004"
down_revision = "notifications_0003"

TABLES = ("rooms", "arrivals")


def upgrade() -> None:
    op.create_table(
        "rooms",
        sa.Column("session_id", sa.Uuid, primary_key=True),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
        sa.Column("occurrence_id", sa.Uuid, nullable=False),
        sa.Column("opened_at", Instant, nullable=False),
        sa.Column("told_by", sa.Uuid, nullable=False),
        sa.Column("timer_generation", sa.Integer, nullable=False),
    )
    op.create_table(
        "arrivals",
        sa.Column("session_id", sa.Uuid, primary_key=True),
        sa.Column("person_id", sa.Uuid, primary_key=True),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
    )
    protect(op, "notifications", *TABLES)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
