"""Pages leave the house: to a real mail server, and past one that refuses, hangs or is gone."""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing

import eventlet
import pytest

from channels import channel
from channels.carrier_url import email, telephone
from channels.channel import Channel
from channels.smtp import MailServer
from chassis.details import Vault
from crisis import sweeper
from crisis.paging import page, sender
from crisis.paging.page import DESK
from crisis.paging.sender import Sender
from evenkeel_ops.providers.running import Providers, providers
from services.crisis.tests.builders import KEY, START, Clinic, settings_for, until


class ByPage:
    """A mail server that hangs at one page and is well at the others."""

    name = "by page"

    def __init__(self, hangs: str, *urls: str) -> None:
        self.hangs = hangs
        self.servers = [MailServer(email(url)[0], "crisis@evenkeel.example") for url in urls]

    def send(self, outgoing, *, key, **given):
        return self.servers[key == self.hangs].send(outgoing, key=key, **given)


@pytest.fixture
def vault() -> Vault:
    return Vault(KEY)


@pytest.fixture
def mail(tmp_path) -> Iterator[Providers]:
    with providers(tmp_path / "mail") as server:
        yield server


@pytest.fixture
def reachable(clinic, vault) -> Clinic:
    """Everybody on the rota has an address: their own id."""
    for person in (person for rung in clinic.rungs for person in rung):
        clinic.give_details(vault, person, email=f"{person}@staff.example")
    return clinic


def sends(clinic: Clinic, vault: Vault, urls, url: str, **given) -> Sender:
    return Sender(clinic.database, vault, settings_for(urls, url, **given))


def closed_port() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_a_page_arrives_with_its_id_tier_and_code_and_nothing_else(reachable, vault, urls, mail):
    case_id = reachable.raises("T1")
    assert sends(reachable, vault, urls, mail.smtp_url()).step()
    (one,) = reachable.pages(case_id)
    assert (one.state, one.sent_at, one.may_repeat) == ("sent", START, False)
    (letter,) = mail.accepted()
    with reachable.case(case_id) as (_, case):
        text = f"T1, case {case.code}. Open the app."
    assert (letter["text"].strip(), letter["subject"]) == (text, text)
    assert letter["key"] == f"{one.id}@evenkeel"
    assert letter["to"] == f"{one.clinician_id}@staff.example"


def test_the_last_rung_reaches_the_desk_too(reachable, vault, urls, mail):
    case_id = reachable.raises("T1", noticed_at=START - sender.LEASE * 120)
    sends(reachable, vault, urls, mail.smtp_url()).step()
    assert {p.state for p in reachable.pages(case_id)} == {"sent"}
    assert "desk@evenkeel.example" in {letter["to"] for letter in mail.accepted()}
    assert len(mail.accepted()) == 6


def test_nobody_is_paged_about_a_case_that_somebody_has(reachable, vault, urls, mail):
    """Planted fault: `claim` without asking the case, and `stop` doing nothing."""
    case_id = reachable.raises("T1")
    reachable.acknowledges(case_id)
    sends(reachable, vault, urls, mail.smtp_url()).step()
    assert mail.accepted() == []


def test_a_refused_page_is_tried_until_it_is_accepted_with_the_same_id(
    reachable, vault, urls, tmp_path
):
    case_id = reachable.raises("T1")
    with providers(tmp_path / "refusing", refuse=451) as refusing:
        sends(reachable, vault, urls, refusing.smtp_url()).step()
        for pause in (1, 2, 5):
            assert [p.state for p in reachable.pages(case_id)] == ["queued"]
            reachable.later(pause)
            assert sends(reachable, vault, urls, refusing.smtp_url()).step()
    reachable.later(10)
    with providers(tmp_path / "mail") as mail:
        sends(reachable, vault, urls, mail.smtp_url()).step()
        (one,) = reachable.pages(case_id)
        assert (one.state, one.attempts, one.may_repeat) == ("sent", 5, False)
        assert [letter["key"] for letter in mail.accepted()] == [f"{one.id}@evenkeel"]


def test_with_no_server_the_page_waits_and_the_ladder_goes_on(reachable, vault, urls):
    case_id = reachable.raises("T1")
    nowhere = f"smtp://127.0.0.1:{closed_port()}"
    sends(reachable, vault, urls, nowhere).step()
    reachable.later(120)
    sweeper.sweep(reachable.database)
    assert [(p.rung, p.state) for p in reachable.pages(case_id)] == [(1, "queued"), (2, "queued")]


