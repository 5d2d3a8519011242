"""Taking a case from the page that reached one: by its link, or by a text message with its code."""

import re

import pytest

from channels.callbacks import Reply
from chassis.refusals import Invalid, NotFound
from crisis import sweeper
from crisis.paging import answers, wording
from services.crisis.tests.builders import START, seconds
from services.crisis.tests.paged import ORIGIN

LINK = re.compile(re.escape(ORIGIN) + r"/crisis/paged/(\S+)")


def token_in(letter):
    found = LINK.search(letter["text"])
    assert found, letter["text"]
    return found[1]


def token_of(paged, **wanted):
    return token_in(paged.arrived(**wanted)[-1])


def takes(paged, token, case_id):
    """What came of pressing the button of a case."""
    code = paged.code(case_id)
    with paged.clinic.database.work() as db:
        return answers.take_by_link(db, token, code, at=db.now)


def shows(paged, token):
    with paged.clinic.database.work() as db:
        return answers.shown(db, paged.vault, token)


def writes(paged, text, from_=None):
    """The codes of the cases that a text message took."""
    said = Reply("SM1", from_ or paged.number(0), "+12025550100", text)
    with paged.clinic.database.work() as db:
        return [one.code for one in answers.take_by_reply(db, paged.vault, said, at=db.now)]


def who_has(paged, case_id):
    with paged.clinic.case(case_id) as (_, case):
        return case.state, case.acknowledged_by


@pytest.fixture
def case_id(paged):
    """A case for which the first person was paged by every channel."""
    case_id = paged.clinic.raises("T1")
    paged.send()
    return case_id


def test_the_link_of_a_page_takes_its_case_for_whoever_was_paged(paged, case_id):
    taken = takes(paged, token_of(paged, channel="email"), case_id)
    assert taken is not None
    assert who_has(paged, case_id) == ("acknowledged", paged.first)
    with paged.clinic.case(case_id) as (_, case):
        assert case.acknowledged_at == START
    assert paged.clinic.told(case_id)[-1] == "acknowledged"


def test_looking_takes_nothing_and_shows_what_there_is_to_take(paged, case_id):
    (standing,) = shows(paged, token_of(paged, channel="sms"))
    assert (standing.code, standing.can_be_taken) == (paged.code(case_id), True)
    assert (standing.has_it, standing.contact_due_at) == (None, None)
    assert who_has(paged, case_id) == ("paging", None)


def test_after_that_the_link_shows_who_has_it_and_by_when_contact_is_due(paged, case_id):
    mine, other = (token_of(paged, channel=channel) for channel in ("email", "sms"))
    takes(paged, mine, case_id)
    for token in (mine, other):
        (standing,) = shows(paged, token)
        assert (standing.can_be_taken, standing.is_mine) == (False, True)
        assert (standing.has_it, standing.contact_due_at) == ("Clinician 0", START + seconds(180))


def test_somebody_elses_later_click_shows_who_was_first(paged, case_id):
    paged.clinic.later(120)
    sweeper.sweep(paged.clinic.database)
    paged.send()
    takes(paged, token_of(paged, channel="sms", to=paged.number(0)), case_id)
    theirs = token_of(paged, channel="email", to=f"{paged.clinic.rungs[1][0]}@staff.example")
    assert takes(paged, theirs, case_id) is None
    (standing,) = shows(paged, theirs)
    assert (standing.has_it, standing.is_mine) == ("Clinician 0", False)
    assert who_has(paged, case_id) == ("acknowledged", paged.first)


def test_a_link_is_good_once_and_for_one_calling(paged, case_id):
    """Planted fault: `stop` without `ended_at`."""
    tokens = [token_of(paged, channel=channel) for channel in ("email", "sms")]
    takes(paged, tokens[0], case_id)
    paged.clinic.later(180)
    sweeper.sweep(paged.clinic.database)
    assert who_has(paged, case_id) == ("paging", None)
    for token in tokens:
        assert takes(paged, token, case_id) is None
        (standing,) = shows(paged, token)
        assert (standing.is_calling, standing.can_be_taken) == (True, False)
    assert who_has(paged, case_id) == ("paging", None)
    assert writes(paged, paged.code(case_id)) == []
    paged.send()
    newest = token_of(paged, channel="sms", to=paged.number(1))
    assert takes(paged, newest, case_id) is not None


