"""Clinicians, programmes, cohorts, seats, dated days, and the guard against double booking."""

import sqlalchemy as sa
from alembic import op

from chassis.database import Instant
from chassis.migrations import create_chassis, drop_chassis, protect

revision = "scheduling_0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "clinicians", "licences", "programmes", "cohorts", "admissions", "seats", "occurrences",
    "bookings",
)  # fmt: skip

_EXCLUDE = """
    ALTER TABLE bookings ADD CONSTRAINT ex_bookings_double_booked
    EXCLUDE USING gist (person_id WITH =, tstzrange(starts_at, ends_at) WITH &&)
"""

_TRIGGER = """
    CREATE TRIGGER bookings_double_booked_{event} BEFORE {event} ON bookings
    WHEN EXISTS (
        SELECT 1 FROM bookings AS other
        WHERE other.person_id = NEW.person_id AND other.id <> NEW.id
          AND other.starts_at < NEW.ends_at AND other.ends_at > NEW.starts_at
    )
    BEGIN SELECT RAISE(ABORT, 'double_booked'); END
"""


def upgrade() -> None:
    create_chassis(op, "scheduling")
    _staff()
    _groups()
    _seats()
    _days()
    _refuse_double_booking()
    protect(op, "scheduling", *TABLES)


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)
    drop_chassis(op)


def _of_clinic(name: str, *columns: sa.schema.SchemaItem, made: bool = True) -> None:
    common = [
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("clinic_id", sa.Uuid, nullable=False),
    ]
    if made:
        common += [
            sa.Column("made_at", Instant, nullable=False),
            sa.Column("made_by", sa.String(96), nullable=False),
        ]
    op.create_table(name, *common, *columns)
    op.create_index(f"ix_{name}_clinic_id", name, ["clinic_id"])


def _link(table: str, column: str, to: str, *, optional: bool = False) -> sa.Column:
    key = sa.ForeignKey(to, name=f"fk_{table}_{column}")
    return sa.Column(column, sa.Uuid, key, nullable=optional)


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=f"uq_{table}_{'_'.join(columns)}")


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _staff() -> None:
    _of_clinic(
        "clinicians",
        sa.Column("roles", sa.JSON, nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("details_version", sa.Integer, nullable=False),
        sa.Column("changed_at", Instant, nullable=False),
        sa.Column("changed_by", sa.String(96), nullable=False),
    )
    _of_clinic(
        "licences",
        _link("licences", "clinician_id", "clinicians.id"),
        sa.Column("state", sa.String(2), nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("expires_on", sa.Date, nullable=False),
        _unique("licences", "clinician_id", "state", "number"),
        made=False,
    )
    op.create_index("ix_licences_clinician_id", "licences", ["clinician_id"])


def _groups() -> None:
    _of_clinic(
        "programmes",
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("weekdays", sa.JSON, nullable=False),
        sa.Column("starts_local", sa.Time, nullable=False),
        sa.Column("segments", sa.JSON, nullable=False),
        sa.Column("weekly_minutes", sa.Integer, nullable=False),
        _check("programmes", "is_iop", "weekly_minutes >= 540 AND weekly_minutes < 1200"),
    )
    _of_clinic(
        "cohorts",
        _link("cohorts", "programme_id", "programmes.id"),
        _link("cohorts", "facilitator_id", "clinicians.id"),
        sa.Column("capacity", sa.Integer, nullable=False),
        _check("cohorts", "capacity", "capacity BETWEEN 1 AND 12"),
        _unique("cohorts", "id", "capacity"),
    )


def _seats() -> None:
    op.create_table(
        "admissions",
        sa.Column("episode_id", sa.Uuid, primary_key=True),
        sa.Column("clinic_id", sa.Uuid, nullable=False),
        sa.Column("participant_id", sa.Uuid, nullable=False),
        sa.Column("home_state", sa.String(64), nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("admitted_at", Instant, nullable=False),
        sa.Column("discharged_at", Instant),
    )
    for column in ("clinic_id", "participant_id"):
        op.create_index(f"ix_admissions_{column}", "admissions", [column])
    _of_clinic(
        "seats",
        sa.Column("cohort_id", sa.Uuid, nullable=False),
        sa.Column("capacity", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("participant_id", sa.Uuid, nullable=False),
        _link("seats", "episode_id", "admissions.episode_id"),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("released_at", Instant),
        sa.Column("released_by", sa.String(96)),
        sa.Column("reason", sa.String(64)),
        sa.ForeignKeyConstraint(
            ["cohort_id", "capacity"],
            ["cohorts.id", "cohorts.capacity"],
            name="fk_seats_capacity",
            onupdate="CASCADE",
        ),
        _check("seats", "number", "number BETWEEN 1 AND capacity"),
        _check("seats", "seat_state", "state IN ('offered', 'released')"),
    )
    for column in ("participant_id", "episode_id"):
        op.create_index(f"ix_seats_{column}", "seats", [column])
    held = sa.text("state = 'offered'")
    for name, column in (("uq_seats_number", "number"), ("uq_seats_participant", "participant_id")):
        op.create_index(
            name, "seats", ["cohort_id", column],
            unique=True, postgresql_where=held, sqlite_where=held,
        )  # fmt: skip


def _days() -> None:
    _of_clinic(
        "occurrences",
        _link("occurrences", "cohort_id", "cohorts.id"),
        _link("occurrences", "facilitator_id", "clinicians.id"),
        sa.Column("day_on", sa.Date, nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("starts_at", Instant, nullable=False),
        sa.Column("ends_at", Instant, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("cancelled_at", Instant),
        sa.Column("cancelled_by", sa.String(96)),
        sa.Column("reason", sa.String(64)),
        _unique("occurrences", "cohort_id", "day_on"),
        _check("occurrences", "span", "ends_at > starts_at"),
        _check("occurrences", "occurrence_state", "state IN ('scheduled', 'cancelled')"),
    )
    op.create_index("ix_occurrences_starts_at", "occurrences", ["starts_at"])
    _of_clinic(
        "bookings",
        sa.Column("person_id", sa.Uuid, nullable=False),
        _link("bookings", "occurrence_id", "occurrences.id"),
        _link("bookings", "seat_id", "seats.id", optional=True),
        sa.Column("starts_at", Instant, nullable=False),
        sa.Column("ends_at", Instant, nullable=False),
        _unique("bookings", "occurrence_id", "person_id"),
        _check("bookings", "span", "ends_at > starts_at"),
    )
    for column in ("person_id", "seat_id"):
        op.create_index(f"ix_bookings_{column}", "bookings", [column])


def _refuse_double_booking() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
        op.execute(_EXCLUDE)
        return
    for event in ("INSERT", "UPDATE"):
        op.execute(_TRIGGER.format(event=event))
