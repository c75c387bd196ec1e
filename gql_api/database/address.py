"""The database's URL: which ones can be used, and what they say to each driver."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, TypeAlias

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from gql_api.errors import SettingInvalid

SPELLINGS = "sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER@HOST/DB"

_DRIVERS = {"sqlite": "aiosqlite", "postgresql": "asyncpg"}
_DIALECTS_BY_OTHER_NAME = {"postgres": "postgresql", "pgsql": "postgresql", "sqlite3": "sqlite"}

POSTGRESQL_OPTIONS = frozenset({"host", "port", "ssl", "passfile", "service", "servicefile", "target_session_attrs"})
"""What may stand after the `?`: asyncpg's own words, and no `password`, which only the part before the @ hides."""

SqliteMode: TypeAlias = Literal["ro", "rw", "rwc"]


class Dialect(StrEnum):
    """The two ways of speaking SQL; the values are SQLAlchemy's `dialect.name`."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where the database is. As text it never shows the password.

    See Also:
        `parse_database_url`, which checks what stands in a setting; `DatabaseAddress(engine.url)` for an engine made
        by `create_engine`.
    """

    url: URL

    @property
    def dialect(self) -> Dialect:
        """The dialect spoken there."""
        return Dialect(self.url.get_backend_name())

    @property
    def file(self) -> Path:
        """The absolute path of the SQLite file.

        Raises:
            ValueError: the database is not a file.
        """
        if self.dialect is not Dialect.SQLITE or not self.url.database:
            raise ValueError(f"{self} is not a file")
        return Path(self.url.database).absolute()

    def sqlite_uri(self, mode: SqliteMode) -> str:
        """Name the file as SQLite's own URI (`sqlite3.connect(…, uri=True)`); only `rwc` creates a missing file."""
        return f"{self.file.as_uri()}?mode={mode}"

    def asyncpg_arguments(self) -> dict[str, Any]:
        """Give the keyword arguments of `asyncpg.connect` and `asyncpg.create_pool` that say where and as whom.

        SQLAlchemy's own dialect translates, so that both ways of connecting reach the same server. A unix socket's
        directory is written `?host=/directory`.
        """
        _, arguments = self.url.get_dialect()().create_connect_args(self.url)
        return dict(arguments)

    def __str__(self) -> str:
        return self.url.render_as_string(hide_password=True)


def parse_database_url(text: str) -> DatabaseAddress:
    """Check a database URL.

    Raises:
        SettingInvalid: the URL is malformed, of an unknown scheme or driver, names no lasting database, or carries
            options that its driver does not know. The message never repeats a password.
    """
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError):
        raise SettingInvalid(f"The database URL cannot be read; it must be {SPELLINGS}.") from None
    name = url.get_backend_name()
    dialect = _DIALECTS_BY_OTHER_NAME.get(name, name)
    driver = _DRIVERS.get(dialect)
    if driver is None:
        raise SettingInvalid(f"The database URL begins with {url.drivername}://; it must be {SPELLINGS}.")
    if url.drivername != f"{dialect}+{driver}":
        # Without its options: they have not been checked, and a password may stand among them.
        spelling = url.set(drivername=f"{dialect}+{driver}", query={}).render_as_string(hide_password=True)
        raise SettingInvalid(f"The database URL begins with {url.drivername}://; write {spelling}.")
    (_check_sqlite if dialect == Dialect.SQLITE else _check_postgresql)(url)
    return DatabaseAddress(url)


def _check_sqlite(url: URL) -> None:
    if url.host or url.username or url.port:
        raise SettingInvalid("The database URL of an SQLite file has three slashes: sqlite+aiosqlite:///FILE.")
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise SettingInvalid(
            "The database URL must name a file, sqlite+aiosqlite:///FILE: "
            "a database in memory would be another one for every connection."
        )
    if "\0" in url.database:
        raise SettingInvalid("The name of the database file contains a NUL character.")
    if url.query:
        raise SettingInvalid(f"The database URL of an SQLite file takes no options, but has {_listed(url.query)}.")


def _check_postgresql(url: URL) -> None:
    if not url.database:
        raise SettingInvalid(f"The database URL names no database; it must be {SPELLINGS}.")
    if unknown := set(url.query) - POSTGRESQL_OPTIONS:
        hint = " Write ssl instead of sslmode." if "sslmode" in unknown else ""
        hint += " Write the password before the @: USER:PASSWORD@HOST." if "password" in unknown else ""
        raise SettingInvalid(
            f"The database URL has the options {_listed(unknown)}; possible are {_listed(POSTGRESQL_OPTIONS)}.{hint}"
        )
    try:
        DatabaseAddress(url).asyncpg_arguments()
    except (ArgumentError, ValueError):
        raise SettingInvalid("The hosts and ports in the database URL do not fit together.") from None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
