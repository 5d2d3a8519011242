"""Cases, their risks, pages and timeline; rotas; what is kept of clinicians and participants."""

import sqlalchemy as sa
from alembic import op

from chassis.database import Instant
from chassis.migrations import create_chassis, drop_chassis, protect

revision = "crisis_0001"
down_revision = None

NOT_CLOSED = sa.text("state <> 'closed'")
UNSENT = sa.text("state IN ('queued', 'sending')")

APPEND_ONLY = {
    "postgresql": (
        "CREATE FUNCTION case_timeline_is_append_only() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'case_timeline is append-only'; END $$",
        "CREATE TRIGGER case_timeline_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
        " ON case_timeline FOR EACH STATEMENT EXECUTE FUNCTION case_timeline_is_append_only()",
    ),
    "sqlite": tuple(
        f"CREATE TRIGGER case_timeline_no_{verb.lower()} BEFORE {verb} ON case_timeline"
        " BEGIN SELECT RAISE(ABORT, 'case_timeline is append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ),
}


def upgrade() -> None:
    create_chassis(op, "crisis")
    _create_staff()
    _create_cases()
    _create_pages()
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)
    protect(op, "crisis", "clinicians", "participants", requests_may="SELECT")
    protect(op, "crisis", "rotas", "rota_places", requests_may="SELECT, INSERT")
    protect(op, "crisis", "cases", "pages", requests_may="SELECT, INSERT, UPDATE")
    protect(op, "crisis", "case_risks", "case_timeline", requests_may="SELECT, INSERT")
    protect(op, "crisis", "sweepers", requests_may="SELECT")


def downgrade() -> None:
    for table in (
        "sweepers", "pages", "case_timeline", "case_risks", "cases", "rota_places", "rotas",
        "participants", "clinicians",
    ):  # fmt: skip
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION case_timeline_is_append_only()")
    drop_chassis(op)


