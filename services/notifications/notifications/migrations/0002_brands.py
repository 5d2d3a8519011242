"""The language of a recipient, and as whose a clinic's messages appear."""

import sqlalchemy as sa
from alembic import op

from chassis.database import Instant
from chassis.migrations import protect

revision = "notifications_0002"
down_revision = "notifications_0001"


def upgrade() -> None:
    op.add_column(
        "recipients", sa.Column("language", sa.String(64), nullable=False, server_default="en")
    )
    op.create_table(
        "brands",
        sa.Column("brand_id", sa.Uuid, primary_key=True),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
        sa.Column("sender_name", sa.String(60)),
        sa.Column("calendar_title", sa.String(60)),
        sa.Column("said_by", sa.String(96), nullable=False),
        sa.Column("said_at", Instant, nullable=False),
    )
    protect(op, "notifications", "brands", requests_may="SELECT, INSERT")


def downgrade() -> None:
    op.drop_table("brands")
    op.drop_column("recipients", "language")
