from uuid import UUID, uuid4

import eventlet
import pytest
import sqlalchemy as sa

from chassis.catch_up import CatchUp
from chassis.details import Fetcher, want
from chassis.peers import HttpPeers, PeerUnreachable
from chassis.receive import Handlers, Receiver
from chassis.refusals import NotFound
from chassis.tables import details, reads
from libs.web.tests.desk import INTAKE_KEY, NORTH


@pytest.fixture
def peers(house):
    return HttpPeers({"desk": house.url}, INTAKE_KEY.token)


def test_another_service_reads_the_log(peers):
    page = peers.log("desk", "urgent", 0, ["risk", "case"])
    assert (page.upto, page.messages) == (0, [])


def test_another_service_fetches_details_and_that_is_audited(house, peers):
    person_id = uuid4()
    with house.database.work() as db:
        house.runtime.vault.keep(
            db, person_id, clinic_id=NORTH, owner="desk", version=3, content={"given": "Ada"}
        )
    assert peers.details("desk", person_id) == (3, {"given": "Ada"})
    assert house.count(reads, by="service:intake", subject=f"person/{person_id}") == 1


def test_details_that_are_not_there_are_not_found(peers):
    with pytest.raises(NotFound):
        peers.details("desk", UUID(int=9))


def test_a_reader_outlives_a_peer_that_is_just_starting(house):
    """It listens already, and nothing is mounted on it yet."""
    peers = HttpPeers({"elsewhere": house.url}, INTAKE_KEY.token)
    receiver = Receiver(house.database, Handlers(), "urgent")
    reader = CatchUp(receiver, peers, {"elsewhere": frozenset({"risk"})})
    with pytest.raises(NotFound):
        reader.read("elsewhere", ["risk"])
    with eventlet.Timeout(0.5, False):
        reader.run()
        pytest.fail("it ended")


def test_an_answer_of_another_shape_is_no_answer(house):
    """Health answers JSON too, which is no page of a log."""
    peers = HttpPeers({"desk": f"{house.url}/desk/health?"}, INTAKE_KEY.token)
    with pytest.raises(PeerUnreachable):
        peers.log("desk", "urgent", 0, ["risk"])


def test_nobody_waits_for_details_behind_an_owner_that_is_silent(house):
    person_id = uuid4()
    with house.database.work() as db:
        house.runtime.vault.keep(
            db, person_id, clinic_id=NORTH, owner="desk", version=1, content={"given": "Ada"}
        )
        db.execute(sa.update(details).values(wanted_version=2))
        for _ in range(5):
            want(db, uuid4(), clinic_id=NORTH, owner="silent", version=1)
    asked = []

    def silent(owner, who):
        asked.append(owner)
        if owner == "silent":
            raise PeerUnreachable(owner)
        return 2, {"given": "Ada Maria"}

    peers = HttpPeers({}, INTAKE_KEY.token)
    peers.details = silent
    assert Fetcher(house.database, house.runtime.vault, peers).fetch_wanted()
    assert asked.count("silent") == 1


def test_people_read_neither_logs_nor_details_of_others(house):
    query = {"lane": "urgent", "after": 0, "streams": "risk"}
    assert house.client.get("/desk/log", params=query).status_code == 403
    assert house.client.get(f"/desk/details/{UUID(int=9)}").status_code == 403
