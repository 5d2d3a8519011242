"""The first tables: recipients and their consents, seats and days, messages."""

import sqlalchemy as sa
from alembic import op

from chassis.database import Instant
from chassis.migrations import create_chassis, drop_chassis, protect

revision = "notifications_0001"
down_revision = None

TABLES = ("recipients", "consents", "cohorts", "seats", "occurrences", "messages")


def upgrade() -> None:
    create_chassis(op, "notifications")
    _create_recipients()
    _create_seats()
    _create_messages()
    protect(op, "notifications", *TABLES)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    drop_chassis(op)


def _create_recipients() -> None:
    op.create_table(
        "recipients",
        sa.Column("person_id", sa.Uuid, primary_key=True),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
        sa.Column("zone", sa.String(64)),
        sa.Column("details_version", sa.Integer, nullable=False),
        sa.Column("email", sa.Boolean, nullable=False),
        sa.Column("quiet_from", sa.Time, nullable=False),
        sa.Column("quiet_to", sa.Time, nullable=False),
        sa.Column("preferred_by", sa.String(96)),
        sa.Column("preferred_at", Instant),
    )
    op.create_table(
        "consents",
        sa.Column("episode_id", sa.Uuid, primary_key=True),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
        _recipient("person_id", index=True),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("email", sa.Boolean, nullable=False),
        sa.Column("given_at", Instant, nullable=False),
        sa.Column("ended_at", Instant),
    )


def _create_seats() -> None:
    op.create_table(
        "cohorts",
        sa.Column("cohort_id", sa.Uuid, primary_key=True),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
    )
    op.create_table(
        "seats",
        sa.Column("seat_id", sa.Uuid, primary_key=True),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
        sa.Column("cohort_id", sa.Uuid, sa.ForeignKey("cohorts.cohort_id"), nullable=False),
        _recipient("person_id"),
        sa.Column("first_starts_at", Instant, nullable=False),
        sa.Column("released_at", Instant),
    )
    op.create_index("ix_seats_cohort_id_person_id", "seats", ["cohort_id", "person_id"])
    op.create_table(
        "occurrences",
        sa.Column("occurrence_id", sa.Uuid, primary_key=True),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
        sa.Column("cohort_id", sa.Uuid, sa.ForeignKey("cohorts.cohort_id"), nullable=False),
        sa.Column("starts_at", Instant, nullable=False),
        sa.Column("cancelled_at", Instant),
    )
    op.create_index("ix_occurrences_cohort_id_starts_at", "occurrences", ["cohort_id", "starts_at"])


def _create_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("message_id", sa.Uuid, primary_key=True),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
        _recipient("recipient_id", index=True),
        sa.Column("template", sa.String(32), nullable=False),
        sa.Column("about_id", sa.Uuid, nullable=False, index=True),
        sa.Column("about_at", Instant, nullable=False),
        sa.Column("lead_minutes", sa.Integer, nullable=False),
        sa.Column("not_before", Instant, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(40)),
        sa.Column("withdrawn", sa.String(40)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("lease_until", Instant),
        sa.Column("may_repeat", sa.Boolean, nullable=False),
        sa.Column("consent_version", sa.String(64)),
        sa.Column("planned_at", Instant, nullable=False),
        sa.Column("planned_by", sa.Uuid, nullable=False),
        sa.Column("correlation_id", sa.Uuid, nullable=False),
        sa.Column("sent_at", Instant),
        sa.UniqueConstraint(
            "clinic_id", "recipient_id", "template", "about_id", "lead_minutes",
            name=op.f("uq_messages_once"),
        ),
        _check("message_state", "state IN ('queued', 'sending', 'skipped', 'sent', 'failed')"),
        _check("lease", "(state = 'sending') = (lease_until IS NOT NULL)"),
        _check("sent_at", "(state = 'sent') = (sent_at IS NOT NULL)"),
    )  # fmt: skip
    op.create_index("ix_messages_state_not_before", "messages", ["state", "not_before"])


def _recipient(name: str, *, index: bool = False) -> sa.Column:
    known = sa.ForeignKey("recipients.person_id")
    return sa.Column(name, sa.Uuid, known, nullable=False, index=index)


def _check(name: str, holds: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(holds, name=op.f(f"ck_messages_{name}"))
