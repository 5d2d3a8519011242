"""Consent as a ledger, and what is safe for somebody.

The consents given so far are carried over. Their table, and `recipients.email`, stay for the former
release, which still writes to them while this one is rolled out; nothing reads them any more.
"""

import sqlalchemy as sa
from alembic import op

from chassis.database import Instant
from chassis.migrations import protect

revision = "notifications_0003"
down_revision = "notifications_0002"

APPEND_ONLY = {
    "postgresql": (
        "CREATE FUNCTION consent_ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'consent_ledger is append-only'; END $$",
        "CREATE TRIGGER consent_ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
        " ON consent_ledger FOR EACH STATEMENT EXECUTE FUNCTION consent_ledger_is_append_only()",
    ),
    "sqlite": tuple(
        f"CREATE TRIGGER consent_ledger_no_{verb.lower()} BEFORE {verb} ON consent_ledger"
        " BEGIN SELECT RAISE(ABORT, 'consent_ledger is append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ),
}

CARRIED_OVER = """
    INSERT INTO consent_ledger
        (clinic_id, person_id, episode_id, purpose, channel, said, version, said_in, "by", at)
    SELECT {columns}, purpose.name, 'email', {said}, {version}, {said_in}, {by}, {at}
    FROM {source}
    CROSS JOIN (SELECT 'days' AS name UNION ALL SELECT 'homework') AS purpose
    WHERE {where}
"""
OF_FORM = {"columns": "clinic_id, person_id, episode_id", "source": "consents", "by": "'intake'"}
FORMS = (
    {
        **OF_FORM, "said": "CASE WHEN email THEN 'given' ELSE 'withheld' END", "where": "true",
        "version": "version", "said_in": "'form'", "at": "given_at",
    },
    {
        **OF_FORM, "said": "'ended'", "where": "ended_at IS NOT NULL", "version": "NULL",
        "said_in": "'form'", "at": "ended_at",
    },
    {
        "columns": "clinic_id, person_id, NULL", "source": "recipients", "said": "'withdrawn'",
        "version": "NULL", "said_in": "'staff'", "by": "preferred_by",
        "at": "preferred_at", "where": "NOT email",
    },
)  # fmt: skip


def upgrade() -> None:
    _create_ledger()
    _carry_over()
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)
    for column in _wishes():
        op.add_column("recipients", column)
    protect(op, "notifications", "consent_ledger", requests_may="SELECT, INSERT")


def downgrade() -> None:
    for column in _wishes():
        op.drop_column("recipients", column.name)
    op.drop_table("consent_ledger")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION consent_ledger_is_append_only()")


def _create_ledger() -> None:
    op.create_table(
        "consent_ledger",
        sa.Column(
            "n", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.Identity(),
            primary_key=True,
        ),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
        sa.Column(
            "person_id", sa.Uuid, sa.ForeignKey("recipients.person_id"), nullable=False, index=True
        ),
        sa.Column("episode_id", sa.Uuid),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("channel", sa.String(8), nullable=False),
        sa.Column("said", sa.String(12), nullable=False),
        sa.Column("version", sa.String(64)),
        sa.Column("wording", sa.Text),
        sa.Column("wording_digest", sa.String(64)),
        sa.Column("said_in", sa.String(16), nullable=False),
        sa.Column("by", sa.String(96), nullable=False),
        sa.Column("at", Instant, nullable=False),
    )  # fmt: skip


def _wishes() -> list[sa.Column]:
    return [
        sa.Column("safe_to_text", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("safe_to_leave_voicemail", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("safe_from", sa.Time),
        sa.Column("safe_to", sa.Time),
    ]


def _carry_over() -> None:
    """The owner sees no row of a protected table unless it is told to."""
    _as_owner("NO FORCE")
    for form in FORMS:
        op.execute(CARRIED_OVER.format(**form))
    _as_owner("FORCE")


def _as_owner(mode: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in ("consents", "recipients"):
            op.execute(f"ALTER TABLE {table} {mode} ROW LEVEL SECURITY")
