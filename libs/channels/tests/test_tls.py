"""TLS is spoken with whoever proves to be the one the URL names, and with nobody else."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import eventlet
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from libs.channels.tests.builders import tried, twilio_url

SECONDS = 5.0
HANDSHAKE = b""
"""In place of a line: from here on, TLS."""
LISTENING = b"..."
"""In place of a line: the other side speaks first."""

LETTER = [b"250 here", b"250 sender", b"250 recipient", b"354 go on", b"250 accepted"]
CREATED = b'HTTP/1.1 201 Created\r\nContent-Length: 13\r\n\r\n{"sid": "SM"}'
SERVERS = {
    "smtps": [HANDSHAKE, b"220 here", *LETTER],
    "smtp+starttls": [b"220 here", b"250-here\r\n250 STARTTLS", b"220 go on", HANDSHAKE, *LETTER],
    "smtp": [b"220 here", b"250-here\r\n250 STARTTLS", b"220 go on", HANDSHAKE, *LETTER],
    "twilio+https": [HANDSHAKE, LISTENING, CREATED],
}


@pytest.fixture
def certificate(tmp_path) -> Path:
    return self_signed(tmp_path / "server.pem", "127.0.0.1")


@pytest.mark.parametrize("world", ["plain", "green"])
def test_whoever_proves_who_they_are_is_spoken_to(certificate, world):
    urls = [url_of(scheme, serving(lines, certificate)) for scheme, lines in SERVERS.items()]
    outcomes = tried(world, SECONDS, urls, SSL_CERT_FILE=str(certificate))
    assert [one["result"] for one in outcomes] == ["accepted"] * len(SERVERS)


@pytest.mark.parametrize("world", ["plain", "green"])
def test_a_certificate_that_nobody_vouches_for_is_refused(certificate, world):
    """Planted fault: an unverified context finishes the handshake with anybody."""
    urls = [url_of(scheme, serving(lines, certificate)) for scheme, lines in SERVERS.items()]
    outcomes = tried(world, SECONDS, urls)
    assert [one["code"] for one in outcomes] == ["unreachable"] * len(SERVERS)


def test_a_certificate_of_somebody_else_is_refused(tmp_path):
    """Planted fault: a context that does not compare the name."""
    other = self_signed(tmp_path / "other.pem", "127.0.0.2")
    urls = [url_of(scheme, serving(lines, other)) for scheme, lines in SERVERS.items()]
    outcomes = tried("plain", SECONDS, urls, SSL_CERT_FILE=str(other))
    assert [one["code"] for one in outcomes] == ["unreachable"] * len(SERVERS)


def url_of(scheme: str, port: int) -> str:
    twilio = scheme.startswith("twilio")
    return twilio_url(port, scheme) if twilio else f"{scheme}://127.0.0.1:{port}"


def serving(lines: list[bytes], certificate: Path) -> int:
    """A server that says these lines, hearing something after each; returns its port."""
    listening = eventlet.listen(("127.0.0.1", 0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def serve() -> None:
        connection, _ = listening.accept()
        for line, following in zip(lines, [*lines[1:], b"goodbye"], strict=True):
            if line is HANDSHAKE:
                try:
                    connection = context.wrap_socket(connection, server_side=True)
                except ssl.SSLError:  # we are not trusted
                    return
                continue
            if line is not LISTENING:
                connection.sendall(line + b"\r\n")
            if following is not HANDSHAKE:
                connection.recv(1 << 16)
        while connection.recv(1 << 16):  # what is left unread would cut off what was said
            pass

    eventlet.spawn(serve)
    return listening.getsockname()[1]


def self_signed(path: Path, address: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a mail server")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False
        )
        .sign(key, SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
