"""What somebody agreed to be told, by purpose and channel: a ledger that is only added to.

How things stand is a reading of it. A form is signed for one episode of care and ends with it.
What people say themselves, by replying STOP or on their page, holds over every form, also over one
that comes later: only they can take it back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.intake import ConsentGiven, ParticipantDischarged, ReferralClosed
from channels.outgoing import EMAIL
from chassis.database import OfClinic, Session
from notifications import wording
from notifications.purposes import KEYS, Key
from notifications.tables import Base

GIVEN, WITHHELD, ENDED = "given", "withheld", "ended"
WITHDRAWN, RESTORED = "withdrawn", "restored"

OPTED_OUT, NO_CONSENT = "opted_out", "no_consent"


class Entry(OfClinic, Base):
    """One thing that was said about one purpose and channel; of an episode, or by the person.

    `version` is that of the form or page, `wording` what was read on it where it was ours.
    """

    __tablename__ = "consent_ledger"

    n: Mapped[int] = mapped_column(
        sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.Identity(), primary_key=True
    )
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recipients.person_id"), index=True)
    episode_id: Mapped[UUID | None]
    purpose: Mapped[str] = mapped_column(sa.String(16))
    channel: Mapped[str] = mapped_column(sa.String(8))
    said: Mapped[str] = mapped_column(sa.String(12))
    version: Mapped[str | None] = mapped_column(sa.String(64))
    wording: Mapped[str | None] = mapped_column(sa.Text)
    wording_digest: Mapped[str | None] = mapped_column(sa.String(64))
    said_in: Mapped[str] = mapped_column(sa.String(16))
    by: Mapped[str] = mapped_column(sa.String(96))
    at: Mapped[datetime]

    @property
    def key(self) -> Key:
        return self.purpose, self.channel


@dataclass(frozen=True)
class Standing:
    """How things stand for one purpose and channel, and the entry that says so."""

    allowed: bool = False
    entry: Entry | None = None

    @property
    def reason(self) -> str | None:
        """Why nothing may be sent, or None."""
        if self.allowed:
            return None
        return OPTED_OUT if self.entry and self.entry.said == WITHDRAWN else NO_CONSENT


def read(entries: Iterable[Entry]) -> Mapping[Key, Standing]:
    """How things stand after these entries of one person, in their order."""
    withdrawn: dict[Key, Entry] = {}
    granted: dict[Key, Entry] = {}
    forms: dict[UUID, dict[Key, Entry]] = {}
    for entry in entries:
        if entry.episode_id is not None:
            forms.setdefault(entry.episode_id, {})[entry.key] = entry
            granted.pop(entry.key, None) if entry.said == WITHHELD else None
        elif entry.said == WITHDRAWN:
            withdrawn[entry.key] = entry
        else:
            withdrawn.pop(entry.key, None)
            granted |= {entry.key: entry} if entry.said == GIVEN else {}
    live = [said for said in forms.values() if any(e.said != ENDED for e in said.values())]
    own = granted if live else {}
    return {
        key: _standing(withdrawn.get(key), [said.get(key) for said in (*live, own)]) for key in KEYS
    }


def _standing(withdrawn: Entry | None, said: Iterable[Entry | None]) -> Standing:
    """From somebody's own refusal, if it holds, and what was said in each episode that goes on."""
    if withdrawn:
        return Standing(False, withdrawn)
    given = [entry for entry in said if entry and entry.said == GIVEN]
    return Standing(True, max(given, key=lambda entry: entry.n)) if given else Standing()


def standings(db: Session, person_id: UUID) -> Mapping[Key, Standing]:
    """How things stand for somebody now."""
    return read(ledger(db, person_id))


def ledger(db: Session, person_id: UUID) -> list[Entry]:
    """Everything that was said, in order."""
    return list(db.scalars(sa.select(Entry).where(Entry.person_id == person_id).order_by(Entry.n)))


def take_form(db: Session, given: ConsentGiven, *, by: str, at: datetime) -> None:
    """Note which messages a consent to treatment agrees to, and which it does not."""
    for key in KEYS:
        said = GIVEN if _agreed(given.messages, key) else WITHHELD
        _add(
            db, given.clinic_id, given.participant_id, key, said, by=by, at=at, said_in="form",
            episode_id=given.episode_id, version=given.version,
        )  # fmt: skip


def end_form(
    db: Session, ended: ParticipantDischarged | ReferralClosed, *, by: str, at: datetime
) -> None:
    """The episode is over, and with it what was agreed to for it."""
    asked = sa.select(Entry.purpose, Entry.channel).where(Entry.episode_id == ended.episode_id)
    for purpose, channel in db.execute(asked.distinct()).all():
        _add(
            db, ended.clinic_id, ended.participant_id, (purpose, channel), ENDED, by=by, at=at,
            said_in="form", episode_id=ended.episode_id,
        )  # fmt: skip


def say(
    db: Session, clinic_id: UUID, person_id: UUID, words: Mapping[Key, str], *, said_in: str,
    by: str, at: datetime,
) -> bool:  # fmt: skip
    """Note what a person said themselves, and nothing that stood so already. Only what they agree
    to was read by them, in today's wording. Returns whether anything is new."""
    before = standings(db, person_id)
    new = {key: said for key, said in words.items() if not _says_nothing_new(before[key], said)}
    for key, said in new.items():
        version = wording.CURRENT if said == GIVEN else None
        _add(db, clinic_id, person_id, key, said, by=by, at=at, said_in=said_in, version=version)
    return bool(new)


def _says_nothing_new(before: Standing, said: str) -> bool:
    withdrawn = before.entry is not None and before.entry.said == WITHDRAWN
    return {WITHDRAWN: withdrawn, RESTORED: not withdrawn, GIVEN: before.allowed}[said]


def _agreed(messages: Iterable[str], key: Key) -> bool:
    """`days.sms` names one; `email` is of forms that asked for e-mail of every purpose."""
    purpose, channel = key
    return f"{purpose}.{channel}" in messages or (channel == EMAIL and EMAIL in messages)


def _add(
    db: Session, clinic_id: UUID, person_id: UUID, key: Key, said: str, *, said_in: str, by: str,
    at: datetime, version: str | None = None, episode_id: UUID | None = None,
) -> None:  # fmt: skip
    purpose, channel = key
    words = wording.shown(version, key) if version and said == GIVEN else None
    db.add(
        Entry(
            clinic_id=clinic_id, person_id=person_id, episode_id=episode_id, purpose=purpose,
            channel=channel, said=said, version=version, wording=words,
            wording_digest=words and wording.digest(words), said_in=said_in, by=by, at=at,
        )
    )  # fmt: skip
    db.flush()
