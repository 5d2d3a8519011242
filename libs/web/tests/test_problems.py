import pytest

from chassis.refusals import Conflict, NotFound
from web.problems import Problem, problem_of


@pytest.mark.parametrize(
    ("failure", "title"),
    [
        (NotFound("case"), "Case not found"),
        (NotFound("not_found"), "Not found"),
        (NotFound("seat_not_found"), "Seat not found"),
        (Conflict("too_early"), "Too early"),
        (Problem(422, "invalid"), "Invalid"),
    ],
)
def test_a_title_says_what_is_wrong(failure, title):
    assert problem_of(failure).title == title
