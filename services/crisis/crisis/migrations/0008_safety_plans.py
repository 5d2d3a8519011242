"""Safety plans, version by version, sealed; and nobody may change one that was written."""

import sqlalchemy as sa
from alembic import op

from chassis.database import Instant
from chassis.migrations import protect

revision = "crisis_0008"
down_revision = "crisis_0007"


def upgrade() -> None:
    op.create_table(
        "safety_plans",
        sa.Column("participant_id", sa.Uuid, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
        sa.Column("written_at", Instant, nullable=False),
        sa.Column("written_by", sa.String(96), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_safety_plans_version")),
    )
    protect(op, "crisis", "safety_plans", requests_may="SELECT, INSERT")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("REVOKE UPDATE, DELETE ON safety_plans FROM crisis_work")


def downgrade() -> None:
    op.drop_table("safety_plans")