def test_an_accepted_page_whose_reply_was_lost_is_shown_as_a_possible_repeat(
    reachable, vault, urls, tmp_path, monkeypatch
):
    monkeypatch.setattr(channel, "DEADLINE_SECONDS", 0.5)
    case_id = reachable.raises("T1")
    with providers(tmp_path / "silent", hang="answer") as silent:
        sends(reachable, vault, urls, silent.smtp_url()).step()
        reachable.later(1)
        sends(reachable, vault, urls, silent.smtp_url()).step()
        twice = [letter["key"] for letter in silent.accepted()]
    (one,) = reachable.pages(case_id)
    assert (one.state, one.may_repeat) == ("queued", True)
    assert twice == [f"{one.id}@evenkeel"] * 2


def test_a_hanging_server_is_given_up_at_the_deadline(
    reachable, vault, urls, tmp_path, monkeypatch
):
    monkeypatch.setattr(channel, "DEADLINE_SECONDS", 1.0)
    case_id = reachable.raises("T1")
    with providers(tmp_path / "hanging", hang="message") as hanging:
        began = time.monotonic()
        sends(reachable, vault, urls, hanging.smtp_url()).step()
        took = time.monotonic() - began
    assert 0.9 < took < 5
    (one,) = reachable.pages(case_id)
    assert (one.state, one.fence, one.attempts) == ("queued", 1, 1)


def test_a_sender_that_is_only_slow_keeps_its_lease(reachable, vault, urls, tmp_path, monkeypatch):
    """Planted fault: `step` without `_renew`."""
    monkeypatch.setattr(sender, "LEASE_SECONDS", 1.0)
    case_id = reachable.raises("T1")
    with providers(tmp_path / "hanging", hang="message") as hanging:
        going = eventlet.spawn(sends(reachable, vault, urls, hanging.smtp_url()).step)
        until(lambda: reachable.pages(case_id)[0].state == "sending")
        for _ in range(3):
            reachable.later(3)
            held_until = reachable.clock.now() + page.LEASE
            until(lambda at=held_until: reachable.pages(case_id)[0].not_before == at, patience=5)
            with reachable.database.work() as db:
                assert page.claim(db, limit=1, at=db.now) == []
        going.kill()


def test_a_server_that_answers_a_byte_at_a_time_is_given_up_at_the_deadline(
    reachable, vault, urls, monkeypatch
):
    """Planted fault: no timer, only the socket's own timeout, which each byte renews."""
    monkeypatch.setattr(channel, "DEADLINE_SECONDS", 0.5)
    listening = eventlet.listen(("127.0.0.1", 0))

    def dribble():
        line, _ = listening.accept()
        for _ in range(200):
            line.sendall(b"2")
            eventlet.sleep(0.1)

    server = eventlet.spawn(dribble)
    reachable.raises("T1")
    began = time.monotonic()
    sends(reachable, vault, urls, f"smtp://127.0.0.1:{listening.getsockname()[1]}").step()
    assert time.monotonic() - began < 5
    server.kill()


@pytest.mark.parametrize("elapsed", [1, 60], ids=["within the lease", "the clock jumped past it"])
def test_what_hangs_keeps_back_nothing_else_and_is_not_taken_over_by_its_own_sender(
    reachable, vault, urls, tmp_path, monkeypatch, elapsed
):
    """One page hangs; the ones called meanwhile go out beside it, by the same sender. Planted
    fault: `claim` is not told what is under way."""
    monkeypatch.setattr(channel, "DEADLINE_SECONDS", 3.0)
    first = reachable.raises("T1")
    with (
        providers(tmp_path / "hanging", hang="message") as hanging,
        providers(tmp_path / "mail") as mail,
    ):
        by_page = ByPage(str(reachable.pages(first)[0].id), mail.smtp_url(), hanging.smtp_url())
        sending = sends(reachable, vault, urls, mail.smtp_url())
        sending.channels = {"email": Channel([by_page], urgent=True)}
        going = eventlet.spawn(sending.step)
        until(lambda: reachable.pages(first)[0].state == "sending")
        second = reachable.raises("T1")
        reachable.later(elapsed)
        until(lambda: reachable.pages(second)[0].state == "sent")
        (under_way,) = reachable.pages(first)
        assert (under_way.state, under_way.attempts) == ("sending", 1)
        going.wait()


def test_a_page_goes_to_the_next_mail_server_when_the_first_refuses(reachable, vault, urls, mail):
    case_id = reachable.raises("T1")
    mail.fail("mail_a", refuse=550)
    both = f"{mail.smtp_url()} {mail.smtp_url('mail_b')}"
    sends(reachable, vault, urls, both).step()
    (one,) = reachable.pages(case_id)
    assert (one.state, one.may_repeat) == ("sent", False)
    assert [letter["provider"] for letter in mail.accepted()] == ["mail_b"]


