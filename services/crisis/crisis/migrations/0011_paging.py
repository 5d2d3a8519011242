"""Pages by every channel: their messages, links and receipts; who is reached how; notices."""

import sqlalchemy as sa
from alembic import op

from chassis.database import Instant
from chassis.migrations import protect

revision = "crisis_0011"
down_revision = "crisis_0010"

UNSENT = sa.text("state IN ('queued', 'sending')")
FOUND_BY = ("claimed_at", "key", "link")


def upgrade() -> None:
    for column in (
        sa.Column("claimed_at", Instant),
        sa.Column("key", sa.Uuid),
        sa.Column("link", sa.String(64)),
        sa.Column("reference", sa.String(128)),
        sa.Column("receipt", sa.String(16)),
        sa.Column("receipt_at", Instant),
        sa.Column("ended_at", Instant),
    ):
        op.add_column("pages", column)
    for name in FOUND_BY:
        there = sa.text(f"{name} IS NOT NULL")
        op.create_index(
            f"ix_pages_{name}", "pages", [name], postgresql_where=there, sqlite_where=there
        )
    _create_ways()
    _create_notices()
    protect(op, "crisis", "ways", requests_may="SELECT")
    protect(op, "crisis", "notices", requests_may="SELECT, INSERT, UPDATE")


def downgrade() -> None:
    op.drop_table("notices")
    op.drop_table("ways")
    for name in FOUND_BY:
        op.drop_index(f"ix_pages_{name}", "pages")
    with op.batch_alter_table("pages") as pages:
        for name in (*FOUND_BY, "reference", "receipt", "receipt_at", "ended_at"):
            pages.drop_column(name)


def _create_ways() -> None:
    op.create_table(
        "ways",
        sa.Column("clinician_id", sa.Uuid, primary_key=True),
        _clinic(),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("channels", sa.JSON, nullable=False),
    )


def _create_notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.Uuid, primary_key=True),
        _clinic(),
        sa.Column("case_id", sa.Uuid, sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("page_id", sa.Uuid, sa.ForeignKey("pages.id"), nullable=False),
        sa.Column("clinician_id", sa.Uuid, nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("acknowledged_at", Instant, nullable=False),
        sa.Column("says", sa.String(8), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("may_repeat", sa.Boolean, nullable=False),
        sa.Column("called_at", Instant, nullable=False),
        sa.Column("not_before", Instant, nullable=False),
        sa.Column("sent_at", Instant),
        sa.UniqueConstraint(
            "case_id", "clinician_id", "acknowledged_at",
            name=op.f("uq_notices_case_id_clinician_id_acknowledged_at"),
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'sent', 'cancelled')",
            name=op.f("ck_notices_notice_state"),
        ),
        sa.CheckConstraint("says IN ('taken', 'yours')", name=op.f("ck_notices_says")),
    )  # fmt: skip
    op.create_index(
        "ix_notices_not_before", "notices", ["not_before"],
        postgresql_where=UNSENT, sqlite_where=UNSENT,
    )  # fmt: skip


def _clinic() -> sa.Column:
    return sa.Column("clinic_id", sa.Uuid, nullable=False, index=True)
