"""The base of this service's tables, and the insert that tolerates a row that is already there."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase

from chassis.database import COLUMN_TYPES, NAMING, Session


class Base(DeclarativeBase):
    """Every table of this service."""

    metadata = sa.MetaData(naming_convention=NAMING)
    type_annotation_map = COLUMN_TYPES


def insert(db: Session, table: type[Base]) -> Any:
    """An INSERT with ON CONFLICT, in the dialect of this database."""
    dialect = postgresql if db.connection().dialect.name == "postgresql" else sqlite
    return dialect.insert(table)
