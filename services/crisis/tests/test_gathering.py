"""Pages to one phone that come together leave as one bundle, which names all their cases."""

from uuid import UUID, uuid5

from channels import channel
from crisis import rules
from crisis.paging import page
from services.crisis.tests.builders import until


def raised(paged, count, tier="T1"):
    """So many cases; the first person is paged for each."""
    return [paged.clinic.raises(tier) for _ in range(count)]


def named(paged, sent):
    return [code for code in paged if f"case {code}" in sent["text"]]


def test_pages_that_wait_for_one_phone_leave_together_and_say_so(paged):
    """Planted fault: `_bundles` with the page's id in what they are grouped by."""
    cases = raised(paged, 3)
    codes = [paged.code(one) for one in cases]
    paged.send()
    assert sorted(paged.by()) == ["email", "sms", "voice"]
    for sent in paged.arrived():
        assert named(codes, sent) == codes
        key = sent["key"].partition("@")[0]
        pages = [paged.page(one, sent["channel"]) for one in cases]
        assert {(str(one.key), one.state) for one in pages} == {(key, "sent")}


def test_a_page_goes_at_once_and_what_follows_within_a_second_leaves_together(paged):
    """Planted fault: `_last_paged` that finds nobody."""
    first, *others = raised(paged, 1)
    paged.send()
    others = raised(paged, 2)
    paged.send()
    assert len(paged.arrived(channel="sms")) == 1
    paged.later(1)
    _, second = paged.arrived(channel="sms")
    assert named([paged.code(one) for one in (first, *others)], second) == [
        paged.code(one) for one in others
    ]


def test_each_tier_is_named_with_its_case(paged):
    urgent, soon = paged.clinic.raises("T1"), paged.clinic.raises("T2")
    paged.send()
    (sent,) = paged.arrived(channel="sms")
    said = f"T1, case {paged.code(urgent)}; T2, case {paged.code(soon)}. Open the app."
    assert sent["text"].startswith(said)


def test_what_may_have_left_is_repeated_as_it_was_and_nothing_joins_it(paged, monkeypatch):
    """Planted fault: `_bundles` that forgets the key of what is uncertain: a provider that
    honours the key would drop what joined."""
    monkeypatch.setattr(channel, "DEADLINE_SECONDS", 1.0)
    paged.outside.fail("phone_a", hang="answer")
    first, second = raised(paged, 2)
    paged.send()
    paged.outside.fail("phone_a")
    paged.clinic.acknowledges(second)
    (third,) = raised(paged, 1)
    paged.later(5)
    repeated, joined = paged.arrived(channel="sms")
    assert named([paged.code(one) for one in (first, second)], repeated) == [
        paged.code(one) for one in (first, second)
    ]
    assert named([paged.code(one) for one in (first, third)], joined) == [paged.code(third)]
    states = [paged.page(one, "sms").state for one in (first, second, third)]
    assert states == ["sent", "cancelled", "sent"]


def test_a_bundle_that_was_refused_for_certain_takes_in_what_came_meanwhile(paged):
    paged.outside.fail("phone_a", refuse=503)
    first = raised(paged, 1)
    paged.send()
    paged.outside.fail("phone_a")
    second = raised(paged, 1)
    paged.later(1)
    (sent,) = paged.arrived(channel="sms")
    codes = [paged.code(one) for one in (*first, *second)]
    assert named(codes, sent) == codes


def test_a_bundle_names_so_many_cases_at_most_and_the_next_names_the_rest(paged):
    cases = raised(paged, rules.MOST_NAMED + 5)
    codes = [paged.code(one) for one in cases]
    paged.send()
    paged.later(1)
    bundles = paged.arrived(channel="sms")
    assert [len(named(codes, one)) for one in bundles] == [rules.MOST_NAMED, 5]


def test_the_key_of_a_bundle_follows_from_its_pages(paged):
    """So a sender that took them over sends under the key of the one that died."""
    cases = raised(paged, 2)
    with paged.clinic.database.work() as db:
        page.claim(db, limit=8, at=db.now)
    ids = sorted(str(paged.page(one, "sms").id) for one in cases)
    keys = {paged.page(one, "sms").key for one in cases}
    assert keys == {uuid5(UUID(ids[0]), " ".join(ids))}


def test_a_bundle_taken_over_from_a_dead_sender_arrives_once(paged):
    """Planted fault: a key drawn anew at each claim."""
    cases = raised(paged, 2)
    dead = paged.a_sender()
    dead._begin(8)
    until(lambda: all(attempt.came for attempt in dead._under_way))
    paged.later(5)
    assert len(paged.arrived(channel="sms")) == len(paged.arrived(channel="voice")) == 1
    pages = [one for case_id in cases for one in paged.clinic.pages(case_id)]
    assert {(one.state, one.may_repeat) for one in pages} == {("sent", True)}