def test_a_link_is_kept_as_a_digest_and_made_by_whoever_has_the_secret(paged, case_id):
    token = token_of(paged, channel="email")
    page = paged.page(case_id, "email")
    kept = {name: str(value) for name, value in vars(page).items()}
    assert token not in " ".join(kept.values())
    assert page.link == wording.digest(token)
    with pytest.raises(NotFound):
        shows(paged, page.link)
    stranger = wording.Links(ORIGIN, bytes(32)).token(page.key)
    with pytest.raises(NotFound):
        takes(paged, stranger, case_id)


def test_a_link_takes_only_what_its_message_named(paged, case_id):
    paged.clinic.later(5)
    other = paged.clinic.raises("T1")
    token = token_of(paged, channel="email")
    with pytest.raises(Invalid):
        takes(paged, token, other)
    assert who_has(paged, other) == ("paging", None)


def test_of_several_cases_in_one_message_each_is_taken_by_itself(paged):
    cases = [paged.clinic.raises("T1") for _ in range(2)]
    paged.send()
    token = token_of(paged, channel="sms")
    takes(paged, token, cases[0])
    taken, waiting = sorted(shows(paged, token), key=lambda one: one.can_be_taken)
    assert (taken.is_mine, waiting.can_be_taken) == (True, True)
    assert who_has(paged, cases[1]) == ("paging", None)
    assert takes(paged, token, cases[1]) is not None


def test_the_code_in_a_text_message_from_the_phone_that_was_paged_takes_the_case(paged, case_id):
    before = len(paged.arrived())
    assert writes(paged, f" ok, {paged.code(case_id).lower()}!") == [paged.code(case_id)]
    assert who_has(paged, case_id) == ("acknowledged", paged.first)
    paged.send()
    (confirmed,) = paged.arrived()[before:]
    assert (confirmed["to"], confirmed["channel"]) == (paged.number(0), "sms")
    assert confirmed["text"] == f"Case {paged.code(case_id)} is yours. Log contact by 15:03 UTC."


@pytest.mark.parametrize("from_", ["+12025551001", "+12025559999", "", "+1202555100"])
def test_a_code_from_a_phone_that_was_not_paged_takes_nothing(paged, case_id, from_):
    """Planted fault: `_of_this_phone` without comparing the numbers."""
    assert writes(paged, paged.code(case_id), from_ or " ") == []
    assert who_has(paged, case_id) == ("paging", None)


@pytest.mark.parametrize("text", ["", "yes", "ok I have it", "ZZZZ", "\N{SNOWMAN}" * 500])
def test_a_text_message_without_the_code_takes_nothing(paged, case_id, text):
    assert writes(paged, text) == []
    assert who_has(paged, case_id) == ("paging", None)


def test_a_phone_that_was_called_but_not_reached_takes_nothing(paged):
    for name in ("mail_a", "phone_a", "phone_b"):
        paged.outside.fail(name, down=True)
    case_id = paged.clinic.raises("T1")
    paged.send()
    assert writes(paged, paged.code(case_id)) == []


def test_a_second_text_message_changes_nothing(paged, case_id):
    writes(paged, paged.code(case_id))
    paged.send()
    before = len(paged.arrived())
    assert writes(paged, paged.code(case_id)) == []
    paged.send()
    assert len(paged.arrived()) == before


def test_without_an_address_of_the_house_a_page_has_no_link(paged):
    paged.sender = paged.a_sender(origin=None)
    paged.send()
    case_id = paged.clinic.raises("T1")
    paged.send()
    assert {one["text"].strip() for one in paged.arrived(channel="sms")} == {
        f"T1, case {paged.code(case_id)}. Open the app."
    }


def test_a_page_says_tier_code_and_link_and_nothing_else(paged, case_id):
    said = f"T1, case {paged.code(case_id)}. Open the app."
    (text,) = (one["text"] for one in paged.arrived(channel="sms"))
    link = LINK.search(text)
    assert link
    assert text == f"{said} Or reply with the code. Or take it here: {link[0]}"
    (spoken,) = (one["text"] for one in paged.arrived(channel="voice"))
    assert said in spoken
    assert "http" not in spoken
