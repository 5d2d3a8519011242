"""A rota and a policy in the making."""

import sqlalchemy as sa
from alembic import op

from chassis.database import Instant
from chassis.migrations import protect

revision = "crisis_0004"
down_revision = "crisis_0003"


def upgrade() -> None:
    op.create_table(
        "rota_drafts",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
        sa.Column("layers", sa.JSON, nullable=False),
        sa.Column("times", sa.JSON, nullable=False),
        sa.Column("changed_at", Instant, nullable=False),
        sa.Column("changed_by", sa.String(96), nullable=False),
        sa.UniqueConstraint("clinic_id", name=op.f("uq_rota_drafts_clinic_id")),
    )
    protect(op, "crisis", "rota_drafts")


def downgrade() -> None:
    op.drop_table("rota_drafts")
