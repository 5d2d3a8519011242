"""What the watchdog may see: when cases are due and sweepers last got through, nobody's name."""

from alembic import op

revision = "crisis_0007"
down_revision = "crisis_0006"

SEEN = {"cases": "next_due_at", "sweepers": "beat_at"}
ROLE = "crisis_watch"


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, column in SEEN.items():
        op.execute(f"GRANT SELECT ({column}) ON {table} TO {ROLE}")
    op.execute(f"CREATE POLICY cases_watch ON cases FOR SELECT TO {ROLE} USING (true)")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("DROP POLICY cases_watch ON cases")
    for table, column in SEEN.items():
        op.execute(f"REVOKE SELECT ({column}) ON {table} FROM {ROLE}")
