import json
import logging
import time
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa

from chassis.tables import reads
from evenkeel_ops.issuer import DemoIssuer
from libs.web.tests.desk import until
from libs.web.tests.lobby import PEOPLE, Arrival, lobby, stream_of
from libs.web.tests.test_pages import arrive
from web import live
from web.live import ELSEWHERE, QUEUED, Client, Topic

CLINICIAN, ELSEWHERE_CLINICIAN, LEAD, PARTICIPANT = PEOPLE
ARRIVALS, MINE = "/lobby/stream?of=arrivals", "/lobby/stream?of=mine"


@pytest.fixture
def issuer(tmp_path):
    return DemoIssuer(tmp_path / "issuer.pem")


@pytest.fixture
def house(sqlite_url, issuer, monkeypatch):
    monkeypatch.setattr(live, "BEAT_SECONDS", 0.3)
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.05)
    house = lobby(sqlite_url, issuer)
    yield house
    house.close()


@pytest.fixture
def watch(house, issuer):
    """`with watch(CLINICIAN) as stream:` opens one; the same cookie is the same browser."""
    tokens = {}

    @contextmanager
    def open_stream(one, path=ARRIVALS):
        if one and one not in tokens:
            tokens[one] = issuer.token(one.role, one.id, one.clinics)
        cookie = {"Cookie": f"evenkeel-signed-in={tokens[one]}"} if one else {}
        with httpx.stream("GET", house.url + path, headers=cookie, timeout=5) as answer:
            yield Told(answer)

    return open_stream


class Told:
    """A stream as its client hears it."""

    def __init__(self, answer):
        self.answer = answer
        self._bytes = answer.iter_raw()
        self._heard = b""

    def message(self):
        while b"\n\n" not in self._heard:
            self._heard += next(self._bytes)
        first, _, self._heard = self._heard.partition(b"\n\n")
        return first.decode()

    def fragment(self):
        while not (found := self.message()).startswith("id: "):
            pass
        return found

    def beat(self):
        while not (found := self.message()).startswith("event: beat"):
            pass
        return json.loads(found.partition("data: ")[2])


def test_the_first_byte_comes_at_once_with_the_whole_fragment(house, watch, issuer):
    arrive(house, issuer, "B1")
    began = time.monotonic()
    with watch(CLINICIAN) as stream:
        assert stream.message() == "retry: 1000"
        fragment = stream.message()
        assert time.monotonic() - began < 0.3
    assert stream.answer.headers["content-type"].startswith("text/event-stream")
    assert stream.answer.headers["cache-control"] == "no-store"
    lines = fragment.splitlines()[1:]
    assert all(line.startswith("data: ") for line in lines)
    assert 'data: <div id="arrivals"' in lines[0]
    assert "I have B1" in fragment


def test_a_change_is_pushed_whole_under_another_id(house, watch, issuer):
    with watch(CLINICIAN) as stream:
        first = stream.fragment()
        arrive(house, issuer, "B1")
        second = stream.fragment()
    assert "I have B1" in second
    assert first.splitlines()[0] != second.splitlines()[0]


def test_what_has_not_changed_is_not_sent_again(watch):
    with watch(CLINICIAN) as stream:
        stream.fragment()
        for _ in range(3):
            assert stream.message().startswith("event: beat")


def test_the_same_fragment_has_the_same_id_for_everybody_and_later(watch):
    with watch(CLINICIAN) as one, watch(CLINICIAN) as other:
        assert one.fragment() == other.fragment()


def test_a_beat_says_the_time_of_the_service_and_how_old_the_page_is(watch):
    with watch(CLINICIAN) as stream:
        told = stream.beat()
    assert told["now"].endswith("Z")
    assert 0 <= told["age"] < 1


def test_a_beat_says_so_when_the_page_grows_old(house, watch, monkeypatch):
    with watch(CLINICIAN) as stream:
        stream.fragment()
        monkeypatch.setattr(house.database, "request", lambda *_, **__: 1 / 0)
        until(lambda: stream.beat()["age"] > 0.5)
        monkeypatch.undo()
        until(lambda: stream.beat()["age"] < 0.5)


