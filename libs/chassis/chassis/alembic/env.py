"""The Alembic environment of every service; its revisions lie in the service's own `migrations`."""

from alembic import context

from chassis.database import NAMING

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=None,
    render_as_batch=connection.dialect.name == "sqlite",
    transaction_per_migration=True,
    naming_convention=NAMING,
)
with context.begin_transaction():
    context.run_migrations()
