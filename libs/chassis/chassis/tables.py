"""Every table the chassis keeps in a service's database, besides the service's own."""

import sqlalchemy as sa

from chassis.database import NAMING, Instant

METADATA = sa.MetaData(naming_convention=NAMING)

Subject = sa.String(96).with_variant(sa.String(96, collation="C"), "postgresql")
Source = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
Bytes = sa.LargeBinary
Serial = sa.BigInteger().with_variant(sa.Integer, "sqlite")

stream_heads = sa.Table(
    "stream_heads",
    METADATA,
    sa.Column("subject", Subject, primary_key=True),
    sa.Column("clinic_id", sa.Uuid, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    comment="The last version announced of each subject; its row lock serialises its writers.",
)

event_log = sa.Table(
    "event_log",
    METADATA,
    sa.Column("seq", Serial, primary_key=True),
    sa.Column("recorded_at", Instant, nullable=False),
    sa.Column("lane", sa.String(8), nullable=False),
    sa.Column("position", sa.BigInteger),
    sa.Column("epoch", sa.Integer),
    sa.Column("stream", sa.String(32), nullable=False),
    sa.Column("subject", Subject, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("event_id", sa.Uuid, nullable=False),
    sa.Column("type", sa.String(96), nullable=False),
    sa.Column("clinic_id", sa.Uuid, nullable=False),
    sa.Column("occurred_at", Instant, nullable=False),
    sa.Column("correlation_id", sa.Uuid, nullable=False),
    sa.Column("causation_id", sa.Uuid),
    sa.Column("frames", Bytes, nullable=False),
    sa.UniqueConstraint("subject", "version"),
    sa.Index("ix_event_log_position", "lane", "position"),
    sa.Index("ix_event_log_correlation_id", "correlation_id"),
    sqlite_autoincrement=True,
    comment="What this service announced, in the bytes that go to the broker. Never deleted.",
)

lanes = sa.Table(
    "lanes",
    METADATA,
    sa.Column("lane", sa.String(8), primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("confirmed", sa.BigInteger, nullable=False),
    comment="The last position given in each lane, and the last that the broker confirmed.",
)

lives = sa.Table(
    "lives",
    METADATA,
    sa.Column("epoch", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("begun_at", Instant, nullable=False),
    comment="The lives of this database. A restore begins a new one, after reconciling.",
)

leases = sa.Table(
    "leases",
    METADATA,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("holder", sa.String(64), nullable=False),
    sa.Column("until", Instant, nullable=False),
    comment="Who leads, where the database has no advisory locks (SQLite).",
)

cursors = sa.Table(
    "cursors",
    METADATA,
    sa.Column("source", Source, primary_key=True),
    sa.Column("subject", Subject, primary_key=True),
    sa.Column("clinic_id", sa.Uuid, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("last_ids", Bytes, nullable=False),
    sa.Column("set_aside", sa.Boolean, nullable=False),
    comment="The version up to which each subject heard is handled, with its last event ids.",
)

producers = sa.Table(
    "producers",
    METADATA,
    sa.Column("source", sa.String(32), primary_key=True),
    sa.Column("lane", sa.String(8), primary_key=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("streams", sa.String(512), nullable=False),
    comment="The position of each producer's log up to which everything heard has arrived.",
)

set_aside = sa.Table(
    "set_aside",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("source", sa.String(32), nullable=False),
    sa.Column("subject", Subject, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("event_id", sa.Uuid),
    sa.Column("type", sa.String(96), nullable=False),
    sa.Column("clinic_id", sa.Uuid),
    sa.Column("lane", sa.String(8), nullable=False),
    sa.Column("reason", sa.String(200), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("since", Instant, nullable=False),
    sa.Column("retry_at", Instant),
    sa.Column("decided_by", sa.String(64)),
    sa.Column("headers", sa.JSON, nullable=False),
    sa.Column("body", Bytes, nullable=False),
    sa.CheckConstraint("state IN ('waiting', 'parked', 'discarded')", name="state"),
    sa.Index("ix_set_aside_subject", "source", "subject", "version"),
    sa.Index("ix_set_aside_retry_at", "retry_at"),
    comment="Events that came early (waiting), that failed (parked), or that a human discarded.",
)

timers = sa.Table(
    "timers",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("due_at", Instant, nullable=False, index=True),
    sa.Column("kind", sa.String(48), nullable=False),
    sa.Column("owner_id", sa.Uuid, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("clinic_id", sa.Uuid, nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("correlation_id", sa.Uuid, nullable=False),
    comment="What is to happen at an instant; fired and deleted in one transaction.",
)

person_keys = sa.Table(
    "person_keys",
    METADATA,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("clinic_id", sa.Uuid, nullable=False),
    sa.Column("wrapped", Bytes, nullable=False),
    comment="One data key a person, wrapped by the service's key. Destroying it erases.",
)

details = sa.Table(
    "details",
    METADATA,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("clinic_id", sa.Uuid, nullable=False),
    sa.Column("owner", sa.String(32), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("wanted_version", sa.Integer, nullable=False),
    sa.Column("sealed", Bytes),
    comment="Names, addresses and numbers of people, encrypted; here as owner or as a copy.",
)

answers = sa.Table(
    "idempotent_answers",
    METADATA,
    sa.Column("clinic_id", sa.Uuid, nullable=False),
    sa.Column("caller", sa.String(96), primary_key=True),
    sa.Column("key", sa.String(128), primary_key=True),
    sa.Column("request_digest", sa.String(64), nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("answered_at", Instant, nullable=False, index=True),
    comment="The first answer to each Idempotency-Key, given again to every repetition.",
)

reads = sa.Table(
    "clinical_reads",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.String(96), nullable=False),
    sa.Column("role", sa.String(32), nullable=False),
    sa.Column("operation", sa.String(96), nullable=False),
    sa.Column("subject", sa.String(96)),
    comment="Who read clinical data or details, when, and of whom.",
)
