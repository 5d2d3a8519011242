"""The language a participant reads."""

import sqlalchemy as sa
from alembic import op

revision = "intake_0002"
down_revision = "intake_0001"


def upgrade() -> None:
    op.add_column(
        "participants", sa.Column("language", sa.String(2), nullable=False, server_default="en")
    )


def downgrade() -> None:
    op.drop_column("participants", "language")
