"""How fast the ladders of a clinic climb is the clinic's own policy."""

import sqlalchemy as sa
from alembic import op

from chassis.database import Instant
from chassis.migrations import protect

revision = "crisis_0003"
down_revision = "crisis_0002"


def upgrade() -> None:
    op.create_table(
        "policies",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
        sa.Column("edition", sa.Integer, nullable=False),
        sa.Column("published_at", Instant, nullable=False),
        sa.Column("published_by", sa.String(96), nullable=False),
        sa.Column("times", sa.JSON, nullable=False),
        sa.UniqueConstraint("clinic_id", "edition", name=op.f("uq_policies_clinic_id_edition")),
        sa.CheckConstraint("edition >= 1", name=op.f("ck_policies_edition")),
    )
    protect(op, "crisis", "policies", requests_may="SELECT, INSERT")


def downgrade() -> None:
    op.drop_table("policies")
