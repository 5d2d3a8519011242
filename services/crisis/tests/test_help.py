"""The help screen: whom to call whatever happens, one case whoever presses how often, and the
truth about who has it. On both pairs."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from eventlet import GreenPool

from catalogue.crisis import CaseOpened, RiskAttached, RungPaged
from catalogue.intake import ParticipantDetailsChanged
from catalogue.scheduling import ClinicianRegistered
from chassis.announce import uuid7
from chassis.clock import SimulatedClock
from crisis import case as cases
from crisis import ladder
from crisis.call_for_help import LINK_LASTS, Link
from crisis.case import Case, Risk
from crisis.paging.page import Page
from crisis.rota import Clinician
from evenkeel_ops.house import House
from services.crisis.tests.builders import START, a_risk

BLANK = {"proof": ""}
CANARY = "Kanarie-in-an-exception"
NOBODY, NOT_YET, LAPSED = "Nobody has been told", "Nobody has confirmed yet", "at the moment"
CLAIM, UNKNOWN = re.compile("(A|The) .{4,20} has your call"), "We cannot see whether"
CALMER = ("no_show_at_risk", "T2"), ("not_back_from_break", "T2"), ("body_check_sleep", "T3")


class Visit:
    """A browser at the help screen, without JavaScript."""

    def __init__(self, house: House, path: str = "/crisis/help", token: str = "") -> None:
        cookies = {"evenkeel-signed-in": token} if token else {}
        self.path = path
        self.client = httpx.Client(base_url=house.address, cookies=cookies, timeout=30)

    def see(self, status: int = 200) -> str:
        answer = self.client.get(self.path)
        assert answer.status_code == status, answer.text
        return text_of(answer)

    def form(self) -> dict[str, str]:
        shown = self.client.get(self.path).text
        found = re.findall(r'name="(proof|once)" value="([^"]*)"', shown.partition("<main")[2])
        return dict(found)

    def press(self, form: dict[str, str] | None = None, **headers: str) -> httpx.Response:
        sent = form or self.form() or BLANK
        return self.client.post(self.path, data=sent, headers=headers)


class Clinic:
    """A clinic of a house, with people on call, and a participant whom crisis knows."""

    def __init__(self, house: House) -> None:
        self.house, self.id, self.ann = house, uuid4(), uuid4()
        self.knows(self.ann)
        first, *last = (self.hires() for _ in range(3))
        body = {"clinic_id": str(self.id), "rungs": [[first], last]}
        assert self.ask("PUT", "/rotas", role="crisis_lead", json=body).status_code == 200

    def hires(self) -> str:
        registered = ClinicianRegistered(
            clinic_id=self.id, clinician_id=uuid7(), roles=("supervisor",), states=("NY",),
            details_version=1, zone="America/Denver",
        )  # fmt: skip
        self.house.hear("crisis", registered, source="scheduling")
        runtime = self.house.runtime("crisis")
        with runtime.database.work() as db:
            runtime.vault.keep(
                db, registered.clinician_id, clinic_id=self.id, owner="scheduling", version=1,
                content={"email": "on.call@staff.example"},
            )  # fmt: skip
        return str(registered.clinician_id)

    def knows(self, participant_id: UUID) -> None:
        changed = ParticipantDetailsChanged(
            clinic_id=self.id, episode_id=uuid7(), participant_id=participant_id,
            details_version=1, zone="America/Denver",
        )  # fmt: skip
        self.house.hear("crisis", changed, source="intake")

    def visit(self, role: str = "participant", person: UUID | None = None, **more: Any) -> Visit:
        clinics = more.get("clinics", [self.id])
        return Visit(self.house, token=self.house.issuer.token(role, person or self.ann, clinics))

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        given = {"json": {}, "clinics": [self.id], **more}
        return self.house.call(method, f"/crisis{path}", **given)

    def link(self, participant_id: UUID | None = None, **more: Any) -> httpx.Response:
        body = {"clinic_id": str(self.id), "participant_id": str(participant_id or self.ann)}
        return self.ask("POST", "/help-links", **{"json": body, **more})

    def by_link(self) -> Visit:
        return Visit(self.house, path=self.link().json()["path"])

    def case(self) -> dict[str, Any]:
        (one,) = self.ask("GET", f"/cases?clinic_id={self.id}", json=None).json()["items"]
        return one

    def does(self, what: str, role: str = "supervisor", **body: str) -> None:
        path = f"/cases/{self.case()['case_id']}/{what}"
        answer = self.ask("POST", path, role=role, json=body)
        assert answer.is_success, answer.text

    def risks(self) -> list[str]:
        return [one.trigger for one in self.rows(Risk)]

    def rows(self, kind: type[Any]) -> list[Any]:
        with self.house.runtime("crisis").database.work() as db:
            found = db.scalars(sa.select(kind).where(kind.clinic_id == self.id))
            return list(found)

    def raises(self, tier: str, trigger: str) -> None:
        """Another service tells of a danger to the same person."""
        risk = a_risk(self.id, tier, participant_id=self.ann, trigger=trigger)
        self.house.hear("crisis", risk, source="sessions")


def text_of(answer: httpx.Response) -> str:
    """What there is to read in a page's content; the numbers are always there."""
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    for number in ('href="tel:988"', 'href="sms:988"', 'href="tel:911"'):
        assert number in main, main
    return " ".join(re.sub(r"<[^>]*>", " ", unescape(main)).split())


