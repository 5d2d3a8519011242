"""Who said that they cannot come to a day."""

import sqlalchemy as sa
from alembic import op

from chassis.database import Instant
from chassis.migrations import protect

revision = "notifications_0005"
down_revision = "notifications_0004"


def upgrade() -> None:
    op.create_table(
        "absences",
        _one("occurrences.occurrence_id", "occurrence_id"),
        _one("recipients.person_id", "person_id"),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
        sa.Column("said_at", Instant, nullable=False),
        sa.Column("said_by", sa.String(16), nullable=False),
    )
    protect(op, "notifications", "absences")


def downgrade() -> None:
    op.drop_table("absences")


def _one(of: str, name: str) -> sa.Column:
    return sa.Column(name, sa.Uuid, sa.ForeignKey(of), primary_key=True)
