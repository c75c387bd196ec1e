"""Statements compiled once and run on the driver itself.

SQLAlchemy writes the SQL; its execution layer costs 65 µs a statement over asyncpg and 440 µs over aiosqlite, which is
more than most of our statements take. So the read path keeps the compiled text and hands it to asyncpg or to sqlite3,
which keep it prepared, on read-only connections of our own. Reads run in autocommit: a transaction around a single
statement would only add two round trips.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, Protocol, TypeAlias

from sqlalchemy import Dialect, Executable, Select, func, select

from gql_api.database.conditions import json_list
from gql_api.models.model import UtcDateTime

STATEMENTS_MAX = 512
"""Compiled statements kept; each is a few kilobytes. Shapes beyond that are compiled again when they come back."""

TEXTS_MAX = 16
"""Texts kept of a statement that has numbers in it, such as the size of a page; each is about a kilobyte."""

_KEPT_AS_THEY_ARE: Final = frozenset({int, str, float, bool, type(None)})

Records: TypeAlias = Sequence[Sequence[Any]]
"""The rows of a result as the driver gives them, their values in the order of the statement's columns."""

Columns: TypeAlias = Mapping[str, Sequence[Any]]
"""The values of a result by column, in the order of its rows."""


@dataclass(frozen=True, slots=True)
class CompiledStatement:
    """The text of a statement, the names of its parameters by position, and the names of its columns.

    Attributes:
        inlined: numbers that stand in the text itself, by what stands there in their place.
        times: positions of columns that hold points in time, which SQLite gives back as text.
        texts: texts that were made, by the numbers in them.
        pick_numbers: takes these out of the values; None where there are none.
    """

    sql: str
    parameter_names: tuple[str, ...]
    inlined: tuple[tuple[str, str], ...]
    constants: Mapping[str, Any]
    columns: tuple[str, ...]
    times: tuple[int, ...]
    texts: dict[Hashable, str]
    pick_numbers: Callable[[Mapping[str, Any]], Hashable] | None = None

    def text(self, values: Mapping[str, Any]) -> str:
        """The text, with the numbers that belong into it."""
        if self.pick_numbers is None:
            return self.sql
        numbers = self.pick_numbers(values)
        text = self.texts.get(numbers)
        if text is None:
            text = self.sql
            for name, place in self.inlined:
                text = text.replace(place, str(int(values[name])))
            if len(self.texts) < TEXTS_MAX:
                self.texts[numbers] = text
        return text

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The values by position."""
        given = {**self.constants, **values} if self.constants else values
        names = self.parameter_names
        # A key alone is the usual case, and to map one costs three times as much.
        return [given[names[0]]] if len(names) == 1 else list(map(given.__getitem__, names))


class StatementCache:
    """The compiled statements of one dialect.

    `get` keeps them by the function that builds them and the shape that it builds them for, `arrays` as well, but
    rewritten to give one row with an array for each column; `of` by the statement itself and the names of its
    parameters, which decide on the columns of an INSERT or UPDATE.
    """

    def __init__(self, dialect: Dialect, *, entries_max: int = STATEMENTS_MAX) -> None:
        self._dialect = dialect
        self.get: Callable[..., CompiledStatement] = lru_cache(maxsize=entries_max)(self._build)
        self.arrays: Callable[..., CompiledStatement] = lru_cache(maxsize=entries_max)(self._build_arrays)
        self.of: Callable[[Executable, tuple[str, ...]], CompiledStatement] = lru_cache(maxsize=entries_max)(
            self._compile
        )

    def _build(self, build: Callable[..., Select[Any]], *shape: Hashable) -> CompiledStatement:
        return self._compile(build(self._dialect.name, *shape), None)

    def _build_arrays(self, build: Callable[..., Select[Any]], *shape: Hashable) -> CompiledStatement:
        # A subquery that is ordered hands its rows on in that order (PostgreSQL's documentation, section 9.21).
        rows = build(self._dialect.name, *shape).subquery("rows")
        arrays = select(*(func.array_agg(column).label(column.name) for column in rows.c))
        return self._compile(arrays, None)

    def _compile(self, statement: Executable, names: tuple[str, ...] | None) -> CompiledStatement:
        compiled: Any = statement.compile(dialect=self._dialect, column_keys=names)  # type: ignore[attr-defined]
        columns = list(getattr(statement, "exported_columns", ()))
        inlined = {parameter.key for parameter in compiled.literal_execute_params}
        return CompiledStatement(
            sql=str(compiled),
            parameter_names=tuple(name for name in compiled.positiontup or () if name not in inlined),
            inlined=tuple((name, f"__[POSTCOMPILE_{name}]") for name in inlined),
            constants={name: value for name, value in compiled.params.items() if value is not None},
            columns=tuple(column.name for column in columns),
            times=tuple(i for i, column in enumerate(columns) if isinstance(column.type, UtcDateTime)),
            texts={},
            pick_numbers=itemgetter(*inlined) if inlined else None,
        )


class Reader(Protocol):
    """Runs statements that only read; safe to be used by many tasks at once."""

    async def fetch(self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]) -> Records:
        """Run the statement that `build` makes for `shape`, with these values, outside of any transaction."""
        ...

    async def fetch_columns(
        self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]
    ) -> Columns:
        """Run a statement as `fetch` does, for its values by column rather than by row."""
        ...

    async def close(self) -> None:
        """Close all connections; running statements are given up."""
        ...


def sqlite_arguments(statement: CompiledStatement, values: Mapping[str, Any]) -> list[Any]:
    """The values by position, as SQLite keeps them: times as UTC text of fixed width, lists as JSON."""
    arguments = statement.arguments(values)
    for argument in arguments:  # there are few
        if type(argument) not in _KEPT_AS_THEY_ARE:
            return list(map(_sqlite_argument, arguments))
    return arguments


def _sqlite_argument(value: Any) -> Any:
    if isinstance(value, datetime):
        return sqlite_time(value)
    if isinstance(value, list | tuple):
        return json_list([_sqlite_argument(item) for item in value])
    return value


def sqlite_time(time: datetime) -> str:
    """The text under which SQLAlchemy stores a time on SQLite."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def columns_of(statement: CompiledStatement, records: Sequence[Sequence[Any]]) -> Columns:
    """SQLite's records, turned on their side."""
    if not records:
        return dict.fromkeys(statement.columns, ())
    columns = list(zip(*records, strict=True))
    _convert_times(columns, statement.times)
    return dict(zip(statement.columns, columns, strict=True))


def with_times(statement: CompiledStatement, records: list[Any]) -> list[Any]:
    """SQLite's records, with points in time where it gave their texts back."""
    if not statement.times or not records:
        return records
    columns = list(zip(*records, strict=True))
    _convert_times(columns, statement.times)
    return list(zip(*columns, strict=True))


def _convert_times(columns: list[tuple[Any, ...]], times: tuple[int, ...]) -> None:
    for place in times:
        columns[place] = tuple(_times_from_sqlite(columns[place]))


def _times_from_sqlite(texts: Sequence[str | None]) -> list[datetime | None]:
    read = datetime.fromisoformat
    try:
        # An eighth of what it takes to give each its zone afterwards.
        return [None if text is None else read(f"{text}Z") for text in texts]
    except ValueError:  # somebody else wrote a date alone, or a zone
        return [None if text is None else read(text).replace(tzinfo=UTC) for text in texts]
