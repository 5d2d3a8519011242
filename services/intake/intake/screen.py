"""A screen: one instrument put to a participant, its answers, and the danger they show.

A sign of danger is announced in the transaction that stores the answer, before anything else is
asked. A screen that is not ended in time is a sign itself; later answers to it still count, so
that no yes is ever turned away by a clock.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.intake import ScreenCompleted
from chassis.announce import announce, uuid7
from chassis.database import OfClinic, Session
from chassis.refusals import Conflict, Invalid, NotFound
from chassis.states import States
from chassis.timers import set_timer
from intake import instruments
from intake.episode import Episode
from intake.instruments import INCOMPLETE_SIGN, SUICIDE_SCREENS
from intake.risk import Risk, detect
from intake.tables import Base

SCREEN = States(
    "screen",
    {
        ("open", "complete"): "complete",
        ("open", "abandon"): "incomplete",
        ("incomplete", "complete"): "complete",
    },
)
OVERDUE, SUICIDE_SCREEN_DUE = "screen_overdue", "suicide_screen_due"
TIME_TO_ANSWER = timedelta(minutes=instruments.SCREEN_MINUTES)


class Screen(OfClinic, Base):
    """One instrument, from its first question to its score."""

    __tablename__ = "screens"
    __table_args__ = (
        SCREEN.check(),
        sa.Index(
            "uq_screens_one_open", "episode_id", "instrument", unique=True,
            postgresql_where=sa.text("state = 'open'"), sqlite_where=sa.text("state = 'open'"),
        ),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    episode_id: Mapped[UUID] = mapped_column(sa.ForeignKey("episodes.id"), index=True)
    participant_id: Mapped[UUID]
    instrument: Mapped[str] = mapped_column(sa.String(16))
    state: Mapped[str] = mapped_column(sa.String(16))
    opened_at: Mapped[datetime]
    opened_by: Mapped[str] = mapped_column(sa.String(96))
    must_end_by: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    total: Mapped[int | None]
    band: Mapped[str | None] = mapped_column(sa.String(32))
    timer_generation: Mapped[int]

    @classmethod
    def find(cls, db: Session, screen_id: UUID) -> Self:
        """The screen, locked, so that two answers cannot both miss the danger they show together.

        Raises NotFound.
        """
        found = db.get(cls, screen_id, with_for_update=True)
        if found is None:
            raise NotFound("screen", screen_id=str(screen_id))
        return found

    @classmethod
    def put(cls, db: Session, episode: Episode, instrument: str, *, by: str, at: datetime) -> Self:
        """Put an instrument to the participant. Raises Conflict `already_open`."""
        episode.must_be_open()
        running = sa.select(cls.id).filter_by(
            episode_id=episode.id, instrument=instrument, state="open"
        )
        if (screen_id := db.scalar(running)) is not None:
            raise Conflict("already_open", screen_id=str(screen_id))
        one = cls(
            id=uuid7(), clinic_id=episode.clinic_id, episode_id=episode.id,
            participant_id=episode.participant_id, instrument=instrument, state=SCREEN.initial,
            opened_at=at, opened_by=by, must_end_by=at + TIME_TO_ANSWER, timer_generation=0,
        )  # fmt: skip
        db.add(one)
        one._set_timer(db, OVERDUE, one.must_end_by)
        return one

    def answers(self, db: Session) -> dict[str, int]:
        """The last answer to each item."""
        return {item: answer.value for item, answer in self._last(db).items()}

    def answer(
        self, db: Session, given: Mapping[str, int], *, by: str, at: datetime
    ) -> Risk | None:
        """Keep answers, and announce the danger they show. Returns the risk if it is a new one.

        Raises Invalid for what is no answer, Conflict `screen_complete`.
        """
        if self.state == "complete":
            raise Conflict("screen_complete")
        if wrong := instruments.wrong_answers(self.instrument, given):
            raise Invalid(**{f"answers.{item}": message for item, message in wrong.items()})
        last = self._last(db)
        for item, value in given.items():
            before = last.get(item)
            if before is None or before.value != value:
                last[item] = Answer(
                    screen_id=self.id, item=item, revision=before.revision + 1 if before else 1,
                    value=value, clinic_id=self.clinic_id, answered_at=at, answered_by=by,
                )  # fmt: skip
                db.add(last[item])
        answers = {item: answer.value for item, answer in last.items()}
        return self._detect(db, instruments.sign_of(self.instrument, answers), at=at)

    def missing(self, db: Session) -> tuple[str, ...]:
        """Items still to be answered."""
        return instruments.missing(self.instrument, self.answers(db))

    def complete(self, db: Session, episode: Episode, *, at: datetime) -> None:
        """Score a screen answered to the end. Raises Invalid while answers are missing."""
        answers = self.answers(db)
        if missing := instruments.missing(self.instrument, answers):
            raise Invalid(**{f"answers.{item}": "Missing." for item in missing})
        SCREEN.advance(self, "complete")
        self.timer_generation += 1
        self.ended_at = at
        self.total = instruments.total(self.instrument, answers)
        self.band = band = instruments.band(self.instrument, answers)
        episode.was_screened()
        announce(
            db,
            ScreenCompleted(
                clinic_id=self.clinic_id, episode_id=self.episode_id,
                participant_id=self.participant_id, screen_id=self.id,
                instrument=self.instrument, band=band,
            ),
        )  # fmt: skip
        if asked_at := self._asked_for_suicide_screen_at(db):
            self._set_timer(db, SUICIDE_SCREEN_DUE, asked_at + TIME_TO_ANSWER)

    def abandon(self, db: Session, *, at: datetime) -> None:
        """Nobody ended the screen in time."""
        SCREEN.advance(self, "abandon")
        self._detect(db, INCOMPLETE_SIGN, at=at)

    def expect_suicide_screen(self, db: Session, *, at: datetime) -> None:
        """Item 9 asked for a suicide screen: none ended by now counts as one abandoned."""
        ended = sa.exists().where(
            Screen.episode_id == self.episode_id,
            Screen.instrument.in_(SUICIDE_SCREENS),
            Screen.state == "complete",
            Screen.ended_at >= self.opened_at,
        )
        if not db.scalar(sa.select(ended)):
            self._detect(db, INCOMPLETE_SIGN, at=at)

    def suicide_tier(self, db: Session) -> str:
        """The suicide tier of an ASQ or C-SSRS as it stands, INCOMPLETE until it is ended."""
        return instruments.suicide_tier(self.instrument, self.answers(db))

    def _last(self, db: Session) -> dict[str, "Answer"]:
        given = sa.select(Answer).filter_by(screen_id=self.id).order_by(Answer.revision)
        return {answer.item: answer for answer in db.scalars(given)}

    def _asked_for_suicide_screen_at(self, db: Session) -> datetime | None:
        """When an answer first asked for one; to take it back afterwards changes nothing."""
        given = db.scalars(sa.select(Answer).filter_by(screen_id=self.id))
        asks = instruments.asks_for_suicide_screen
        return min((one.answered_at for one in given if asks({one.item: one.value})), default=None)

    def _set_timer(self, db: Session, kind: str, due_at: datetime) -> None:
        set_timer(
            db, kind, owner_id=self.id, clinic_id=self.clinic_id, due_at=due_at,
            generation=self.timer_generation,
        )  # fmt: skip

    def _detect(self, db: Session, sign: instruments.Sign | None, *, at: datetime) -> Risk | None:
        return detect(
            db, sign, clinic_id=self.clinic_id, episode_id=self.episode_id,
            participant_id=self.participant_id, found_by_id=self.id, instrument=self.instrument,
            at=at,
        )  # fmt: skip


class Answer(OfClinic, Base):
    """One answer as a number. A changed answer is a further revision; nothing is overwritten."""

    __tablename__ = "screen_answers"

    screen_id: Mapped[UUID] = mapped_column(sa.ForeignKey("screens.id"), primary_key=True)
    item: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[int] = mapped_column(sa.SmallInteger)
    answered_at: Mapped[datetime]
    answered_by: Mapped[str] = mapped_column(sa.String(96))