def test_one_thing_is_watched_by_its_id_and_read_by_whoever_began_to(house, watch, issuer):
    arrive(house, issuer, "B1")
    arrive(house, issuer, "B2")
    with house.database.work() as db:
        first, second = db.scalars(sa.select(Arrival.id).order_by(Arrival.code))
    with watch(CLINICIAN, f"/lobby/stream?of=arrival/{first},arrival/{second}") as stream:
        shown = stream.fragment()
        assert "B1 waiting" in shown
        assert f'data-live="/lobby/fragments/arrival/{first}"' in shown
        assert "B2 waiting" in stream.fragment()
        with house.database.work() as db:
            db.execute(sa.update(Arrival).where(Arrival.id == second).values(taken_by="x"))
        assert "B2 taken" in stream.fragment()
        rows = sa.select(reads.c.subject).where(reads.c.operation == "arrival")
        with house.database.work() as db:
            assert set(db.scalars(rows)) == {f"arrival_id={one}" for one in (first, second)}
    with watch(ELSEWHERE_CLINICIAN, f"/lobby/stream?of=arrival/{first}") as stream:
        assert stream.answer.status_code == 404
    until(lambda: stream_of(house)._topics == {})


def test_nobody_sees_what_another_clinic_sees(house, watch, issuer):
    arrive(house, issuer, "B1")
    with watch(CLINICIAN) as one, watch(ELSEWHERE_CLINICIAN) as other:
        assert "I have B1" in one.fragment()
        assert "I have B1" not in other.fragment()


def test_what_is_ones_own_is_shown_to_nobody_else_and_forgotten_when_nobody_watches(house, watch):
    """Planted fault: a topic that does not say whose it is."""
    other = replace(PARTICIPANT, id=UUID(int=18))
    with watch(PARTICIPANT, MINE) as one, watch(other, MINE) as another:
        assert str(PARTICIPANT.id) in one.fragment()
        assert str(other.id) in another.fragment()
        assert len(stream_of(house)._topics) == 2
    until(lambda: stream_of(house)._topics == {})


@pytest.mark.parametrize(
    ("one", "path", "status"),
    [
        (None, ARRIVALS, 401),
        (PARTICIPANT, ARRIVALS, 403),
        (CLINICIAN, "/lobby/stream?of=mine", 403),
        (CLINICIAN, "/lobby/stream?of=board", 404),
        (CLINICIAN, "/lobby/stream", 404),
    ],
)
def test_a_stream_is_refused_before_its_first_byte(watch, one, path, status):
    with watch(one, path) as stream:
        assert stream.answer.status_code == status


def test_who_begins_to_watch_is_in_the_audit_once(house, watch):
    with watch(CLINICIAN) as stream:
        stream.fragment()
        stream.beat()
    with house.database.work() as db:
        rows = db.execute(sa.select(reads.c.by, reads.c.operation)).all()
    assert rows == [(f"clinician:{CLINICIAN.id}", "arrivals")]


def test_a_third_stream_of_a_browser_takes_the_place_of_the_first(house, watch):
    with watch(CLINICIAN) as first, watch(CLINICIAN) as second, watch(LEAD) as other:
        for stream in (first, second, other):
            stream.fragment()
        with watch(CLINICIAN) as third:
            third.fragment()
            until(lambda: first.message() + "\n\n" == ELSEWHERE.decode())
            for stream in (second, other, third):
                stream.beat()


def test_a_process_has_only_so_many_streams(watch, monkeypatch):
    monkeypatch.setattr(live, "STREAMS", 1)
    with watch(CLINICIAN) as first:
        first.fragment()
        with watch(LEAD) as second:
            assert second.answer.status_code == 503
            assert second.answer.headers["retry-after"] == "30"


def test_who_is_too_slow_gets_the_whole_instead_of_what_was_missed():
    topic = Topic(None, {}, None, "<div>now</div>", 0.0)
    client = Client("browser", 0, [topic])
    for number in range(QUEUED):
        client.send(b"%d" % number)
    client.send(b"last")
    assert [client.queue.get_nowait() for _ in range(2)] == [topic.whole, b"last"]
    assert client.queue.empty()


def test_a_client_that_is_gone_is_forgotten_without_a_word(house, watch, capfd, caplog):
    caplog.set_level(logging.DEBUG)
    with watch(CLINICIAN) as stream:
        stream.fragment()
        assert len(stream_of(house)._clients) == 1
    until(lambda: not stream_of(house)._clients)
    until(lambda: stream_of(house)._topics == {})
    assert "Traceback" not in "".join([caplog.text, *capfd.readouterr()])


def test_a_stream_ends_with_the_token_that_opened_it(house, watch, monkeypatch):
    with watch(CLINICIAN) as stream:
        stream.fragment()
        for client in stream_of(house)._clients:
            client.until = 0
        with pytest.raises(StopIteration):
            until(lambda: stream.message() is None)


def test_stopping_ends_streams_at_once(house, watch):
    with watch(CLINICIAN) as stream:
        stream.fragment()
        began = time.monotonic()
        assert house.front.stop(deadline=10) == 0
        assert time.monotonic() - began < 2


def test_a_stream_takes_no_worker(house, watch):
    with watch(CLINICIAN) as stream:
        stream.fragment()
        until(lambda: house.busy_workers == 0)
