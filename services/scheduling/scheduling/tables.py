"""The declarative base of every mapped class here, with the house's names and column types."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.announce import uuid7
from chassis.database import COLUMN_TYPES, NAMING


class Base(DeclarativeBase):
    """What scheduling maps."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = COLUMN_TYPES


class Identified:
    """A row known by a UUIDv7."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)


class Made:
    """A row that says who made it and when."""

    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(96))
