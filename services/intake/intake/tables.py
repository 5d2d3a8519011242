"""Where the tables of intake are registered."""

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

from chassis.database import COLUMN_TYPES, NAMING


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = COLUMN_TYPES
