from uuid import UUID, uuid4

import pytest

from chassis.peers import HttpPeers
from chassis.refusals import NotFound
from chassis.tables import reads
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


def test_people_read_neither_logs_nor_details_of_others(house):
    query = {"lane": "urgent", "after": 0, "streams": "risk"}
    assert house.client.get("/desk/log", params=query).status_code == 403
    assert house.client.get(f"/desk/details/{UUID(int=9)}").status_code == 403
