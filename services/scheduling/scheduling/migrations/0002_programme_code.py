"""A clinic has one programme of a code."""

from alembic import op

revision = "scheduling_0002"
down_revision = "scheduling_0001"
branch_labels = None
depends_on = None

NAME = "uq_programmes_clinic_id_code"


def upgrade() -> None:
    with op.batch_alter_table("programmes") as programmes:
        programmes.create_unique_constraint(NAME, ["clinic_id", "code"])


def downgrade() -> None:
    with op.batch_alter_table("programmes") as programmes:
        programmes.drop_constraint(NAME, type_="unique")