@pytest.fixture
def house(house_of: Callable[..., House]) -> House:
    """Its pages reach nobody."""
    settings = {"EVENKEEL_SMTP_URL": "smtp://127.0.0.1:9", "EVENKEEL_SENDER": "a@b.example"}
    return house_of("crisis", clock=SimulatedClock(START), settings=settings)


@pytest.fixture
def clinic(house: House) -> Clinic:
    return Clinic(house)


def test_without_signing_in_the_numbers_are_there_and_it_says_that_nobody_was_told(clinic):
    stranger = Visit(clinic.house)
    assert NOBODY in stranger.see()
    pressed = stranger.press(BLANK)
    assert pressed.status_code == 403
    assert "Nobody has been told We do not know who you are" in text_of(pressed)
    assert clinic.rows(Case) == []


def test_one_press_of_a_participant_is_a_case_that_is_paged_before_it_is_answered(clinic):
    visit = clinic.visit()
    assert "I need help now" in visit.see()
    assert clinic.rows(Case) == [], "to look at it calls nobody"
    pressed = visit.press()
    assert (pressed.status_code, pressed.headers["location"]) == (303, "/crisis/help#told")
    case = clinic.case()
    assert (case["tier"], case["state"], clinic.risks()) == ("T1", "paging", ["help_button"])
    assert len(clinic.rows(Page)) == 1
    opened, paged = clinic.house.announced("crisis")
    assert isinstance(opened, CaseOpened)
    assert isinstance(paged, RungPaged)


def test_it_says_that_nobody_has_it_until_somebody_has(clinic):
    """Planted faults: `seen` once it was paged; once the case was read; by a name."""
    visit, person = clinic.visit(), uuid4()
    visit.press()
    clinic.house.advance(timedelta(seconds=65))
    clinic.ask("GET", f"/cases/{clinic.case()['case_id']}", json=None)
    shown = visit.see()
    assert f"{NOT_YET} You called at 8:00 AM MST." in shown
    assert "As of 8:01 AM MST" in shown
    assert not CLAIM.search(shown)
    path = f"/cases/{clinic.case()['case_id']}/acknowledgement"
    clinic.ask("POST", path, role="supervisor", person=person)
    shown = visit.see()
    assert "A supervisor has your call" in shown
    assert "They took it at 8:01 AM MST." in shown
    assert NOT_YET not in shown
    assert str(person) not in visit.client.get(visit.path).text


def test_it_says_who_took_it_over_and_that_they_spoke(clinic):
    visit = clinic.visit()
    visit.press()
    clinic.does("acknowledgement", "clinician")
    clinic.does("take-over", "crisis_lead")
    assert "The crisis lead has your call" in visit.see()
    clinic.house.advance(timedelta(minutes=1))
    clinic.does("contact", "crisis_lead")
    assert "noted at 8:01 AM MST that they spoke with you" in visit.see()


def test_who_took_it_by_the_page_itself_is_named_by_their_role_in_the_clinic(clinic):
    """Nobody signs in for that, so no role is said."""
    visit, person = clinic.visit(), uuid4()
    visit.press()
    clinic.house.settle()
    case_id = UUID(clinic.case()["case_id"])
    with clinic.house.runtime("crisis").database.work() as db:
        db.add(Clinician(id=person, clinic_id=clinic.id, roles=["scheduler", "supervisor"]))
        cases.acknowledge(db, case_id, person, by=f"link:{person}", at=db.now)
    assert "A supervisor has your call" in visit.see()


def test_who_took_it_in_no_known_role_is_somebody_on_call(clinic):
    visit, desk = clinic.visit(), UUID(int=0)
    visit.press()
    clinic.house.settle()
    case_id = UUID(clinic.case()["case_id"])
    with clinic.house.runtime("crisis").database.work() as db:
        cases.acknowledge(db, case_id, desk, by=f"link:{desk}", at=db.now)
    assert "Somebody on call has your call" in visit.see()


