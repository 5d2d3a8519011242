import json
import stat
from http.server import BaseHTTPRequestHandler, HTTPServer

import eventlet
import pytest

from libs.web.tests.desk import people_jwks
from web import keys
from web.keys import RemoteKeys, ServiceKey, UnsafeKeyFile


class Keyring(HTTPServer):
    """An issuer's key endpoint that counts how often it was asked."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answering)
        self.jwks, self.asked, self.away = people_jwks(), 0, False
        self.url = f"http://127.0.0.1:{self.server_port}/keys"
        self.serving = eventlet.spawn(self.serve_forever, 0.01)


class Answering(BaseHTTPRequestHandler):
    server: Keyring  # type: ignore[assignment]

    def do_GET(self):
        self.server.asked += 1
        self.send_response(503 if self.server.away else 200)
        self.end_headers()
        self.wfile.write(json.dumps(self.server.jwks).encode())

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def keyring():
    keyring = Keyring()
    yield keyring
    keyring.shutdown()
    keyring.server_close()


def test_keys_behind_a_url_are_fetched_once_and_kept(keyring):
    remote = RemoteKeys(keyring.url)
    assert all(remote.key("people-1") for _ in range(5))
    assert keyring.asked == 1


def test_a_key_nobody_knows_is_asked_for_once_a_minute(keyring, monkeypatch):
    remote = RemoteKeys(keyring.url)
    assert [remote.key(f"unknown-{n}") for n in range(20)] == [None] * 20
    assert keyring.asked == 1
    monkeypatch.setattr(keys, "UNKNOWN_KEY_SECONDS", 0)
    keyring.jwks["keys"][0]["kid"] = "people-2"
    assert remote.key("people-2")
    assert keyring.asked == 2


def test_keys_stay_good_while_the_issuer_is_away(keyring, monkeypatch):
    remote = RemoteKeys(keyring.url)
    assert remote.key("people-1")
    keyring.away = True
    monkeypatch.setattr(keys, "REFRESH_SECONDS", 0)
    assert remote.key("people-1")
    assert keyring.asked == 2


def test_a_new_key_file_is_its_owners_alone_and_is_read_again(tmp_path):
    path = tmp_path / "keys" / "intake.pem"
    made = ServiceKey.load("intake", path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ServiceKey.load("intake", path).public_jwk() == made.public_jwk()


def test_a_key_file_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "intake.pem"
    ServiceKey.load("intake", path)
    path.chmod(0o644)
    with pytest.raises(UnsafeKeyFile, match="chmod 600"):
        ServiceKey.load("intake", path)


def test_a_public_key_says_nothing_of_the_private_one():
    assert set(ServiceKey.generate("intake").public_jwk()) == {
        "kty", "crv", "x", "kid", "alg", "use",
    }  # fmt: skip
