"""Nobody reaches over HTTP what belongs to another clinic, or as a participant to another one.

Every route that names something by its id is asked for a thing that is there, by everybody whom
the route admits. Afterwards those it belongs to ask the same and are answered, so that it was
neither a wrong id nor a bad body that kept the others out.
"""

from uuid import UUID, uuid4

import httpx
import pytest

from evenkeel_ops.provision import SERVICES
from tests.contracts.lived import HOMEWORK, live_through
from tests.journeys.person import FACTS, MONDAY, ZONE, Clinic
from web.callers import SERVICE, Caller
from web.hosting import service_class
from web.openapi import VARIABLE
from web.routes import routes_of

NOBODY = {"given_name": "N", "family_name": "N", "email": "n@mail.example", "phone": "+1 555 0100"}
WHEREABOUTS = {"state": "NY", "location": "home", "callback_number": "+1 555 0100", "private": True}
BODIES = {
    "intake put_screen": {"instrument": "PHQ-9"},
    "intake answer_screen": {"answers": {"phq9_1": 1}},
    "intake recommend_level": {"facts": FACTS},
    "intake confirm_level": {"level": "IOP"},
    "intake give_consent": {"version": "2027-01", "messages": ["email"]},
    "intake discharge": {"reason": "completed"},
    "intake decide_against": {"outcome": "rejected", "reason": "withdrawn"},
    "intake change_details": {**NOBODY, "birth_on": "1990-02-03", "state": "NY", "zone": ZONE},
    "scheduling change_details": {**NOBODY, "zone": ZONE},
    "scheduling cancel_occurrence": {"reason": "holiday"},
    "sessions log_in": WHEREABOUTS,
    "sessions check_in": {"safe": True, "urge": 1},
    "sessions check_body": {"more_than_prescribed": False},
    "sessions start_segment": {"position": 0},
    "sessions assign_homework": HOMEWORK,
    "notifications prefer": {"email": False},
    "crisis lower_tier": {"tier": "T3", "reason": "assessed_lower", "licence": "NY"},
    "crisis dispatch": {"basis": "imminent_danger"},
    "crisis hand_over": {"to": "ambulance"},
    "crisis conclude": {
        "disposition": "assessed_safe", "safety_plan": "made", "licence": "NY",
        "follow_up": "standard",
    },
    "crisis write_plan": {"alone": "walk", "together": True, "replaces": 1},
    "crisis keep_contact": {"due_at": "2026-03-04T15:00:00Z"},
}  # fmt: skip
"""What each route wants said besides the ids; one that is missing is answered 422, and found."""

BACK_TO_FRONT = tuple(reversed(SERVICES))
"""What comes late is asked first: a discharge would end what the others are about."""


class Ask:
    """One request about things that exist."""

    def __init__(self, service, route, known, query):
        self.route, self.known, self.clinic = route, known, UUID(known["clinic_id"])
        self.path = VARIABLE.sub(lambda found: known[found[2]], route.rule(service).rule)
        self.names_one = self.path != route.path
        self.names_clinic = "clinic_id" in query
        self.sent = {"params": query} if query else {}
        if route.body:
            ids = {name: known[name] for name in route.body.fields if name in known}
            self.sent["json"] = {**BODIES.get(f"{service} {route.method_name}", {}), **ids}

    def __repr__(self):
        return f"{self.route.method} {self.route.path} {self.sent.get('params', '')}"

    def of(self, house, role, clinic, *, person=None):
        """Ask in a role of a clinic, as the very person it is about unless another is named."""
        mine = "participant_id" if role == "participant" else "clinician_id"
        return house.call(
            self.route.method, self.path, role=role, clinics=[clinic],
            person=person or UUID(self.known[mine]), **self.sent,
        )  # fmt: skip

    def shows(self, answer: httpx.Response) -> bool:
        """Whether an answer is anything else than a refusal, or a list without a row."""
        if answer.status_code in (403, 404):
            return False
        return self.names_one or (answer.status_code, answer.json()) != (200, {"items": []})


def asks_about(known):
    """What to ask each route that names something by its id, in its path or its query."""
    for service in BACK_TO_FRONT:
        for route in routes_of(service_class(service)):
            if set(route.allow) <= {SERVICE}:
                continue
            fields = route.query.fields if route.query else {}
            fixed = {"on": MONDAY.isoformat()} if "on" in fields else {}
            if VARIABLE.search(route.path.replace("{service}", service)):
                yield Ask(service, route, known, fixed)
            elif ids := [name for name in fields if name in known]:
                for query in ({}, *({name: known[name]} for name in ids)):
                    yield Ask(service, route, known, {**fixed, **query})


def shown_to_another_clinic(house, asks):
    """Asks that somebody with the person's own id, in a role of another clinic, has answered."""
    other = uuid4()
    return [
        f"{ask} as {role}: {answer.status_code}"
        for ask in asks
        for role in ask.route.allow
        if ask.shows(answer := ask.of(house, role, other))
    ]


def shown_to_another_participant(house, asks):
    """Asks that a participant of the same clinic, who is somebody else, has answered."""
    return [
        f"{ask}: {answer.status_code}"
        for ask in asks
        if "participant" in ask.route.allow
        if ask.shows(answer := ask.of(house, "participant", ask.clinic, person=uuid4()))
    ]


def not_answered_to_its_own(house, asks):
    """Asks that those they are about have not had understood. A conflict is understood."""
    return [
        f"{ask}: {answer.status_code} {answer.text}"
        for ask in asks
        for answer in [ask.of(house, ask.route.allow[0], ask.clinic)]
        if not (ask.shows(answer) and (answer.is_success or answer.status_code == 409))
    ]


def test_what_belongs_to_a_clinic_and_a_person_is_not_there_for_others(house):
    asks = list(asks_about(live_through(Clinic(house))))
    assert len(asks) > 40
    assert shown_to_another_clinic(house, asks) == []
    assert shown_to_another_participant(house, asks) == []
    assert not_answered_to_its_own(house, asks) == []


@pytest.mark.parametrize("pair", ["memory+sqlite"])
def test_a_house_that_keeps_nobody_apart_and_an_id_of_nothing_are_found(house, monkeypatch):
    known = live_through(Clinic(house))
    reads = [one for one in asks_about(known) if one.route.method == "GET" and not one.names_clinic]
    monkeypatch.setattr(Caller, "must_be", lambda _caller, _person: None)
    shown = shown_to_another_participant(house, reads)
    assert len(shown) == len([one for one in reads if "participant" in one.route.allow])
    monkeypatch.setattr("web.performing._transaction", across_clinics)
    shown = " ".join(shown_to_another_clinic(house, reads))
    assert [one for one in reads if f"{one} as" not in shown] == []

    lost = asks_about(known | {"screen_id": str(uuid4())})
    of_screens = [one for one in lost if "/screens/" in one.path]
    assert len(not_answered_to_its_own(house, of_screens)) == len(of_screens) == 2


def across_clinics(database, asked):
    """As a transaction would be that forgot whose clinics it may see."""
    return database.work(**asked.about)