def test_a_case_that_lapsed_is_nobodys_again(clinic):
    """Planted fault: whoever had it once still has it."""
    visit = clinic.visit()
    visit.press()
    clinic.does("acknowledgement")
    clinic.house.advance(timedelta(minutes=4))
    shown = visit.see()
    assert LAPSED in shown
    assert not CLAIM.search(shown)


def test_a_call_that_was_answered_makes_room_for_the_next(clinic):
    visit = clinic.visit()
    visit.press()
    clinic.does("acknowledgement")
    clinic.does("contact")
    with clinic.house.runtime("crisis").database.work() as db:
        db.execute(sa.update(Case).values(state="follow_up", tier="T4"))
    assert "I need help now" in visit.see()
    clinic.house.advance(timedelta(seconds=1))
    visit.press()
    assert (clinic.case()["tier"], clinic.case()["state"]) == ("T1", "paging")
    assert NOT_YET in visit.see()


def test_twice_the_same_form_is_one_call_and_two_tabs_are_one_case(clinic):
    """Planted fault: each press a case of its own."""
    visit = clinic.visit()
    first, other_tab = visit.form(), visit.form()
    for form in (first, first, other_tab):
        assert visit.press(form).status_code == 303
    assert len(clinic.rows(Case)) == 1
    assert clinic.risks() == ["help_button"] * 2


def test_many_presses_at_once_are_one_case(clinic):
    visits = [clinic.visit() for _ in range(6)]
    forms = [visit.form() for visit in visits]
    pool = GreenPool(6)
    answers = pool.imap(lambda visit, form: visit.press(form).status_code, visits, forms)
    assert set(answers) == {303}
    assert len(clinic.rows(Case)) == 1


def test_another_participant_learns_nothing_of_it(clinic):
    clinic.visit().press()
    shown = clinic.visit(person=uuid4()).see()
    assert NOT_YET not in shown
    assert "I need help now" in shown


@pytest.mark.parametrize("role", ["clinician", "scheduler", "auditor"])
def test_staff_call_for_nobody_by_it(clinic, role):
    visit = clinic.visit(role)
    assert f"{NOBODY} that you are here. You are signed in as {role}" in visit.see()
    pressed = visit.press({"proof": proof_of(visit)})
    assert pressed.status_code == 403
    assert NOBODY in text_of(pressed)
    assert clinic.rows(Case) == []


def test_a_participant_of_two_clinics_is_not_asked_which(clinic):
    elsewhere = uuid4()
    clinic.visit(clinics=[elsewhere, clinic.id]).press()
    assert clinic.case()["participant_id"] == str(clinic.ann)
    newcomer = clinic.visit(person=uuid4(), clinics=[elsewhere, uuid4()])
    assert newcomer.press().status_code == 303
    assert NOT_YET in newcomer.see()


def test_a_press_that_another_site_sent_or_an_older_sign_in_tells_nobody_and_says_so(clinic):
    visit = clinic.visit()
    forged = visit.press(visit.form(), **{"Sec-Fetch-Site": "cross-site"})
    assert forged.status_code == 403
    assert NOBODY in text_of(forged)
    stale = visit.press({"proof": "0" * 64, "once": str(uuid4())})
    assert stale.status_code == 422
    assert "send it once more" in text_of(stale)
    assert clinic.rows(Case) == []


@pytest.mark.parametrize("look", [True, False])
def test_a_fault_hides_no_number_and_claims_nothing(clinic, monkeypatch, look):
    """Planted faults: the page of any other fault; what the exception says."""
    visit = clinic.visit()
    form = visit.form()

    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr(ladder, "take", fails)
    monkeypatch.setattr("crisis.call_for_help.told", fails)
    answer = visit.client.get(visit.path) if look else visit.press(form)
    assert answer.status_code == 500
    shown = text_of(answer)
    assert (UNKNOWN if look else NOBODY) in shown
    assert "I need help now" in shown, "to try again"
    assert CANARY not in answer.text
    assert not CLAIM.search(shown)


def test_a_link_calls_once_and_only_when_its_button_is_pressed(clinic):
    """Planted faults: a GET that opens a case; a link that is used twice and opens two."""
    visit = clinic.by_link()
    for _ in range(2):
        assert "I need help now" in visit.see()
        assert visit.client.head(visit.path).status_code == 200
    assert clinic.rows(Case) == []
    for _ in range(2):
        pressed = visit.press()
        assert (pressed.status_code, pressed.headers["location"]) == (303, f"{visit.path}#told")
    assert (clinic.case()["tier"], clinic.risks()) == ("T1", ["help_button"])
    assert NOT_YET in visit.see()
    (link,) = clinic.rows(Link)
    assert (str(link.case_id), link.used_at) == (clinic.case()["case_id"], START)
    clinic.does("acknowledgement", "clinician")
    assert "A clinician has your call" in visit.see()
    assert "Call for help again" not in visit.see()


