"""What a packet needs: where participants said to be today, sealed, and numbers of call centres."""

import sqlalchemy as sa
from alembic import op

from chassis.database import Instant
from chassis.migrations import protect

revision = "crisis_0009"
down_revision = "crisis_0008"


def upgrade() -> None:
    op.create_table(
        "whereabouts",
        sa.Column("participant_id", sa.Uuid, primary_key=True),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
        sa.Column("wanted_version", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
    )
    op.create_table(
        "call_centres",
        sa.Column("clinic_id", sa.Uuid, primary_key=True),
        sa.Column("state", sa.String(2), primary_key=True),
        sa.Column("number", sa.String(24), nullable=False),
        sa.Column("entered_at", Instant, nullable=False),
        sa.Column("entered_by", sa.String(96), nullable=False),
    )
    protect(op, "crisis", "whereabouts", requests_may="SELECT")
    protect(op, "crisis", "call_centres", requests_may="SELECT, INSERT, UPDATE")


def downgrade() -> None:
    op.drop_table("call_centres")
    op.drop_table("whereabouts")
