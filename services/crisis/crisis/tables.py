"""The declarative base of every mapped class here, with the house's names and column types."""

from uuid import UUID

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.announce import uuid7
from chassis.database import COLUMN_TYPES, NAMING

ENGINE = "service:crisis"
"""How writes name the ladder itself, where no person and no other service did it."""


class Base(DeclarativeBase):
    """What crisis maps."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = COLUMN_TYPES


class Identified:
    """A row known by a UUIDv7."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
