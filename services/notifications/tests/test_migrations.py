from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from chassis import migrations
from chassis.clock import SystemClock
from chassis.database import Database, connect
from notifications import (  # noqa: F401 - they fill the metadata
    arrivals,
    attempts,
    brands,
    consent,
    messages,
    numbers,
    recipients,
    replies,
    seats,
)
from notifications.purposes import PURPOSES
from notifications.tables import Base


def _ours(_object, name, kind, *_) -> bool:
    return kind != "table" or (name != "alembic_version" and not name.startswith("event_log"))


def test_the_tables_are_those_of_the_code_and_go_again(urls):
    migrations.upgrade("notifications", urls.owner)
    engine = connect(urls.owner)
    with engine.connect() as connection:
        options = {"include_object": _ours, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        ours = {one.name for one in Base.metadata.sorted_tables}
        found = [
            change
            for change in compare_metadata(context, Base.metadata)
            if not (change[0] == "remove_table" and change[1].name not in ours)
            and not (change[0] == "remove_index" and change[1].table.name not in ours)
        ]
    assert found == []
    migrations.downgrade("notifications", urls.owner)
    with engine.connect() as connection:
        left = inspect(connection).get_table_names()
    engine.dispose()
    assert left == ["alembic_version"]


PERSON, CLINIC = "5" * 32, "6" * 32
FORMER = (
    "INSERT INTO recipients (person_id, clinic_id, details_version, email, quiet_from, quiet_to,"
    " preferred_by, preferred_at) VALUES (:person, :clinic, 0, :wants, '21:00', '08:00',"
    " 'clinician:7', :at)",
    "INSERT INTO consents (episode_id, clinic_id, person_id, version, email, given_at, ended_at)"
    " VALUES (:episode, :clinic, :person, '2026-01', :agreed, :at, :ended)",
)
AT = "2026-11-01T12:00:00.000000Z"


@pytest.mark.parametrize(
    ("agreed", "ended", "wants", "reason"),
    [
        (True, None, True, None),
        (False, None, True, "no_consent"),
        (True, AT, True, "no_consent"),
        (True, None, False, "opted_out"),
    ],
)
def test_consents_of_the_former_release_are_carried_over(urls, agreed, ended, wants, reason):
    """Planted fault: without lifting the row security of the old tables, nothing is carried."""
    migrations.upgrade("notifications", urls.owner)
    migrations.downgrade("notifications", urls.owner, "notifications_0001")
    row = {"person": PERSON, "clinic": CLINIC, "episode": "7" * 32, "at": AT}
    work = connect(urls.work)
    with work.begin() as connection:
        for statement in FORMER:
            said = {**row, "agreed": agreed, "ended": ended, "wants": wants}
            connection.execute(text(statement), said)
    work.dispose()
    migrations.upgrade("notifications", urls.owner)
    clock = SystemClock()
    database = Database("notifications", http_url=urls.http, work_url=urls.work, clock=clock)
    with database.request({UUID(CLINIC)}) as db:
        found = consent.standings(db, UUID(PERSON))
        kept = {one.at.isoformat() for one in consent.ledger(db, UUID(PERSON))}
    database.close()
    assert {found[purpose, "email"].reason for purpose in PURPOSES} == {reason}
    assert {found[purpose, "sms"].reason for purpose in PURPOSES} == {"no_consent"}
    assert kept == {"2026-11-01T12:00:00+00:00"}
