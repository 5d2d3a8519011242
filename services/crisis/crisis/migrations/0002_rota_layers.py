"""Rotas have layers of rotations, and people stand in for each other.

`rota_places` stays for what still runs of the former release; what was in it is in `layers` too.
"""

from itertools import groupby

import sqlalchemy as sa
from alembic import op

from chassis.database import Instant
from chassis.migrations import protect

revision = "crisis_0002"
down_revision = "crisis_0001"

ALWAYS = {
    "zone": "UTC",
    "first_on": "1970-01-01",
    "last_on": None,
    "starts_at": "00:00",
    "ends_at": "00:00",
    "weekdays": ["MO", "TU", "WE", "TH", "FR", "SA", "SU"],
    "turn_days": 7,
}
"""A rotation of one turn: everybody of a rung at once, for ever."""


def upgrade() -> None:
    op.add_column("clinicians", sa.Column("zone", sa.String(64)))
    op.add_column("rotas", sa.Column("layers", sa.JSON, nullable=False, server_default="[]"))
    _unforce("rotas", "rota_places")
    _write_places_as_layers()
    _unforce("rotas", "rota_places", back=True)
    op.create_table(
        "rota_overrides",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
        sa.Column("clinician_id", sa.Uuid, sa.ForeignKey("clinicians.id"), nullable=False),
        sa.Column("instead_of", sa.Uuid, sa.ForeignKey("clinicians.id"), nullable=False),
        sa.Column("starts_at", Instant, nullable=False),
        sa.Column("ends_at", Instant, nullable=False),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("made_by", sa.String(96), nullable=False),
        sa.Column("withdrawn_at", Instant),
        sa.Column("withdrawn_by", sa.String(96)),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_rota_overrides_interval")),
        sa.CheckConstraint(
            "clinician_id <> instead_of", name=op.f("ck_rota_overrides_somebody_else")
        ),
    )
    op.create_index("ix_rota_overrides_ends_at", "rota_overrides", ["clinic_id", "ends_at"])
    protect(op, "crisis", "rota_overrides", requests_may="SELECT, INSERT, UPDATE")


def downgrade() -> None:
    op.drop_table("rota_overrides")
    op.drop_column("rotas", "layers")
    op.drop_column("clinicians", "zone")


def _unforce(*tables: str, back: bool = False) -> None:
    """Row-level security hides every row from the owner too, who migrates."""
    if op.get_bind().dialect.name == "postgresql":
        for table in tables:
            op.execute(f"ALTER TABLE {table} {'' if back else 'NO '}FORCE ROW LEVEL SECURITY")


def _write_places_as_layers() -> None:
    rotas = sa.table("rotas", sa.column("id", sa.Uuid), sa.column("layers", sa.JSON))
    places = sa.table(
        "rota_places",
        sa.column("rota_id", sa.Uuid),
        sa.column("rung", sa.Integer),
        sa.column("clinician_id", sa.Uuid),
    )
    connection = op.get_bind()
    rows = connection.execute(sa.select(places).order_by(places.c.rota_id, places.c.rung)).all()
    for rota_id, of_rota in groupby(rows, key=lambda row: row.rota_id):
        layers = [
            [{"turns": [[str(row.clinician_id) for row in of_rung]], **ALWAYS}]
            for _, of_rung in groupby(of_rota, key=lambda row: row.rung)
        ]
        connection.execute(sa.update(rotas).where(rotas.c.id == rota_id).values(layers=layers))
