"""What flows upwards from the database: rows as named tuples, results as columns of values.

A result is kept by column (`Rows`), as the driver's records turned on their side, because whatever reads it wants one
field of all the rows at a time. A row object is made only for who takes one out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, repeat
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, overload


class _Unread:
    """The value of a column that was not selected; anything done with it fails, rather than passing for data."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNREAD"


UNREAD: Any = _Unread()


class StudentRow(NamedTuple):
    """A student as read; columns that were not asked for are UNREAD."""

    id: int
    name: str = UNREAD
    email: str | None = UNREAD
    sourced_id: str | None = UNREAD
    created_at: datetime = UNREAD


class CourseRow(NamedTuple):
    """A course as read; columns that were not asked for are UNREAD."""

    id: int
    code: str = UNREAD
    title: str = UNREAD
    credits: int | None = UNREAD
    capacity: int | None = UNREAD
    sourced_id: str | None = UNREAD
    created_at: datetime = UNREAD


class Row(Protocol):
    """A named tuple with a key."""

    @property
    def id(self) -> int: ...  # noqa: D102


RowT = TypeVar("RowT", bound=Row)
RowT_co = TypeVar("RowT_co", bound=Row, covariant=True)


class Rows(Sequence[RowT_co], Generic[RowT_co]):
    """Rows start … stop of a result held by column; taking a slice copies nothing.

    Columns may hold more than the row type has fields (the time of an assignment, say): `column` gives those too.
    """

    __slots__ = ("_columns", "_row_type", "_start", "_stop")

    def __init__(self, row_type: type[RowT_co], columns: Mapping[str, Sequence[Any]], start: int, stop: int) -> None:
        self._row_type = row_type
        self._columns = columns
        self._start = start
        self._stop = stop

    @property
    def row_type(self) -> type[RowT_co]:
        """The class of the rows."""
        return self._row_type

    @classmethod
    def of(cls, row_type: type[RowT_co], names: Sequence[str], records: Sequence[Iterable[Any]]) -> Rows[RowT_co]:
        """Turn a driver's records, whose values are in the order of `names`, into columns."""
        # A driver's records are all of one length; whether that is the length of the names is looked at below.
        columns = zip(*records) if records else [()] * len(names)  # noqa: B905
        return cls(row_type, dict(zip(names, columns, strict=True)), 0, len(records))

    @classmethod
    def by_column(cls, row_type: type[RowT_co], columns: Mapping[str, Sequence[Any]]) -> Rows[RowT_co]:
        """All rows of a result that is held by column already."""
        return cls(row_type, columns, 0, len(next(iter(columns.values()))))

    def column(self, name: str) -> Sequence[Any]:
        """One column's values of these rows, in order.

        Raises:
            KeyError: the column was not selected.
        """
        column = self._columns[name]
        if self._start == 0 and self._stop == len(column):
            return column
        return column[self._start : self._stop]

    def value(self, name: str, place: int) -> Any:
        """One column's value of the row at a place, counted from the first of these rows.

        Raises:
            KeyError: the column was not selected.
            IndexError: there is no such row.
        """
        return self._columns[name][range(self._start, self._stop)[place]]

    def joined(self, others: Sequence[Rows[RowT_co]]) -> Rows[RowT_co]:
        """These rows and then the others'; neighbouring slices of one result are joined without copying."""
        parts = [part for part in (self, *others) if part._stop > part._start]
        if not parts:
            return self
        first, stop = parts[0], parts[0]._start
        for part in parts:
            if part._columns is not first._columns or part._start != stop:
                break
            stop = part._stop
        else:
            return Rows(first._row_type, first._columns, first._start, stop)
        columns = {
            name: tuple(chain.from_iterable([part._columns[name][part._start : part._stop] for part in parts]))
            for name in first._columns
        }
        return Rows(first._row_type, columns, 0, sum(map(len, parts)))

    def __len__(self) -> int:
        return self._stop - self._start

    @overload
    def __getitem__(self, index: int) -> RowT_co: ...
    @overload
    def __getitem__(self, index: slice) -> Rows[RowT_co]: ...
    def __getitem__(self, index: int | slice) -> RowT_co | Rows[RowT_co]:
        places = range(self._start, self._stop)[index]
        if isinstance(places, range):
            if places.step != 1:
                raise ValueError("rows are sliced in steps of one")
            return Rows(self._row_type, self._columns, places.start, max(places.start, places.stop))
        return self._row(places)

    def __iter__(self) -> Iterator[RowT_co]:
        columns = self._columns
        return map(self._row_type, *(self.column(name) if name in columns else repeat(UNREAD) for name in self._fields))

    def _row(self, place: int) -> RowT_co:
        columns = self._columns
        return self._row_type(*[columns[name][place] if name in columns else UNREAD for name in self._fields])

    @property
    def _fields(self) -> tuple[str, ...]:
        fields: tuple[str, ...] = self._row_type._fields  # type: ignore[attr-defined]  # Row types are named tuples
        return fields

    def __repr__(self) -> str:
        return f"Rows({list(self)!r})"


class RowsOfLists(Sequence[Rows[RowT_co]], Generic[RowT_co]):
    """The rows of many lists, which follow one another in one table.

    Attributes:
        whole: all of the rows.
        stops: where each list ends; the next one begins there.
    """

    __slots__ = ("stops", "whole")

    def __init__(self, whole: Rows[RowT_co], stops: Sequence[int]) -> None:
        self.whole = whole
        self.stops = stops

    def __len__(self) -> int:
        return len(self.stops)

    @overload
    def __getitem__(self, index: int) -> Rows[RowT_co]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Rows[RowT_co]]: ...
    def __getitem__(self, index: int | slice) -> Rows[RowT_co] | Sequence[Rows[RowT_co]]:
        places = range(len(self.stops))[index]
        return [self[place] for place in places] if isinstance(places, range) else self._list(places)

    def _list(self, place: int) -> Rows[RowT_co]:
        return self.whole[self.stops[place - 1] if place else 0 : self.stops[place]]


def keys_of(rows: Sequence[Row]) -> Sequence[int]:
    """The keys of rows, without making a row object for each where they are kept by column."""
    # To ask `isinstance` of a Sequence takes longer than to make a short list.
    return rows.column("id") if type(rows) is Rows else [row.id for row in rows]
