import errno
import socket
import time

import eventlet
import httpx
import pytest
from eventlet.greenpool import GreenPool

from libs.web.tests.desk import Desk, House, until
from web.server import Front, PortInUse


def test_every_answer_tells_browsers_to_trust_nothing(house):
    for answer in (house.client.get("/desk/referrals"), house.client.get("/elsewhere")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_health_is_answered_while_every_worker_is_busy(house):
    slow = GreenPool(50).imap(lambda _: house.client.get("/desk/slow"), range(50))
    until(lambda: house.busy_workers == house.container.max_workers)
    for url in (f"{house.url}/desk/health", f"{house.internal_url}/health"):
        assert httpx.get(url).status_code == 200
    assert httpx.get(f"{house.internal_url}/metrics").status_code == 200
    Desk.gate.send()
    assert [answer.status_code for answer in slow] == [200] * 50


def test_a_service_is_ready_when_nothing_is_lacking(sqlite_url):
    lacking = ["broker"]
    house = House(sqlite_url, ready=lambda service: lacking)
    answer = house.client.get("/desk/ready")
    assert (answer.status_code, answer.json()["lacking"]) == (503, ["broker"])
    lacking.clear()
    assert house.client.get("/desk/ready").status_code == 200
    house.close()


def test_draining_is_asked_for_once_and_ends_readiness(sqlite_url):
    asked = []
    house = House(sqlite_url, drain=lambda: asked.append("drain"))
    for _ in range(2):
        assert httpx.post(f"{house.internal_url}/drain").status_code == 202
    assert asked == ["drain"]
    assert house.client.get("/desk/ready").json()["lacking"] == ["draining"]
    assert house.client.get("/desk/referrals").status_code == 200
    house.close()


def test_metrics_and_drain_are_not_on_the_public_port(house):
    for path in ("/metrics", "/drain", "/health"):
        assert house.client.get(path).status_code == 404


def test_a_port_in_use_is_named_in_one_line(house):
    with pytest.raises(PortInUse, match=f"^127.0.0.1:{house.front.port} is in use"):
        Front(port=house.front.port).start()


def test_stopping_lets_a_request_finish_and_takes_no_more(house):
    under_way = eventlet.spawn(_ending_of, house.client, "/desk/slow")
    until(lambda: house.busy_workers)
    stopping = eventlet.spawn(house.front.stop, 5)
    until(lambda: house.front.draining)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{house.url}/desk/health")
    Desk.gate.send()
    assert under_way.wait() == 200
    assert stopping.wait() == 0


def test_a_request_that_does_not_finish_is_cut_off_at_the_deadline(house):
    under_way = eventlet.spawn(_ending_of, house.client, "/desk/slow")
    until(lambda: house.busy_workers)
    started = time.monotonic()
    assert house.front.stop(0.2) == 1
    assert time.monotonic() - started < 5
    assert under_way.wait() is httpx.RemoteProtocolError


def test_running_out_of_files_does_not_end_the_service(house, monkeypatch):
    listener = house.front._public
    accept, refusals = listener._socket.accept, [1]

    def out_of_files():
        if refusals:
            refusals.pop()
            raise OSError(errno.EMFILE, "Too many open files")
        return accept()

    monkeypatch.setattr(listener._socket, "accept", out_of_files)
    for _ in range(3):
        assert httpx.get(f"{house.url}/desk/health").status_code == 200
    assert refusals == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\r\n\r\n", b"400"),
        (b"GET /desk/health HTTP/9.9\r\n\r\n", b"505"),
        (b"GET /desk/health HTTP/1.1\r\nA: " + b"a" * 9000 + b"\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"POST /desk/referrals HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
    ],
)
def test_what_is_no_http_is_refused_without_its_words(house, capfd, sent, status):
    with socket.create_connection(("127.0.0.1", house.front.port), timeout=5) as connection:
        connection.sendall(sent)
        answer = connection.recv(65536)
    assert answer.split()[1] == status
    assert b"aaaa" not in answer
    assert capfd.readouterr() == ("", "")


def _ending_of(client, path):
    try:
        return client.get(path).status_code
    except httpx.HTTPError as ending:
        return type(ending)
