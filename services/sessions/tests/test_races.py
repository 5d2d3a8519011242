"""Two transactions that meet, on PostgreSQL: one waits for the other, and nobody is forgotten.

The first has done its work and not committed; the second runs until it waits or is done.
"""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import eventlet
import pytest

from chassis.database import Session as Db
from chassis.refusals import Conflict
from services.sessions.tests.builders import MINUTES, Books, Day, released
from sessions import roster, session, whereabouts
from sessions.session import Session, log_in

ANN, BEN = uuid4(), uuid4()
DEADLINE_SECONDS = 20


@pytest.fixture
def books(postgres_books) -> Books:
    return postgres_books


@pytest.fixture
def day(books) -> Day:
    one = Day()
    books.know(one, ANN)
    return one


def meet(books: Books, first: Callable[[Db], Any], second: Callable[[], Any]) -> Any:
    """What the second returns. Raises what it raises."""
    with books.database.work() as db:
        first(db)
        db.flush()
        thread = eventlet.spawn(second)
        with eventlet.Timeout(DEADLINE_SECONDS):
            while not thread.dead and not waits_for_a_lock(books):
                eventlet.sleep(0.005)
    return thread.wait()


def waits_for_a_lock(books: Books) -> bool:
    with books.database.look() as connection:
        return connection.exec_driver_sql(
            "SELECT count(*) FROM pg_locks WHERE NOT granted"
        ).scalar_one() > 0  # fmt: skip


def test_a_seat_offered_while_the_room_is_being_opened_is_expected(books, day):
    """Fails when `offer_seat` does not hold the cohort."""
    seat = day.offered(BEN)

    def offer() -> None:
        with books.database.work() as db:
            session.seat_changed(db, roster.offer_seat(db, seat))

    opened = []
    meet(books, lambda db: opened.append(open_in(db, day)), offer)
    assert books.states(opened[0]) == {ANN: "expected", BEN: "expected"}


def test_a_room_opened_while_a_seat_is_being_offered_expects_the_person(books, day):
    """Fails when `Session.open` does not hold the cohort."""
    seat = day.offered(BEN)
    opened = meet(
        books,
        lambda db: session.seat_changed(db, roster.offer_seat(db, seat)),
        lambda: books.open(day),
    )
    assert books.states(opened) == {ANN: "expected", BEN: "expected"}


def test_of_two_who_open_the_room_at_once_one_is_told_that_it_is_open(books, day):
    with pytest.raises(Conflict) as refused:
        meet(books, lambda db: open_in(db, day), lambda: books.open(day))
    assert refused.value.code == "already_open"


def test_who_logs_in_while_the_day_is_wrapped_up_is_credited_or_refused(books, day):
    """Fails when `log_in` does not lock the session."""
    session_id = books.open(day)
    credited = meet(
        books,
        lambda db: log_in_in(db, books, day, session_id),
        lambda: books.wrap_up(day, session_id, day.ends_at),
    )
    assert credited == {ANN: MINUTES}
    other = Day()
    books.know(other, ANN)
    session_id = books.open(other)
    with pytest.raises(Conflict) as refused:
        meet(
            books,
            lambda db: wrap_up_in(db, other, session_id),
            lambda: books.log_in(other, session_id, ANN, other.starts_at),
        )
    assert refused.value.code == "session_closed"


def test_whereabouts_confirmed_twice_at_once_get_two_versions(books, day):
    """A person may log in to two days at once. Fails when the version is read and written back."""

    def confirm(db: Db) -> int:
        return whereabouts.confirm(
            db, books.vault, ANN, {}, clinic_id=day.clinic_id, by="x", at=db.now
        )

    def confirm_too() -> int:
        with books.database.work() as db:
            return confirm(db)

    assert meet(books, confirm, confirm_too) == 2


def test_who_logs_in_while_their_seat_is_released_keeps_the_day(books, day):
    """Fails when `release` reads the day without locking it."""
    seat = day.offered(BEN)
    with books.database.work() as db:
        roster.offer_seat(db, seat)
    session_id = books.open(day)

    def release() -> None:
        with books.database.work() as db:
            session.seat_changed(db, roster.release_seat(db, released(seat), at=db.now))

    meet(books, lambda db: log_in_in(db, books, day, session_id, BEN), release)
    assert books.states(session_id)[BEN] == "present"


def open_in(db: Db, day: Day) -> Any:
    return Session.open(db, day.occurrence_id, by=day.facilitator_id, at=db.now).session_id


def wrap_up_in(db: Db, day: Day, session_id: Any) -> None:
    Session.find(db, session_id, alone=True).wrap_up(db, by=day.facilitator_id, at=db.now)


def log_in_in(db: Db, books: Books, day: Day, session_id: Any, person: Any = ANN) -> None:
    said = {"state": "NY", "location": "12 Elm Street, Albany", "callback_number": "555"}
    log_in(
        db, books.vault, session_id, person, said, private=True, vouched=False,
        by=f"participant:{person}", at=day.starts_at,
    )  # fmt: skip
