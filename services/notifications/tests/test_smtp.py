"""One attempt against a real server: what comes of it, and that none takes longer than it may."""

import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import eventlet
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from evenkeel_ops.smtp_server import smtp_server
from notifications.letters import Letter
from notifications.smtp import MailServer
from services.notifications.tests.builders import SENDER


def letter(address: str = "someone@post.example", message_id: UUID | None = None) -> Letter:
    at = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
    return Letter(message_id or uuid4(), address, "Reminder", "You have an appointment.", at)


def test_an_accepted_letter_carries_its_messages_id_and_nothing_of_this_machine(mail, post):
    sent = letter()
    outcome = post.send(sent)
    assert (outcome.code, outcome.accepted) == ("accepted", True)
    (accepted,) = mail.accepted()
    assert accepted["message_id"] == f"{sent.message_id}@evenkeel"
    assert (accepted["to"], accepted["sender"]) == (sent.address, SENDER)
    assert (accepted["subject"], accepted["text"].strip()) == (sent.subject, sent.text)
    assert socket.gethostname() not in str(accepted)


@pytest.mark.parametrize(("code", "final"), [(451, False), (421, False), (550, True), (552, True)])
def test_a_refusal_is_known_by_its_code_and_only_a_permanent_one_is_final(
    mail_directory, code, final
):
    with smtp_server(mail_directory, refuse=code) as server:
        outcome = MailServer(server.url, SENDER).send(letter())
        assert server.accepted() == []
    assert (outcome.code, outcome.final, outcome.accepted) == (f"smtp_{code}", final, False)


def test_a_server_that_is_not_there_is_unreachable():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        outcome = MailServer(f"smtp://127.0.0.1:{nobody.getsockname()[1]}", SENDER).send(letter())
    assert outcome.code == "unreachable"
    assert not outcome.accepted
    assert not outcome.may_have_arrived


@pytest.mark.parametrize("hang", ["message", "answer"])
def test_a_server_that_never_answers_costs_the_deadline_and_may_have_taken_the_letter(
    mail_directory, hang
):
    with smtp_server(mail_directory, hang=hang) as server:
        began = time.monotonic()
        outcome = MailServer(server.url, SENDER, deadline_seconds=0.5).send(letter())
        assert time.monotonic() - began < 5
    assert not outcome.accepted
    assert not outcome.final
    assert outcome.may_have_arrived


def _speaking(lines, *, pause: float = 0.0) -> int:
    """A server that sends these lines to whoever connects, and then nothing; returns its port."""
    listening = eventlet.listen(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        for line in lines:
            connection.sendall(line)
            eventlet.sleep(pause)
        connection.recv(1 << 16)

    eventlet.spawn(serve)
    return listening.getsockname()[1]


def test_a_server_that_drips_cannot_stretch_the_deadline():
    """Planted fault: a timeout for each read, as smtplib has, never fires here."""
    port = _speaking([b"2"] * 1000, pause=0.1)
    began = time.monotonic()
    outcome = MailServer(f"smtp://127.0.0.1:{port}", SENDER, deadline_seconds=0.5).send(letter())
    assert outcome.code == "deadline"
    assert time.monotonic() - began < 5


def test_a_server_that_turns_us_away_at_the_door_is_tried_again():
    port = _speaking([b"554 no service here\r\n"])
    outcome = MailServer(f"smtp://127.0.0.1:{port}", SENDER, deadline_seconds=2).send(letter())
    assert (outcome.code, outcome.final) == ("smtp_554", False)


def test_a_lost_goodbye_does_not_undo_an_acceptance():
    port = _speaking([
        b"220 here\r\n", b"250 here\r\n", b"250 sender\r\n", b"250 recipient\r\n",
        b"354 go on\r\n", b"250 accepted\r\n",
    ])  # fmt: skip
    outcome = MailServer(f"smtp://127.0.0.1:{port}", SENDER, deadline_seconds=5).send(letter())
    assert outcome.accepted


def test_a_server_that_offers_tls_and_cannot_prove_itself_gets_nothing():
    """Planted fault: going on in the clear when STARTTLS fails hands over the address."""
    heard: list[bytes] = []
    lines = [b"220 here\r\n", b"250-here\r\n250 STARTTLS\r\n", b"220 go on\r\n", b"no handshake"]
    listening = eventlet.listen(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        for line in lines:
            connection.sendall(line)
            heard.append(connection.recv(1 << 16))

    eventlet.spawn(serve)
    port = listening.getsockname()[1]
    outcome = MailServer(f"smtp://127.0.0.1:{port}", SENDER, deadline_seconds=5).send(letter())
    assert outcome.code == "unreachable"
    assert b"STARTTLS" in b"".join(heard)
    assert b"post.example" not in b"".join(heard)


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path):
    """Planted fault: an unverified context finishes the handshake with anybody."""
    certificate = _self_signed(tmp_path / "server.pem")
    secure = eventlet.wrap_ssl(
        eventlet.listen(("127.0.0.1", 0)), certfile=str(certificate), server_side=True
    )

    def serve() -> str | None:
        try:
            connection, _ = secure.accept()
            connection.recv(1)
        except ssl.SSLError as refused:
            return refused.reason
        return "trusted"

    serving = eventlet.spawn(serve)
    port = secure.getsockname()[1]
    outcome = MailServer(f"smtps://127.0.0.1:{port}", SENDER, deadline_seconds=1).send(letter())
    assert outcome.code == "unreachable"
    assert "UNKNOWN_CA" in str(serving.wait())


def _self_signed(path: Path) -> Path:
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, None)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(
    "address", ["", "nobody", "a b@c.example", "a@b.example\r\nBcc: c@d.example"]
)
def test_what_is_no_address_is_never_tried(mail, post, address):
    outcome = post.send(letter(address))
    assert (outcome.code, outcome.final) == ("bad_address", True)
    assert mail.accepted() == []


def test_other_greenlets_go_on_while_a_server_hangs(mail_directory):
    """Planted fault: a blocking socket would stop the hub, and nothing would be counted."""
    counted = []
    with smtp_server(mail_directory, hang="message") as server:
        attempt = eventlet.spawn(
            MailServer(server.url, SENDER, deadline_seconds=0.5).send, letter()
        )
        while not attempt.dead:
            counted.append(1)
            eventlet.sleep(0)
    assert len(counted) > 10
