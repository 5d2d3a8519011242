"""Links by which participants call for help without signing in; of their tokens only digests."""

import sqlalchemy as sa
from alembic import op

from chassis.database import Instant
from chassis.migrations import protect

revision = "crisis_0010"
down_revision = "crisis_0009"


def upgrade() -> None:
    op.create_table(
        "help_links",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
        sa.Column("participant_id", sa.Uuid, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("issued_at", Instant, nullable=False),
        sa.Column("issued_by", sa.String(96), nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("used_at", Instant),
        sa.Column("case_id", sa.Uuid, sa.ForeignKey("cases.id")),
        sa.UniqueConstraint("digest", name=op.f("uq_help_links_digest")),
    )
    protect(op, "crisis", "help_links", requests_may="SELECT, INSERT")


def downgrade() -> None:
    op.drop_table("help_links")
