"""Faults planted in paging, each caught by the test that guards against it."""

from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest

from channels import callbacks
from crisis import case as cases
from crisis import rules
from crisis.paging import answers, leased, notice, page, receipts, turns
from services.crisis.tests import (
    test_answers,
    test_gathering,
    test_notices,
    test_paging_routes,
    test_turns,
)
from services.crisis.tests.test_paging_routes import reached

__all__ = ["reached"]

_stop, _note, _shown = page.stop, receipts._note, answers.shown


class Anything:
    """Equal to whatever it is compared with."""

    def __eq__(self, _other):
        return True

    __hash__ = None


def nothing(*_given, **_named):
    return 0


def each_by_itself(pages):
    return [[one] for one in pages]


def all_of_a_phone(pages):
    phones = {}
    for one in pages:
        phones.setdefault((one.clinician_id, one.channel), []).append(one)
    return phones.values()


def claims_anew(one, *, at):
    leased.Leased.claim(one, at=at)
    one.key = uuid4()


def links_stay(db, case_id, *, at):
    known = _stop(db, case_id, at=at)
    for one in known:
        one.ended_at = None
    return known


def winner_too(db, case, *, at):
    for one in page.stop(db, case.id, at=at):
        if one.channel == "sms":
            notice._tell(db, case, one, notice.TAKEN, at=at)


def whatever_the_case(db, *, limit, at, under_way):
    ready = leased.ready(db, notice.Notice, order=(notice.Notice.not_before,), limit=limit, at=at)
    for one in ready:
        one.claim(at=at)
    return ready


def receipt_acknowledges(db, one, came, *, at):
    _note(db, one, came, at=at)
    if one.receipt == "delivered" and one.case.is_calling:
        cases.acknowledge(db, one.case_id, one.clinician_id, by="receipt", at=at)


def looking_acknowledges(db, vault, token):
    for one in _shown(db, vault, token):
        answers.take_by_link(db, token, one.code, at=db.now)
    return _shown(db, vault, token)


PLANTED = {
    "an urgent page goes by one channel after the other": (
        rules, "goes_in_turn", lambda tier: True,
        lambda paged, _: test_turns
        .test_an_urgent_page_leaves_by_every_channel_at_once(paged, "T1"),
    ),
    "a page of the same day goes by all channels at once": (
        rules, "goes_in_turn", lambda tier: False,
        lambda paged, _: test_turns
        .test_a_page_of_the_same_day_is_tried_by_one_channel_after_the_other(paged),
    ),
    "no ten seconds": (
        rules, "ACCEPTED_WITHIN", timedelta(hours=1),
        lambda paged, patch: test_turns
        .test_where_one_channel_says_nothing_the_next_is_tried_after_ten_seconds(paged, patch),
    ),
    "no sixty seconds": (
        turns, "accepted", nothing,
        lambda paged, _: test_turns
        .test_a_page_of_the_same_day_is_tried_by_one_channel_after_the_other(paged),
    ),
    "a refusal passes nothing on": (
        turns, "refused", nothing,
        lambda paged, _: test_turns.test_where_one_channel_refuses_the_next_is_tried_at_once(paged),
    ),
    "nobody is told": (
        notice, "_tell", nothing,
        lambda paged, _: test_notices
        .test_everybody_else_who_was_paged_is_told_once_and_the_winner_is_not(paged),
    ),
    "the winner is told too": (
        notice, "stand_down", winner_too,
        lambda paged, _: test_notices
        .test_everybody_else_who_was_paged_is_told_once_and_the_winner_is_not(paged),
    ),
    "a notice goes out while the case calls again": (
        notice, "claim", whatever_the_case,
        lambda paged, _: test_notices
        .test_nobody_is_told_that_somebody_has_a_case_which_calls_again(paged),
    ),
    "a link is good for ever": (
        page, "stop", links_stay,
        lambda paged, _: test_answers.test_a_link_is_good_once_and_for_one_calling(
            paged, paged_for(paged)
        ),
    ),
    "any phone takes any case": (
        answers, "dialled", lambda number: Anything(),
        lambda paged, _: test_answers.test_a_code_from_a_phone_that_was_not_paged_takes_nothing(
            paged, paged_for(paged), "+12025559999"
        ),
    ),
    "each claim draws a key": (
        page.Page, "claim", claims_anew,
        lambda paged, _: test_gathering
        .test_a_bundle_taken_over_from_a_dead_sender_arrives_once(paged),
    ),
    "what may have left takes in what came since": (
        page, "_bundles", all_of_a_phone,
        lambda paged, patch: test_gathering
        .test_what_may_have_left_is_repeated_as_it_was_and_nothing_joins_it(paged, patch),
    ),
    "each page leaves by itself": (
        page, "_bundles", each_by_itself,
        lambda paged, _: test_gathering
        .test_pages_that_wait_for_one_phone_leave_together_and_say_so(paged),
    ),
    "nobody waits for a second": (
        page, "_last_paged", lambda *_: {},
        lambda paged, _: test_gathering
        .test_a_page_goes_at_once_and_what_follows_within_a_second_leaves_together(paged),
    ),
}  # fmt: skip

PLANTED_OVER_HTTP = {
    "a receipt acknowledges": (
        receipts, "_note", receipt_acknowledges,
        lambda it: test_paging_routes
        .test_a_receipt_says_that_a_page_arrived_and_acknowledges_nothing(it, "true"),
    ),
    "a forged receipt is believed": (
        callbacks.hmac, "compare_digest", lambda *_: True,
        lambda it: test_paging_routes
        .test_a_receipt_that_is_not_to_be_believed_changes_nothing(it, {"token": "wrong"}, 403),
    ),
    "a preview acknowledges": (
        answers, "shown", looking_acknowledges,
        lambda it: test_paging_routes.test_a_preview_of_a_link_acknowledges_nothing(it),
    ),
}  # fmt: skip


def paged_for(paged):
    case_id = paged.clinic.raises("T1")
    paged.send()
    return case_id


@contextmanager
def caught(module, name, fault):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, fault)
        with pytest.raises((AssertionError, TimeoutError)):
            yield patch


@pytest.mark.parametrize("urls", ["sqlite"], indirect=True)
@pytest.mark.parametrize("what", PLANTED)
def test_a_fault_in_paging_is_caught(paged, what):
    *fault, guarding = PLANTED[what]
    with caught(*fault) as patch:
        guarding(paged, patch)


@pytest.mark.parametrize("pair", ["memory+sqlite"], indirect=True)
@pytest.mark.parametrize("what", PLANTED_OVER_HTTP)
def test_a_fault_in_answering_is_caught(reached, what):
    *fault, guarding = PLANTED_OVER_HTTP[what]
    with caught(*fault):
        guarding(reached)
