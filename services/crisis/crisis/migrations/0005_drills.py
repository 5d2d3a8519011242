"""A case may be a drill: it ends by itself, and calls one person alone where it is a test page."""

import sqlalchemy as sa
from alembic import op

from chassis.database import Instant

revision = "crisis_0005"
down_revision = "crisis_0004"


def upgrade() -> None:
    op.add_column("cases", sa.Column("drill_ends_at", Instant))
    op.add_column("cases", sa.Column("drill_for", sa.Uuid))


def downgrade() -> None:
    op.drop_column("cases", "drill_for")
    op.drop_column("cases", "drill_ends_at")
