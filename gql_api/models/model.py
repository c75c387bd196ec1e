"""What all tables share: naming of constraints, the key, text, and points in time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, Identity, Integer, MetaData, String
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.types import TypeDecorator

TEXT_LENGTH_MAX = 255
"""Characters in a name, title, code, e-mail address or sourcedId: what OneRoster asks systems to hold."""

INTEGER_MAX = 2**31 - 1
"""The largest `credits` and `capacity`: what GraphQL's Int carries (GraphQL specification, section 3.5.1)."""

NAMING_CONVENTION = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time that is never naive.

    PostgreSQL keeps `timestamptz`. SQLite has no such type: it keeps the text of the UTC time, always with six digits
    of fraction so that texts sort as the times do, and the zone is given back on the way out.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn any aware time into UTC.

        Raises:
            ValueError: the time is naive, so that nobody can say which moment is meant.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone cannot be stored: {value!r}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back the zone that SQLite cannot keep."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class utc_now(FunctionElement[datetime]):  # noqa: N801 - reads as the SQL function it compiles to
    """The database's clock, so that rows written by many processes carry one clock's times."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(utc_now, "postgresql")
def _utc_now_on_postgresql(_element: utc_now, _compiler: SQLCompiler, **_options: Any) -> str:
    return "now()"


@compiles(utc_now, "sqlite")
def _utc_now_on_sqlite(_element: utc_now, _compiler: SQLCompiler, **_options: Any) -> str:
    return "(strftime('%Y-%m-%d %H:%M:%f000', 'now'))"


Key = Annotated[
    int,
    mapped_column(BigInteger().with_variant(Integer, "sqlite"), Identity(always=False), primary_key=True),
]
"""A surrogate key; 64 bits on PostgreSQL, SQLite's rowid."""

# Code-point order ("C") on PostgreSQL is SQLite's order too: lists sort alike on both.
Text = String(TEXT_LENGTH_MAX).with_variant(String(TEXT_LENGTH_MAX, collation="C"), "postgresql")


class Model(DeclarativeBase):
    """The declarative base of all models; its metadata is what migrations are compared with."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
