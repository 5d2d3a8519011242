"""As whose messages appear: a clinic's own name for the sender and for an appointment.

A clinic that has said nothing appears as the operator's discreet address, without a name. What it
says is a row of its own with its date; the newest one counts.
"""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from chassis.announce import uuid7
from chassis.database import OfClinic, Session
from chassis.refusals import Invalid
from notifications.discretion import said_too_much
from notifications.tables import Base

LONGEST = 60


class Brand(OfClinic, Base):
    """What a clinic calls itself and its appointments, wherever a stranger may read it."""

    __tablename__ = "brands"

    brand_id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    sender_name: Mapped[str | None] = mapped_column(sa.String(LONGEST))
    calendar_title: Mapped[str | None] = mapped_column(sa.String(LONGEST))
    said_by: Mapped[str] = mapped_column(sa.String(96))
    said_at: Mapped[datetime]


def say(
    db: Session,
    clinic_id: UUID,
    *,
    sender_name: str | None,
    calendar_title: str | None,
    by: str,
    at: datetime,
) -> Brand:
    """Take a clinic's brand. Raises Invalid, by field, for one that gives too much away."""
    named = {"sender_name": sender_name, "calendar_title": calendar_title}
    wrong = {name: terms for name, text in named.items() if (terms := said_too_much(text or ""))}
    if wrong:
        raise Invalid(
            **{
                name: f"Says too much to whoever sees a message arrive: {', '.join(terms)}."
                for name, terms in wrong.items()
            }
        )
    brand = Brand(clinic_id=clinic_id, **named, said_by=by, said_at=at)
    db.add(brand)
    return brand


def brand_of(db: Session, clinic_id: UUID) -> Brand | None:
    """What a clinic has said last, or None."""
    return db.scalar(
        sa.select(Brand)
        .where(Brand.clinic_id == clinic_id)
        .order_by(Brand.said_at.desc(), Brand.brand_id.desc())
        .limit(1)
    )
