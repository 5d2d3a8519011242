"""Episodes: every step from every state, and what the database refuses by itself."""

from datetime import date, timedelta
from itertools import product
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from chassis.refusals import Conflict, Invalid, NotFound
from intake.episode import EPISODE, OVER, Episode, credit_minutes
from intake.screen import SCREEN


class Row:
    def __init__(self, state):
        self.state = state


@pytest.mark.parametrize(("state", "step"), [*product(EPISODE.states, EPISODE.steps)])
def test_a_step_leads_where_the_table_says_or_nowhere(state, step):
    row = Row(state)
    if (state, step) in EPISODE.table:
        EPISODE.advance(row, step)
        assert row.state == EPISODE.table[state, step]
    else:
        with pytest.raises(Conflict):
            EPISODE.advance(row, step)
        assert row.state == state


def test_the_readme_shows_the_states_as_they_are():
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    for states in (EPISODE, SCREEN):
        assert states.diagram() in readme


def test_what_is_over_stays_over_and_admission_follows_consent_only():
    assert {state for state, _ in EPISODE.table}.isdisjoint(OVER)
    assert [s for (s, step) in EPISODE.table if step == "admit"] == ["consented"]


@pytest.mark.parametrize("step", ["close", "refer_out"])
def test_no_rule_turns_anybody_away(given, step):
    """Planted fault: writing the state past the noun is refused by the database too."""
    episode_id = given.episode()
    with given.database.work() as db:
        one = Episode.find(db, episode_id)
        with pytest.raises(Conflict, match="human_decision_needed"):
            one.decide_against(db, step, "criteria", by=None, at=db.now)
    past_the_noun = sa.update(Episode).values(state=EPISODE.table["referred", step])
    with pytest.raises(IntegrityError):
        given.write(past_the_noun.where(Episode.id == episode_id))


def test_the_database_refuses_a_level_without_the_human_who_confirmed_it(given):
    episode_id = given.episode()
    alone = sa.update(Episode).values(confirmed_level="IOP")
    with pytest.raises(IntegrityError):
        given.write(alone.where(Episode.id == episode_id))


def test_the_database_refuses_a_second_living_episode_of_one_participant(given):
    episode_id = given.episode()
    with given.database.work() as db:
        first = Episode.find(db, episode_id)
        same = {c.key: getattr(first, c.key) for c in sa.inspect(Episode).columns}
    with pytest.raises(IntegrityError):
        given.write(sa.insert(Episode).values({**same, "id": uuid4()}))


def test_a_step_down_needs_the_day_the_hospital_was_left(given):
    with pytest.raises(Invalid) as refused:
        given.episode("step_down")
    assert set(refused.value.fields) == {"discharged_on"}
    episode_id = given.episode("step_down", left_on=date(2026, 11, 20))
    with given.database.work() as db:
        assert Episode.find(db, episode_id).first_day_due_on == date(2026, 11, 27)


def test_minutes_go_to_the_episode_that_was_running_when_they_were_attended(given, clock):
    start = clock.now()
    episode_id = given.episode(state="discharged", admitted_at=start)
    with given.database.work() as db:
        person = Episode.find(db, episode_id).participant_id
        again = Episode(
            id=uuid4(), clinic_id=given.clinic, participant_id=person, kind="self",
            state="admitted", referred_at=start, referred_by="test", overrides=[],
            override_evidence=[], attended_minutes=0, admitted_at=start + timedelta(days=30),
        )  # fmt: skip
        db.add(again)
    for day, minutes in ((2, 100), (31, 60), (5, 20)):
        with given.database.work() as db:
            credit_minutes(db, person, minutes, attended_by=start + timedelta(days=day))
    with given.database.work() as db:
        found = {one.id: one.attended_minutes for one in db.scalars(sa.select(Episode))}
        assert found == {episode_id: 120, again.id: 60}
        with pytest.raises(NotFound):
            credit_minutes(db, uuid4(), 10, attended_by=start)
