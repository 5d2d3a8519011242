"""Texts: attempts by channel with their receipts, whose number is whose, what was written back."""

import sqlalchemy as sa
from alembic import op

from chassis.database import Instant
from chassis.migrations import protect

revision = "notifications_0006"
down_revision = "notifications_0005"

TABLES = ("attempts", "numbers", "replies")


def upgrade() -> None:
    op.add_column(
        "recipients", sa.Column("number_version", sa.Integer, nullable=False, server_default="0")
    )
    _create_attempts()
    op.create_table(
        "numbers",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("person_id", sa.Uuid, sa.ForeignKey("recipients.person_id"), primary_key=True),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
    )
    op.create_table(
        "replies",
        sa.Column("reply_id", sa.Uuid, primary_key=True),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
        _recipient(index=True),
        sa.Column("reference", sa.String(64), nullable=False),
        sa.Column("heard_at", Instant, nullable=False),
        sa.Column("kinds", sa.JSON, nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("answers", sa.JSON, nullable=False),
        sa.UniqueConstraint("person_id", "reference", name=op.f("uq_replies_person_id_reference")),
    )
    protect(op, "notifications", *TABLES)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_column("recipients", "number_version")


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("attempt_id", sa.Uuid, primary_key=True),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
        sa.Column(
            "message_id", sa.Uuid, sa.ForeignKey("messages.message_id"), nullable=False, index=True
        ),
        _recipient(),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("channel", sa.String(8), nullable=False),
        sa.Column(
            "consent_n", sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            sa.ForeignKey("consent_ledger.n"), nullable=False,
        ),
        sa.Column("begun_at", Instant, nullable=False),
        sa.Column("result", sa.String(8)),
        sa.Column("outcome", sa.String(40)),
        sa.Column("carrier", sa.String(128)),
        sa.Column("reference", sa.String(64)),
        sa.Column("receipt", sa.String(16)),
        sa.Column("receipt_code", sa.String(40)),
        sa.Column("receipt_at", Instant),
        sa.Column("is_final", sa.Boolean, nullable=False),
    )  # fmt: skip
    op.create_index("ix_attempts_person_id_begun_at", "attempts", ["person_id", "begun_at"])


def _recipient(*, index: bool = False) -> sa.Column:
    known = sa.ForeignKey("recipients.person_id")
    return sa.Column("person_id", sa.Uuid, known, nullable=False, index=index)
