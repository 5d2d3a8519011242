"""Participants, episodes, consents, screens with their answers, recommendations, risks, cases."""

import sqlalchemy as sa
from alembic import op

from chassis.database import Instant
from chassis.migrations import create_chassis, drop_chassis, protect

revision = "intake_0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "participants", "episodes", "consents", "screens", "screen_answers", "recommendations",
    "risks", "cases", "answered_risks",
)  # fmt: skip
RECORDS = ("consents", "screen_answers", "recommendations", "risks")
"""Rows that no request may change or delete."""


def upgrade() -> None:
    create_chassis(op, "intake")
    _people()
    _episodes()
    _screens()
    _danger()
    protect(op, "intake", *(name for name in TABLES if name not in RECORDS))
    protect(op, "intake", *RECORDS, requests_may="SELECT, INSERT")


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)
    drop_chassis(op)


def _of_clinic(name: str, *columns: sa.schema.SchemaItem, key: str | None = "id") -> None:
    first = [sa.Column(key, sa.Uuid, primary_key=True)] if key else []
    op.create_table(name, *first, sa.Column("clinic_id", sa.Uuid, nullable=False), *columns)
    op.create_index(f"ix_{name}_clinic_id", name, ["clinic_id"])


def _text(name: str, length: int, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.String(length), nullable=nullable)


def _when(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, Instant, nullable=nullable)


def _who(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Uuid, nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Integer, nullable=nullable)


def _codes(name: str) -> sa.Column:
    return sa.Column(name, sa.JSON, nullable=False)


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=f"ck_{table}_{name}")


def _of(table: str, column: str = "episode_id", *, key: bool = False) -> sa.Column:
    return sa.Column(column, sa.Uuid, sa.ForeignKey(f"{table}.id"), nullable=False, primary_key=key)


def _people() -> None:
    _of_clinic(
        "participants",
        _text("home_state", 2),
        _text("zone", 64),
        _number("details_version"),
        _text("details_by", 96),
    )


def _episodes() -> None:
    _of_clinic(
        "episodes",
        _of("participants", "participant_id"),
        _text("kind", 16),
        _text("state", 16),
        sa.Column("hospital_left_on", sa.Date),
        _when("referred_at"),
        _text("referred_by", 96),
        _text("confirmed_level", 32, nullable=True),
        _when("confirmed_at", nullable=True),
        _who("confirmed_by", nullable=True),
        _text("departure_reason", 64, nullable=True),
        _codes("overrides"),
        _codes("override_evidence"),
        _when("high_overridden_at", nullable=True),
        _text("consent_version", 64, nullable=True),
        _when("admitted_at", nullable=True),
        _who("admitted_by", nullable=True),
        _when("ended_at", nullable=True),
        _text("end_reason", 64, nullable=True),
        _who("decided_by", nullable=True),
        _number("attended_minutes"),
        *_episode_checks(),
    )
    op.create_index("ix_episodes_participant_id", "episodes", ["participant_id"])
    living = sa.text("state NOT IN ('discharged', 'referred_out', 'closed')")
    op.create_index(
        "uq_episodes_one_at_a_time", "episodes", ["participant_id"], unique=True,
        postgresql_where=living, sqlite_where=living,
    )  # fmt: skip
    _of_clinic(
        "consents",
        _of("episodes"),
        _text("version", 64),
        _codes("messages"),
        _when("given_at"),
        _text("recorded_by", 96),
    )
    op.create_index("ix_consents_episode_id", "consents", ["episode_id"])


def _episode_checks() -> list[sa.CheckConstraint]:
    states = (
        "'referred', 'screened', 'recommended', 'referred_out', 'closed', 'confirmed', "
        "'consented', 'admitted', 'discharged'"
    )
    conditions = {
        "episode_state": f"state IN ({states})",
        "kind": "kind IN ('self', 'professional', 'step_down')",
        "step_down_dated": "kind <> 'step_down' OR hospital_left_on IS NOT NULL",
        "human_confirms": "confirmed_level IS NULL OR confirmed_by IS NOT NULL",
        "human_decides": "state NOT IN ('referred_out', 'closed') OR decided_by IS NOT NULL",
    }
    return [_check("episodes", name, condition) for name, condition in conditions.items()]


def _screens() -> None:
    _of_clinic(
        "screens",
        _of("episodes"),
        _who("participant_id"),
        _text("instrument", 16),
        _text("state", 16),
        _when("opened_at"),
        _text("opened_by", 96),
        _when("must_end_by"),
        _when("ended_at", nullable=True),
        _number("total", nullable=True),
        _text("band", 32, nullable=True),
        _number("timer_generation"),
        _check("screens", "screen_state", "state IN ('open', 'complete', 'incomplete')"),
    )
    op.create_index("ix_screens_episode_id", "screens", ["episode_id"])
    open_ones = sa.text("state = 'open'")
    op.create_index(
        "uq_screens_one_open", "screens", ["episode_id", "instrument"], unique=True,
        postgresql_where=open_ones, sqlite_where=open_ones,
    )  # fmt: skip
    _of_clinic(
        "screen_answers",
        _of("screens", "screen_id", key=True),
        sa.Column("item", sa.String(32), primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("value", sa.SmallInteger, nullable=False),
        _when("answered_at"),
        _text("answered_by", 96),
        key=None,
    )
    _of_clinic(
        "recommendations",
        _of("episodes"),
        _text("level", 32),
        _codes("facts"),
        _codes("said"),
        _when("made_at"),
        _text("made_by", 96),
    )
    op.create_index("ix_recommendations_episode_id", "recommendations", ["episode_id"])


def _danger() -> None:
    _of_clinic(
        "risks",
        _of("episodes"),
        _who("participant_id"),
        _who("found_by_id"),
        _text("tier", 2),
        _text("trigger", 64),
        _when("detected_at"),
        sa.UniqueConstraint("found_by_id", "tier", name="uq_risks_found_by_id_tier"),
        _check("risks", "tier", "tier IN ('T1', 'T2', 'T3')"),
    )
    op.create_index("ix_risks_episode_id", "risks", ["episode_id"])
    op.create_index("ix_risks_participant_id", "risks", ["participant_id"])
    _of_clinic(
        "cases",
        _who("participant_id"),
        _text("tier", 2),
        sa.Column("is_open", sa.Boolean, nullable=False),
        _check("cases", "tier", "tier IN ('T1', 'T2', 'T3', 'T4')"),
    )
    op.create_index("ix_cases_participant_id_is_open", "cases", ["participant_id", "is_open"])
    _of_clinic("answered_risks", _of("cases", "case_id"), key="risk_id")
