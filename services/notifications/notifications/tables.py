"""The base of this service's tables."""

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase

from chassis.database import COLUMN_TYPES, NAMING


class Base(DeclarativeBase):
    """Every table of this service."""

    metadata = sa.MetaData(naming_convention=NAMING)
    type_annotation_map = COLUMN_TYPES