def test_a_used_link_opens_no_second_case_when_the_first_is_over(clinic):
    visit = clinic.by_link()
    visit.press()
    clinic.does("acknowledgement")
    with clinic.house.runtime("crisis").database.work() as db:
        db.execute(sa.update(Case).values(state="follow_up", tier="T4"))
    visit.press(BLANK)
    assert clinic.risks() == ["help_button"]
    assert "This link tells nobody: it was used before" in visit.see()


def test_two_who_press_one_link_at_once_call_once(clinic):
    one = clinic.by_link()
    visits = [Visit(clinic.house, path=one.path) for _ in range(6)]
    pool = GreenPool(6)
    assert set(pool.imap(lambda visit: visit.press(BLANK).status_code, visits)) == {303}
    assert clinic.risks() == ["help_button"]


def test_a_link_that_is_too_old_or_made_up_tells_nobody_and_says_so(clinic):
    late, made_up = clinic.by_link(), Visit(clinic.house, path="/crisis/help/made-up-token")
    clinic.house.advance(LINK_LASTS)
    for visit in (late, made_up):
        assert "This link is too old or mistyped, and tells nobody" in visit.see(404)
        assert visit.press(BLANK).status_code == 404
        assert visit.client.get(fragment_of(visit)).status_code == 404
    assert clinic.rows(Case) == []


def test_of_a_link_only_a_digest_is_kept(clinic):
    """Planted fault: the answer that holds it is kept for its Idempotency-Key."""
    issued = clinic.link(headers={"Idempotency-Key": "k"})
    assert issued.status_code == 201
    token = issued.json()["path"].removeprefix("/crisis/help/")
    visit = clinic.visit()
    visit.path = issued.json()["path"]
    assert visit.press().status_code == 303
    with clinic.house.runtime("crisis").database.look() as connection:
        tables = sa.inspect(connection).get_table_names()
        kept = [
            str(row) for table in tables
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}").all()
        ]  # fmt: skip
    assert len(kept) > 5
    assert not [row for row in kept if token in row]


def test_a_link_is_made_by_staff_for_somebody_of_their_clinic(clinic):
    assert clinic.link(uuid4()).json()["code"] == "participant"
    elsewhere = [uuid4()]
    assert clinic.link(clinics=elsewhere).status_code == 403
    for role in ("participant", "scheduler", "auditor"):
        assert clinic.link(role=role).status_code == 403
    wrong = clinic.link(json={"clinic_id": str(clinic.id), "participant_id": "Ann"})
    assert [one["field"] for one in wrong.json()["fields"]] == ["participant_id"]
    assert clinic.rows(Link) == []


def test_what_became_of_it_is_a_part_of_the_page_by_itself(clinic):
    visit, link = clinic.visit(), clinic.by_link()
    link.press()
    for one in (visit, link):
        part = one.client.get(fragment_of(one))
        assert NOT_YET in part.text
        assert "<html" not in part.text
    assert Visit(clinic.house).client.get("/crisis/fragments/help").status_code == 401


@pytest.mark.parametrize("state", ["paging", "acknowledged", "engaged"])
@pytest.mark.parametrize(("trigger", "tier"), CALMER)
def test_a_lesser_sign_joins_and_lowers_nothing(clinic, state, trigger, tier):
    """Planted fault: the tier of the sign that joined."""
    clinic.visit().press()
    for step in {"paging": (), "acknowledged": (0,), "engaged": (0, 1)}[state]:
        clinic.does(("acknowledgement", "contact")[step])
    clinic.raises(tier, trigger)
    assert clinic.case()["tier"] == "T1"
    assert clinic.risks() == ["help_button", trigger]
    *_, joined = [e for e in clinic.house.announced("crisis") if isinstance(e, RiskAttached)]
    assert joined.tier == "T1"


@pytest.mark.parametrize(
    ("trigger", "tier"), [("help_button", "T1"), ("facilitator_panic", "T1"), *CALMER]
)
def test_a_new_way_in_raises_a_lower_tier_and_no_other(clinic, trigger, tier):
    clinic.raises("T3", "cssrs_low")
    clinic.raises(tier, trigger)
    assert clinic.case()["tier"] == min(tier, "T3")
    assert len(clinic.rows(Case)) == 1


def proof_of(visit: Visit) -> str:
    """What a form of this visitor carries, also where the page shows none."""
    found = re.search(r'name="proof" value="([^"]*)"', visit.client.get(visit.path).text)
    assert found
    return found[1]


def fragment_of(visit: Visit) -> str:
    return visit.path.replace("/crisis/help", "/crisis/fragments/help")
