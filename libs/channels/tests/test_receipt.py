"""Which status holds, in whatever order receipts come."""

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from channels.receipt import DELIVERED, FAILED, QUEUED, SENT, UNDELIVERABLE, UNKNOWN, furthest

FINAL = (DELIVERED, FAILED, UNDELIVERABLE)
ALL = (UNKNOWN, QUEUED, SENT, *FINAL)


@given(st.lists(st.sampled_from(ALL)))
def test_a_final_status_is_never_taken_back(said):
    """Planted fault: the last receipt that comes wins."""
    finals = [status for status in said if status in FINAL]
    holds = reduce(furthest, said, UNKNOWN)
    assert holds == (finals[0] if finals else max([UNKNOWN, *said], key=ALL.index))


@given(st.permutations([QUEUED, SENT, DELIVERED]), st.integers(1, 3))
def test_order_and_repetition_do_not_matter(said, times):
    assert reduce(furthest, said * times, UNKNOWN) == DELIVERED
