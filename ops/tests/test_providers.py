"""The simulated providers keep what they accept, fail as they are told, and end with us."""

import json
import os
import smtplib
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from email.message import EmailMessage

import httpx
import pytest

from evenkeel_ops.providers.ledger import FILE
from evenkeel_ops.providers.running import NUMBER, PROCESS, Providers, providers


@pytest.fixture
def outside(tmp_path):
    with providers(tmp_path) as running:
        yield running


def send(port: int, message_id: str = "<1@evenkeel>", *, timeout: float = 10) -> None:
    mail = EmailMessage()
    mail["Message-ID"], mail["Subject"] = message_id, "Grüße"
    mail["From"], mail["To"] = "from@post.example", "to@post.example"
    mail.set_content("two\nlines — and a dash")
    with smtplib.SMTP("127.0.0.1", port, timeout=timeout) as server:
        server.send_message(mail)


def text(outside: Providers, key: str, name: str = "phone_a", **given) -> httpx.Response:
    account = f"AC{name[-1] * 32}"
    options = {
        "data": {"To": "+12125550144", "From": NUMBER, "Body": "Hello."},
        "headers": {"Idempotency-Key": key},
        "auth": (account, f"token-of-{name}"),
        **given,
    }
    url = f"http://127.0.0.1:{outside.ports[name]}/2010-04-01/Accounts/{account}/Messages.json"
    return httpx.post(url, timeout=10, **options)


def test_mail_that_was_accepted_is_a_row_of_its_own(outside):
    send(outside.ports["mail_a"])
    send(outside.ports["mail_b"], "<2@evenkeel>")
    first, second = outside.accepted()
    assert (first["key"], second["key"]) == ("1@evenkeel", "2@evenkeel")
    assert (first["provider"], second["provider"]) == ("mail_a", "mail_b")
    assert (first["to"], first["sender"], first["subject"]) == (
        "to@post.example", "from@post.example", "Grüße",
    )  # fmt: skip
    assert first["text"].split("\r\n")[:2] == ["two", "lines — and a dash"]
    assert first["accepted_at"] <= second["accepted_at"]
    assert [one["key"] for one in outside.delivered()] == ["1@evenkeel", "2@evenkeel"]


def test_on_the_same_port_and_directory_it_goes_on_where_the_last_one_ended(tmp_path):
    with providers(tmp_path) as first:
        send(first.ports["mail_a"])
        first.process.kill()
    with providers(tmp_path, mail_port=first.ports["mail_a"]) as again:
        send(first.ports["mail_a"])
        assert len(again.accepted()) == 2


@pytest.mark.parametrize("code", [451, 550])
def test_mail_that_is_refused_is_not_kept(tmp_path, code):
    with providers(tmp_path, refuse=code) as outside:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            send(outside.ports["mail_a"])
        assert outside.accepted() == []
    assert refused.value.smtp_code == code


@pytest.mark.parametrize(("hang", "kept"), [("message", 0), ("answer", 1)])
def test_a_mail_server_that_hangs_never_answers(tmp_path, hang, kept):
    with providers(tmp_path, hang=hang) as outside:
        with pytest.raises(smtplib.SMTPServerDisconnected):
            send(outside.ports["mail_a"], timeout=0.5)
        assert len(outside.accepted()) == kept


def test_the_same_key_has_the_same_sid_and_one_delivery(outside):
    sids = [text(outside, key).json()["sid"] for key in ("1", "1", "2")]
    assert sids[0] == sids[1] != sids[2]
    assert [one["reference"] for one in outside.delivered()] == [sids[0], sids[2]]
    assert text(outside, "1", "phone_b").json()["sid"] not in sids


def test_a_forgetful_company_delivers_a_repetition(outside):
    outside.fail("phone_a", forgetful=True)
    assert len({text(outside, "1").json()["sid"] for _ in range(2)}) == 2


def test_another_account_is_refused(outside):
    assert text(outside, "1", auth=("AC" + "a" * 32, "guess")).status_code == 401
    assert outside.accepted() == []


@pytest.mark.parametrize(("delivers", "times"), [("never", 0), ("twice", 2)])
def test_accepted_is_not_delivered(outside, delivers, times):
    outside.fail("phone_a", delivers=delivers)
    assert text(outside, "1").status_code == 201
    assert (len(outside.accepted()), len(outside.delivered())) == (1, times)


@pytest.mark.parametrize("name", ["phone_a", "mail_a"])
def test_who_is_down_listens_again_on_the_same_port(outside, name):
    url = f"http://127.0.0.1:{outside.ports[name]}/"
    outside.fail(name, down=True)
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    outside.fail(name)
    with suppress(httpx.RemoteProtocolError):  # a mail server is no web server
        httpx.get(url)


def test_the_ledger_is_only_added_to(outside, tmp_path):
    """Planted fault: tables without triggers."""
    text(outside, "1")
    file = sqlite3.connect(tmp_path / FILE)
    for statement in ("DELETE FROM delivered", "UPDATE accepted SET key = '2'"):
        with pytest.raises(sqlite3.IntegrityError):
            file.execute(statement)
    file.close()


def test_they_die_with_their_parent(tmp_path):
    """Planted fault: without PR_SET_PDEATHSIG they go on listening."""
    parent = (
        "import sys, time; from pathlib import Path\n"
        "from evenkeel_ops.providers.running import providers\n"
        f"with providers(Path({str(tmp_path)!r})) as outside:\n"
        "    print(outside.process.pid, flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert _is_running(child)
        process.kill()
    deadline = time.monotonic() + 30
    while _is_running(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _is_running(child)


def test_the_program_says_its_ports_in_one_line_of_json(tmp_path):
    command = [sys.executable, "-m", PROCESS, "--directory", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        send(said["mail_a"])
        process.kill()
    assert list(said) == ["mail_a", "mail_b", "phone_a", "phone_b", "control"]


def test_a_program_whose_parent_is_gone_already_does_not_start(tmp_path):
    command = [sys.executable, "-m", PROCESS, "--directory", str(tmp_path)]
    done = subprocess.run([*command, "--parent", str(os.getpid() + 1)], capture_output=True)
    assert done.returncode != 0
    assert done.stdout == b""


def _is_running(pid: int) -> bool:
    with suppress(FileNotFoundError), open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"
    return False
