"""A breaker opens after failures in a row, and lets one trial through after a pause."""

import threading

from channels.breaker import OPENS_AFTER, PAUSE_SECONDS, Breaker


def opened(at: float = 100.0) -> Breaker:
    breaker = Breaker()
    for _ in range(OPENS_AFTER):
        assert breaker.lets_through(at)
        breaker.failed(at)
    return breaker


def test_it_opens_after_failures_in_a_row_only():
    breaker = Breaker()
    for _ in range(OPENS_AFTER * 2):
        breaker.failed(1.0)
        assert breaker.lets_through(1.0)
        breaker.succeeded()
    assert not opened().lets_through(100.0)


def test_after_the_pause_one_trial_is_let_through_and_its_success_closes_it():
    """Planted fault: closing after the pause lets everybody through at once."""
    breaker, later = opened(100.0), 100.0 + PAUSE_SECONDS
    assert not breaker.lets_through(later - 0.1)
    assert [breaker.lets_through(later) for _ in range(5)] == [True, False, False, False, False]
    breaker.succeeded()
    assert breaker.lets_through(later)


def test_a_trial_that_fails_opens_it_for_another_pause():
    breaker, later = opened(100.0), 100.0 + PAUSE_SECONDS
    assert breaker.lets_through(later)
    breaker.failed(later + 10)
    assert not breaker.lets_through(later + PAUSE_SECONDS)
    assert breaker.lets_through(later + 10 + PAUSE_SECONDS)


def test_a_trial_that_is_never_heard_of_does_not_keep_it_open_for_ever():
    breaker, later = opened(100.0), 100.0 + PAUSE_SECONDS
    assert breaker.lets_through(later)
    assert breaker.lets_through(later + PAUSE_SECONDS)


def test_a_clock_that_is_set_back_lengthens_no_pause():
    """Planted fault: comparing with the instant of the next trial alone."""
    assert opened(100_000.0).lets_through(50_000.0)


def test_of_many_threads_one_has_the_trial():
    breaker, told = opened(100.0), []
    threads = [
        threading.Thread(target=lambda: told.append(breaker.lets_through(100.0 + PAUSE_SECONDS)))
        for _ in range(20)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(told) == [False] * 19 + [True]
