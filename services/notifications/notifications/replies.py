"""What people write back: taken once, done at once, answered in the same breath.

The text is read and forgotten: it is in no row, no event and no log. What it asked for is kept.
Danger comes first, whatever else is said with it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.risk import RiskDetected
from channels.callbacks import Reply as Heard
from chassis.announce import announce, uuid7
from chassis.database import OfClinic, Session, insert_into
from notifications import absences, answers, reply_words, seats, wishes
from notifications.purposes import BY_PHONE
from notifications.recipients import Recipient
from notifications.reply_words import CANNOT_COME, HELP, RISK, START, STOP, Asked
from notifications.tables import Base

TIER, TRIGGER = "T2", "reply_risk_words"
"""F61 of the feature list; a clinician decides whether it should be T1."""

BY_REPLY = "reply"
NEXT_DAY = timedelta(days=1)

FOR_STAFF = "unread"
"""What no list knows is for a person to ask about, the same day."""


class Reply(OfClinic, Base):
    """One text of one person: what it asked for, and what it was answered."""

    __tablename__ = "replies"
    __table_args__ = (sa.UniqueConstraint("person_id", "reference"),)

    reply_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recipients.person_id"), index=True)
    reference: Mapped[str] = mapped_column(sa.String(64))
    heard_at: Mapped[datetime]
    kinds: Mapped[list[str]]
    language: Mapped[str] = mapped_column(sa.String(8))
    answers: Mapped[list[str]]


@dataclass(frozen=True)
class Said:
    """What is written back at once, and what kind of text it answers, to be counted."""

    texts: list[str]
    kind: str


def take(db: Session, heard: Heard, people: Sequence[Recipient]) -> Said:
    """Do what a text asks for, for everybody whose number it came from.

    One that comes again is answered as it was, and does nothing more. A number that leads to nobody
    leaves nothing here, and nobody can be sent; who may be in danger gets the numbers all the same.
    """
    asked = reply_words.read(heard.text)
    is_risk = RISK in asked.kinds
    if people:
        said = [code for one in people for code in _take_once(db, heard, one, asked)]
    else:
        said = [answers.NUMBERS_ALONE] if is_risk else []
    texts = [answers.text(code, asked.language) for code in dict.fromkeys(said)]
    return Said(texts, RISK if is_risk else "other")


def _take_once(db: Session, heard: Heard, person: Recipient, asked: Asked) -> list[str]:
    row = {
        "reply_id": uuid7(), "clinic_id": person.clinic_id, "person_id": person.person_id,
        "reference": heard.reference, "heard_at": db.now, "language": asked.language,
        "kinds": sorted(asked.kinds & set(_DO)) or [FOR_STAFF], "answers": [],
    }  # fmt: skip
    insert = insert_into(db, Reply).values(row).on_conflict_do_nothing()
    is_new = db.execute(insert.returning(Reply.reply_id)).all()
    mine = sa.select(Reply).where(
        Reply.person_id == person.person_id, Reply.reference == heard.reference
    )
    reply = db.scalars(mine).one()
    if is_new:
        reply.answers = [code for code in _done(db, person, asked) if code]
    return reply.answers


def _done(db: Session, person: Recipient, asked: Asked) -> list[str | None]:
    """Everything that was asked for, danger first. Returns the answers, in that order."""
    return [_DO[kind](db, person) for kind in _DO if kind in asked.kinds]


def _risk(db: Session, person: Recipient) -> str:
    announce(
        db,
        RiskDetected(
            clinic_id=person.clinic_id, risk_id=uuid7(), participant_id=person.person_id,
            tier=TIER, trigger=TRIGGER,
        ),
    )  # fmt: skip
    return answers.NUMBERS


def _stop(db: Session, person: Recipient) -> str | None:
    """One confirmation at most: who had stopped already gets none."""
    is_new = wishes.stop(db, person, BY_PHONE, by=_by(person))
    return answers.STOPPED if is_new else None


def _start(db: Session, person: Recipient) -> str | None:
    is_new = wishes.start(db, person, BY_PHONE, by=_by(person))
    return answers.STARTED if is_new else None


def _help(_db: Session, _person: Recipient) -> str:
    return answers.HELP


def _cannot_come(db: Session, person: Recipient) -> str:
    """The next day is meant; one that is further off is for the link in its reminder."""
    days = seats.days_between(db, person.person_id, db.now, db.now + NEXT_DAY)
    if not days:
        return answers.NO_DAY
    absences.say_cannot_come(db, days[0], person.person_id, by=BY_REPLY, at=db.now)
    return answers.NOT_COMING


_DO: dict[str, Callable[[Session, Recipient], str | None]] = {
    RISK: _risk, STOP: _stop, START: _start, HELP: _help, CANNOT_COME: _cannot_come,
}  # fmt: skip


def _by(person: Recipient) -> str:
    return f"participant:{person.person_id}"


def of_person(db: Session, person_id: UUID) -> list[Reply]:
    """What somebody wrote back lately, newest first."""
    asked = sa.select(Reply).where(Reply.person_id == person_id)
    return list(db.scalars(asked.order_by(Reply.heard_at.desc()).limit(50)))
