"""One tap in a reminder, and four services know: the day is free, the seat is kept."""

import re
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import sqlalchemy as sa

from tests.journeys.person import NINE, Clinic


def bookings(house, person) -> int:
    booked = sa.text("SELECT count(*) FROM bookings WHERE person_id = :person")
    who = sa.bindparam("person", UUID(person.id), sa.Uuid)
    with house.runtime("scheduling").database.look() as connection:
        return connection.execute(booked.bindparams(who)).scalar_one()


def test_one_tap_frees_the_day_and_keeps_the_seat(house, mail):
    clinic = Clinic(house)
    cohort = clinic.open_cohort()
    person = clinic.refer()
    person.pass_intake()
    house.settle()
    person.sit(cohort["cohort_id"])
    house.advance(NINE - timedelta(hours=1))
    assert bookings(house, person) == 3
    texts = " ".join(one["text"] for one in mail.accepted())
    (link,) = re.findall(r"https://evenkeel.example(/\S+)", texts)
    assert httpx.get(house.address + link).status_code == 200
    house.settle()
    assert bookings(house, person) == 3, "a look frees nothing"
    pressed = httpx.post(house.address + urlsplit(link).path, data={"once": "1"})
    assert pressed.status_code == 303
    house.settle()

    assert bookings(house, person) == 2
    path = f"/scheduling/cohorts/{cohort['cohort_id']}"
    seated = clinic.get(path, role="scheduler")["seats"]
    assert [one["participant_id"] for one in seated] == [person.id]
    written = len(mail.accepted())
    house.advance(NINE - timedelta(minutes=5))
    day = cohort["occurrences"][0]["occurrence_id"]
    facilitator = UUID(clinic.facilitator)
    opened = clinic.post(f"/sessions/occurrences/{day}/session", person=facilitator)
    shown = clinic.get(f"/sessions/sessions/{opened['session_id']}", person=facilitator)
    assert [(a["state"], a["absence_announced"]) for a in shown["attendances"]] == [
        ("expected", True)
    ]
    house.advance(NINE + timedelta(minutes=40))
    assert len(mail.accepted()) == written, "neither reminded nor missed"
    house.advance(timedelta(days=1))
    assert len(mail.accepted()) > written, "the next day is reminded of as ever"