def test_a_page_that_two_servers_may_have_says_so(reachable, vault, urls, mail):
    """Planted fault: `deliver` without what the outcome says of the first server."""
    case_id = reachable.raises("T1")
    mail.fail("mail_a", lose_reply=True)
    both = f"{mail.smtp_url()} {mail.smtp_url('mail_b')}"
    sends(reachable, vault, urls, both).step()
    (one,) = reachable.pages(case_id)
    assert (one.state, one.may_repeat) == ("sent", True)
    assert [letter["provider"] for letter in mail.accepted()] == ["mail_a", "mail_b"]


@pytest.mark.parametrize("by", ["sms", "voice"])
def test_a_page_leaves_by_whichever_channel_it_is_for(clinic, vault, urls, mail, by):
    companies = telephone(f"{mail.twilio_url()} {mail.twilio_url('phone_b')}")
    clinic.give_details(vault, clinic.rungs[0][0], phone="+1 212 555 0144")
    sending = sends(clinic, vault, urls, mail.smtp_url(), **{f"{by}_url": companies})
    sending.step()
    case_id = clinic.raises("T1")
    mail.fail("phone_a", refuse=503)
    sending.step()
    (one,) = clinic.pages(case_id)
    (accepted,) = mail.accepted()
    assert (one.state, accepted["key"], accepted["channel"]) == ("sent", str(one.id), by)
    assert (accepted["provider"], accepted["to"]) == ("phone_b", "+12125550144")
    assert one.reference == accepted["reference"]
    assert "Open the app." in accepted["text"]


def test_a_page_without_an_address_waits_for_it_and_is_never_marked_sent(clinic, vault, urls, mail):
    case_id = clinic.raises("T1")
    sends(clinic, vault, urls, mail.smtp_url()).step()
    assert [p.state for p in clinic.pages(case_id)] == ["queued"]
    clinic.give_details(vault, clinic.rungs[0][0], email="late@staff.example")
    clinic.later(1)
    sends(clinic, vault, urls, mail.smtp_url()).step()
    assert [p.state for p in clinic.pages(case_id)] == ["sent"]
    assert [letter["to"] for letter in mail.accepted()] == ["late@staff.example"]


def test_without_a_desk_nobody_claims_to_have_called_it(database, clock, vault, urls, mail):
    case_id = Clinic(database, clock).raises("T1")
    sends(Clinic(database, clock), vault, urls, mail.smtp_url(), desk=None).step()
    ((only),) = Clinic(database, clock).pages(case_id)
    assert (only.clinician_id, only.state) == (DESK, "queued")


def test_a_sender_that_stood_still_past_its_lease_sends_nothing(
    reachable, vault, urls, tmp_path, monkeypatch
):
    """Planted fault: `may_go` not asked before the letter goes."""
    case_id = reachable.raises("T1")
    with providers(tmp_path / "mail") as mail:
        slow = sends(reachable, vault, urls, mail.smtp_url())
        monkeypatch.setattr(sender, "LEASE_SECONDS", -1.0)
        monkeypatch.setattr(slow, "_renew", lambda: None)
        slow.step()
        assert mail.accepted() == []
    assert [p.state for p in reachable.pages(case_id)] == ["queued"]


def test_a_paused_mail_server_delays_nothing_but_itself(reachable, vault, urls, mail, monkeypatch):
    monkeypatch.setattr(channel, "DEADLINE_SECONDS", 1.0)
    case_id = reachable.raises("T1")
    mail.process.send_signal(signal.SIGSTOP)
    sends(reachable, vault, urls, mail.smtp_url()).step()
    assert [p.state for p in reachable.pages(case_id)] == ["queued"]
    mail.process.send_signal(signal.SIGCONT)
    reachable.later(1)
    sends(reachable, vault, urls, mail.smtp_url()).step()
    assert [p.state for p in reachable.pages(case_id)] == ["sent"]


def test_what_was_sent_but_taken_over_meanwhile_is_recorded_by_its_holder_only(
    reachable, vault, urls, mail
):
    case_id = reachable.raises("T1")
    going = sends(reachable, vault, urls, mail.smtp_url())
    going._begin(1)
    reachable.later(5)
    with reachable.database.work() as db:
        (taken_over,) = page.claim(db, limit=1, at=db.now)
    going.step()
    (one,) = reachable.pages(case_id)
    assert (one.state, one.fence, one.id) == ("sending", 2, taken_over.id)
