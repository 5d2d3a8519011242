"""Who said beforehand that they cannot come to a day."""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import protect

revision = "sessions_0003"
down_revision = "sessions_0002"


def upgrade() -> None:
    op.create_table(
        "absences",
        sa.Column("occurrence_id", sa.Uuid, primary_key=True),
        sa.Column("participant_id", sa.Uuid, primary_key=True),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
    )
    protect(op, "sessions", "absences")


def downgrade() -> None:
    op.drop_table("absences")
