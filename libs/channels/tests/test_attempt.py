"""An attempt ends when it must, and what has not gone by then never goes."""

import socket
import threading
import time

import eventlet
import pytest

from channels.attempt import Attempt, CalledOff, attempt
from channels.outcome import accepted
from libs.channels.tests.builders import always


@pytest.mark.parametrize(
    ("gone", "result", "may_repeat"), [(False, "refused", False), (True, "unknown", True)]
)
def test_what_cannot_be_hung_up_is_left_behind(gone, result, may_repeat):
    """A name that does not resolve is such a thing. Planted fault: no gate before it goes."""
    later, told = threading.Event(), []

    def talk(one: Attempt):
        if gone:
            one.go()
        later.wait()
        try:
            one.go()
        except CalledOff:
            told.append("called off")
        return accepted("1")

    began = time.monotonic()
    outcome = attempt(talk, seconds=0.2, may_go=always)
    assert time.monotonic() - began < 5
    assert (outcome.result, outcome.code) == (result, "deadline")
    assert outcome.may_repeat == may_repeat
    later.set()
    with eventlet.Timeout(20, TimeoutError("it went on")):
        while not told:
            eventlet.sleep(0.01)


def test_a_connection_that_is_made_too_late_is_hung_up_at_once():
    one = Attempt(1.0, always)
    one.end()
    ours, theirs = socket.socketpair()
    one.hold(ours)
    assert theirs.recv(1) == b""
    ours.close()
    theirs.close()


def test_at_the_deadline_the_connection_is_hung_up():
    """Planted fault: an attempt that returns in time and leaves its thread listening for ever."""
    ours, theirs = socket.socketpair()
    heard = []

    def talk(one: Attempt):
        one.hold(ours)
        heard.append(ours.recv(1))
        return one.lost()

    assert attempt(talk, seconds=0.2, may_go=always).code == "deadline"
    with eventlet.Timeout(20, TimeoutError("it still listens")):
        while not heard:
            eventlet.sleep(0.01)
    assert heard == [b""]
    ours.close()
    theirs.close()
