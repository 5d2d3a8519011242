"""The first tables: what others told, sessions, attendance, check-ins and homework."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from chassis.database import NAMING, Instant
from chassis.migrations import create_chassis, drop_chassis, protect

revision = "sessions_0001"
down_revision = None

METADATA = sa.MetaData(naming_convention=NAMING)


def upgrade() -> None:
    create_chassis(op, "sessions")
    METADATA.create_all(op.get_bind())
    protect(op, "sessions", *METADATA.tables)


def downgrade() -> None:
    METADATA.drop_all(op.get_bind())
    drop_chassis(op)


def _column(name: str, kind: Any = sa.Uuid, *more: Any, **options: Any) -> sa.Column:
    return sa.Column(name, kind, *more, **{"nullable": False, **options})


def _table(name: str, *parts: Any) -> None:
    """A table of the clinic's rows."""
    sa.Table(name, METADATA, *parts, _column("clinic_id", index=True))


_table("cohorts", _column("cohort_id", primary_key=True))
_table(
    "occurrences",
    _column("occurrence_id", primary_key=True),
    _column("cohort_id"),
    _column("facilitator_id"),
    _column("day_on", sa.Date, index=True),
    _column("zone", sa.String(64)),
    _column("starts_at", Instant),
    _column("ends_at", Instant),
    _column("plan", sa.JSON),
    _column("cancelled_at", Instant, nullable=True),
    sa.Index(None, "cohort_id", "starts_at"),
)
_table(
    "seats",
    _column("seat_id", primary_key=True),
    _column("cohort_id"),
    _column("participant_id", index=True),
    _column("first_starts_at", Instant),
    _column("released_at", Instant, nullable=True),
    sa.Index(None, "cohort_id", "participant_id"),
)
_table(
    "participants",
    _column("participant_id", primary_key=True),
    _column("episode_id"),
    _column("zone", sa.String(64)),
    _column("admitted_at", Instant),
)
_table(
    "clinicians",
    _column("clinician_id", primary_key=True),
    _column("states", sa.JSON),
)
_table(
    "open_cases",
    _column("case_id", primary_key=True),
    _column("participant_id", index=True),
    _column("tier", sa.String(2)),
)
_table(
    "whereabouts",
    _column("participant_id", primary_key=True),
    _column("version", sa.Integer),
    _column("confirmed_at", Instant),
    _column("confirmed_by", sa.String(96)),
)
_table(
    "sessions",
    _column("session_id", primary_key=True),
    _column("occurrence_id", sa.Uuid, sa.ForeignKey("occurrences.occurrence_id"), unique=True),
    _column("cohort_id", index=True),
    _column("facilitator_id"),
    _column("state", sa.String(16)),
    _column("position", sa.Integer),
    _column("opened_at", Instant),
    _column("opened_by"),
    _column("closed_at", Instant, nullable=True),
    _column("closed_by", nullable=True),
    _column("timer_generation", sa.Integer),
    sa.CheckConstraint("state IN ('open', 'running', 'closed')", name="session_state"),
)
_table(
    "segment_starts",
    _column("session_id", sa.Uuid, sa.ForeignKey("sessions.session_id"), primary_key=True),
    _column("position", sa.Integer, primary_key=True),
    _column("started_at", Instant),
    _column("started_by"),
)
_table(
    "attendances",
    _column("attendance_id", primary_key=True),
    _column("session_id", sa.Uuid, sa.ForeignKey("sessions.session_id")),
    _column("participant_id", index=True),
    _column("state", sa.String(16)),
    _column("arrived_at", Instant, nullable=True),
    _column("private", sa.Boolean, nullable=True),
    _column("minutes", sa.Integer, nullable=True),
    _column("credited_at", Instant, nullable=True),
    _column("credited_by", nullable=True),
    sa.UniqueConstraint("session_id", "participant_id"),
    sa.CheckConstraint("minutes >= 0", name="minutes"),
    sa.CheckConstraint(
        "state IN ('expected', 'needs_clinician', 'present', 'left', 'no_show', 'released', "
        "'credited')",
        name="attendance_state",
    ),
)
_table(
    "movements",
    _column("movement_id", primary_key=True),
    _column("attendance_id", sa.Uuid, sa.ForeignKey("attendances.attendance_id"), index=True),
    _column("kind", sa.String(8)),
    _column("at", Instant),
    _column("by", sa.String(96)),
    sa.CheckConstraint("kind IN ('log_in', 'leave')", name="kind"),
)
_table(
    "runs",
    _column("run_id", primary_key=True),
    _column("attendance_id", sa.Uuid, sa.ForeignKey("attendances.attendance_id"), index=True),
    _column("first_at", Instant),
    _column("last_at", Instant),
    _column("broken", sa.Boolean),
    sa.CheckConstraint("first_at <= last_at", name="order"),
)
_table(
    "checkins",
    _column("checkin_id", primary_key=True),
    _column("attendance_id", sa.Uuid, sa.ForeignKey("attendances.attendance_id"), index=True),
    _column("mood", sa.Integer, nullable=True),
    _column("urge", sa.Integer, nullable=True),
    _column("sleep_hours", sa.Integer, nullable=True),
    _column("substance", sa.Boolean, nullable=True),
    _column("safe", sa.Boolean),
    _column("submitted_at", Instant),
    _column("submitted_by", sa.String(96)),
    sa.CheckConstraint("mood BETWEEN 0 AND 10", name="mood"),
    sa.CheckConstraint("urge BETWEEN 0 AND 10", name="urge"),
    sa.CheckConstraint("sleep_hours BETWEEN 0 AND 24", name="sleep_hours"),
)
_table(
    "homework",
    _column("homework_id", primary_key=True),
    _column("session_id", sa.Uuid, sa.ForeignKey("sessions.session_id")),
    _column("participant_id", index=True),
    _column("template", sa.String(64)),
    _column("state", sa.String(16)),
    _column("due_at", Instant),
    _column("assigned_at", Instant),
    _column("assigned_by"),
    _column("submitted_at", Instant, nullable=True),
    _column("submitted_by", sa.String(96), nullable=True),
    _column("timer_generation", sa.Integer),
    sa.UniqueConstraint("session_id", "participant_id", "template"),
    sa.CheckConstraint("state IN ('assigned', 'overdue', 'submitted')", name="homework_state"),
)
