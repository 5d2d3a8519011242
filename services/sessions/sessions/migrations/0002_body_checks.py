"""What participants say of their body."""

import sqlalchemy as sa
from alembic import op

from chassis.database import Instant
from chassis.migrations import protect

revision = "sessions_0002"
down_revision = "sessions_0001"


def upgrade() -> None:
    op.create_table(
        "body_checks",
        sa.Column("body_check_id", sa.Uuid, primary_key=True),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
        sa.Column(
            "attendance_id", sa.Uuid, sa.ForeignKey("attendances.attendance_id"), nullable=False,
            index=True,
        ),
        sa.Column("more_than_prescribed", sa.Boolean, nullable=False),
        sa.Column("short_nights", sa.Integer),
        sa.Column("submitted_at", Instant, nullable=False),
        sa.Column("submitted_by", sa.String(96), nullable=False),
        sa.CheckConstraint(
            "short_nights BETWEEN 0 AND 7", name=op.f("ck_body_checks_short_nights")
        ),
    )  # fmt: skip
    protect(op, "sessions", "body_checks", requests_may="SELECT, INSERT")


def downgrade() -> None:
    op.drop_table("body_checks")