def _create_staff() -> None:
    op.create_table(
        "clinicians",
        sa.Column("id", sa.Uuid, primary_key=True),
        _clinic(),
        sa.Column("roles", sa.JSON, nullable=False),
        sa.Column("licences", sa.JSON, nullable=False),
    )
    op.create_table(
        "participants",
        sa.Column("id", sa.Uuid, primary_key=True),
        _clinic(),
        sa.Column("zone", sa.String(64), nullable=False),
    )
    op.create_table(
        "rotas",
        sa.Column("id", sa.Uuid, primary_key=True),
        _clinic(),
        sa.Column("edition", sa.Integer, nullable=False),
        sa.Column("published_at", Instant, nullable=False),
        sa.Column("published_by", sa.String(96), nullable=False),
        sa.UniqueConstraint("clinic_id", "edition", name=op.f("uq_rotas_clinic_id_edition")),
    )
    op.create_table(
        "rota_places",
        sa.Column("rota_id", sa.Uuid, sa.ForeignKey("rotas.id"), primary_key=True),
        sa.Column("rung", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("clinician_id", sa.Uuid, sa.ForeignKey("clinicians.id"), primary_key=True),
        _clinic(),
        sa.CheckConstraint("rung >= 1", name=op.f("ck_rota_places_rung")),
    )
    op.create_table(
        "sweepers",
        sa.Column("name", sa.String(96), primary_key=True),
        sa.Column("beat_at", Instant, nullable=False),
    )


def _create_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.Uuid, primary_key=True),
        _clinic(),
        sa.Column("participant_id", sa.Uuid, nullable=False),
        sa.Column("code", sa.String(5), nullable=False),
        sa.Column("tier", sa.String(2), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("policy", sa.JSON, nullable=False),
        sa.Column("rung", sa.Integer, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("raised_at", Instant, nullable=False),
        sa.Column("next_due_at", Instant, index=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("chain", sa.String(64), nullable=False),
        sa.Column("opened_at", Instant, nullable=False),
        sa.Column("opened_by", sa.String(96), nullable=False),
        sa.Column("correlation_id", sa.Uuid, nullable=False),
        sa.Column("acknowledged_by", sa.Uuid),
        sa.Column("acknowledged_at", Instant),
        sa.Column("contacted_at", Instant),
        sa.Column("disposition", sa.String(64)),
        sa.Column("safety_plan", sa.String(16)),
        sa.Column("licence", sa.String(16)),
        sa.Column("follow_ups", sa.JSON, nullable=False),
        sa.Column("closed_by", sa.Uuid),
        sa.Column("closed_at", Instant),
        sa.Column("previous_case_id", sa.Uuid, sa.ForeignKey("cases.id")),
        sa.CheckConstraint(
            "state IN ('open', 'paging', 'acknowledged', 'engaged', 'emergency_services',"
            " 'handed_off', 'follow_up', 'closed')",
            name=op.f("ck_cases_case_state"),
        ),
        sa.CheckConstraint(
            "(state = 'closed') = (next_due_at IS NULL)", name=op.f("ck_cases_never_silent")
        ),
        sa.CheckConstraint(
            "(state IN ('open', 'paging', 'closed')) = (acknowledged_by IS NULL)",
            name=op.f("ck_cases_one_has_it"),
        ),
        sa.CheckConstraint(
            "state <> 'closed' OR (closed_by IS NOT NULL AND closed_at IS NOT NULL"
            " AND disposition IS NOT NULL AND safety_plan IS NOT NULL AND licence IS NOT NULL)",
            name=op.f("ck_cases_closing"),
        ),
        sa.CheckConstraint("tier IN ('T1', 'T2', 'T3', 'T4')", name=op.f("ck_cases_tier")),
        sa.CheckConstraint("rung >= 0 AND generation >= 1", name=op.f("ck_cases_rung")),
    )
    for name, column in (("uq_cases_open", "participant_id"), ("uq_cases_code", "code")):
        op.create_index(
            name, "cases", ["clinic_id", column], unique=True,
            postgresql_where=NOT_CLOSED, sqlite_where=NOT_CLOSED,
        )  # fmt: skip
    op.create_table(
        "case_risks",
        sa.Column("id", sa.Uuid, primary_key=True),
        _clinic(),
        sa.Column("case_id", sa.Uuid, sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("risk_id", sa.Uuid, nullable=False),
        sa.Column("tier", sa.String(2), nullable=False),
        sa.Column("trigger", sa.String(64), nullable=False),
        sa.Column("instrument", sa.String(64)),
        sa.Column("noticed_at", Instant, nullable=False),
        sa.UniqueConstraint(
            "case_id", "risk_id", "tier", name=op.f("uq_case_risks_case_id_risk_id_tier")
        ),
    )
    op.create_table(
        "case_timeline",
        sa.Column("id", sa.Uuid, primary_key=True),
        _clinic(),
        sa.Column("case_id", sa.Uuid, sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("by", sa.String(96), nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.UniqueConstraint("case_id", "position", name=op.f("uq_case_timeline_case_id_position")),
    )


def _create_pages() -> None:
    op.create_table(
        "pages",
        sa.Column("id", sa.Uuid, primary_key=True),
        _clinic(),
        sa.Column("case_id", sa.Uuid, sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("rung", sa.Integer, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("clinician_id", sa.Uuid, nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("tier", sa.String(2), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("may_repeat", sa.Boolean, nullable=False),
        sa.Column("called_at", Instant, nullable=False),
        sa.Column("not_before", Instant, nullable=False),
        sa.Column("sent_at", Instant),
        sa.UniqueConstraint(
            "case_id",
            "rung",
            "clinician_id",
            "channel",
            "generation",
            name=op.f("uq_pages_case_id_rung_clinician_id_channel_generation"),
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'sent', 'cancelled')", name=op.f("ck_pages_page_state")
        ),
    )
    op.create_index(
        "ix_pages_not_before", "pages", ["not_before"],
        postgresql_where=UNSENT, sqlite_where=UNSENT,
    )  # fmt: skip


def _clinic() -> sa.Column:
    return sa.Column("clinic_id", sa.Uuid, nullable=False, index=True)
