"""Pages, counts and rows by id, read by the batch, for somebody: what a `VisibleReader` does not see is not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, chain, islice
from operator import itemgetter, lt
from typing import Any, Final, NamedTuple, overload

from gql_api.database.compiled import Columns
from gql_api.database.conditions import Condition, split
from gql_api.database.rows import UNREAD, CourseRow, Rows, RowsOfLists, StudentRow
from gql_api.database.statements import (
    LIMIT,
    PARENTS,
    Entity,
    Listing,
    PageShape,
    any_before,
    count,
    counts_by_parent,
    page,
    pages_by_parent,
    parents_with_any_before,
    rows_by_id,
    seats_by_course,
)
from gql_api.database.visibility import VisibleReader
from gql_api.pagination import Ordering, PageRequest

ROW_TYPES: Final[Mapping[Entity, type[Any]]] = {Entity.STUDENT: StudentRow, Entity.COURSE: CourseRow}

RECORDS_MAX: Final = 256
"""There is one for each choice of columns that rows are read with: for students and courses together, 80."""


@dataclass(frozen=True)
class ListRequest:
    """Which part of which list is wanted.

    Attributes:
        columns: the columns to read of each row, besides the keys of the ordering and `id`, which are always read.
        look_ahead: read one row more than the page holds, so that `Page.has_more` is known.
    """

    listing: Listing
    ordering: Ordering
    page: PageRequest
    condition: Condition | None = None
    columns: tuple[str, ...] = ()
    look_ahead: bool = True

    @cached_property
    def statement(self) -> tuple[PageShape, Mapping[str, Any]]:
        """The shape of the statement that reads the page, and its values."""
        keys = (key.name for key in self.ordering.keys)
        return _statement(self, tuple(sorted({*self.columns, *keys, "id"})))

    @cached_property
    def statement_below_one(self) -> tuple[PageShape, Mapping[str, Any]]:
        """The same for the list of one parent alone."""
        shape, values = self.statement
        return shape._replace(below_one=True), values


class Page(NamedTuple):
    """A page of one list.

    Attributes:
        nodes: the rows, in the list's order.
        has_more: whether the range goes on in the direction of reading; None where nobody looked ahead.
        request: what was asked for.
        parent_id: below whom the list is; None at the root.
    """

    nodes: Rows[Any]
    has_more: bool | None
    request: ListRequest
    parent_id: int | None


class Pages(Sequence[Page]):
    """The same page of many parents' lists, none with a look ahead: kept by column, made one by one if need be."""

    row_type: Final = Page

    def __init__(self, request: ListRequest, parent_ids: Sequence[int], nodes: RowsOfLists[Any]) -> None:
        self._request = request
        self._parent_ids = parent_ids
        self._nodes = nodes

    def column(self, name: str) -> RowsOfLists[Any]:
        """The rows of all pages, by page.

        Raises:
            KeyError: it is another attribute, which is asked of each page.
        """
        if name != "nodes":
            raise KeyError(name)
        return self._nodes

    def __len__(self) -> int:
        return len(self._parent_ids)

    @overload
    def __getitem__(self, index: int) -> Page: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Page]: ...
    def __getitem__(self, index: int | slice) -> Page | Sequence[Page]:
        if isinstance(index, slice):
            return list(self)[index]
        return Page(self._nodes[index], None, self._request, self._parent_ids[index])


async def read_page(reader: VisibleReader, request: ListRequest) -> Page:
    """One page of a root list: one statement, none for an empty page nobody looks beyond."""
    shape, values = request.statement
    if not values[LIMIT]:
        return _page(request, _no_rows(request, shape), parent_id=None)
    columns = await reader.fetch_columns(page, shape, values=values)
    if request.page.backward:
        columns = {name: column[::-1] for name, column in columns.items()}
    return _page(request, Rows.by_column(ROW_TYPES[request.listing.entity], columns), parent_id=None)


async def read_pages(reader: VisibleReader, request: ListRequest, parent_ids: Sequence[int]) -> Sequence[Page]:
    """The same page of each parent's list, in the order of the parents: one statement."""
    shape, values = request.statement
    if not values[LIMIT]:
        no_rows = _no_rows(request, shape)
        return [_page(request, no_rows, parent_id=parent_id) for parent_id in parent_ids]
    if len(parent_ids) == 1:
        # A key rather than a list of one: PostgreSQL plans it once for all.
        shape, values = request.statement_below_one
        records = await reader.fetch(pages_by_parent, shape, values={**values, PARENTS: parent_ids[0]})
        rows = Rows.of(ROW_TYPES[request.listing.entity], shape.columns, records)
        return [_page(request, rows, parent_id=parent_ids[0])]
    distinct = list(dict.fromkeys(parent_ids))
    columns = await reader.fetch_columns(pages_by_parent, shape, values={**values, PARENTS: distinct})
    nodes = _by_parent(ROW_TYPES[request.listing.entity], columns, parent_ids)
    if not request.look_ahead:
        return Pages(request, parent_ids, nodes)
    return [_page(request, rows, parent_id=parent_id) for rows, parent_id in zip(nodes, parent_ids, strict=True)]


def _by_parent(row_type: type[Any], columns: Columns, parent_ids: Sequence[int]) -> RowsOfLists[Any]:
    """The rows of each parent's list; they were read in the order of the parents' keys, those of each parent once."""
    counts = Counter(columns["parent_id"])
    stops = list(accumulate([counts.get(parent_id, 0) for parent_id in parent_ids]))
    if not all(map(lt, parent_ids, islice(parent_ids, 1, None))):
        starts = dict(zip(counts, accumulate(counts.values(), initial=0), strict=False))
        listed = [range(starts[key], starts[key] + counts[key]) for key in parent_ids if key in counts]
        places = list(chain.from_iterable(listed))
        columns = {name: _picked(column, places) for name, column in columns.items() if name != "parent_id"}
    return RowsOfLists(Rows.by_column(row_type, columns), stops)


def _picked(column: Sequence[Any], places: Sequence[int]) -> Sequence[Any]:
    # Of one place, an itemgetter gives the value itself.
    return itemgetter(*places)(column) if len(places) > 1 else [column[place] for place in places]


async def read_rows(
    reader: VisibleReader, entity: Entity, columns: tuple[str, ...], ids: Sequence[int]
) -> dict[int, Any]:
    """The rows that exist, by id: one statement."""
    names, make = _record(entity, columns)
    parameter, value = ("id", ids[0]) if len(ids) == 1 else ("ids", list(ids))
    records = await reader.fetch(rows_by_id, entity, names, parameter, values={parameter: value})
    return {record[0]: make(record) for record in records}


@lru_cache(maxsize=RECORDS_MAX)
def _record(entity: Entity, columns: tuple[str, ...]) -> tuple[tuple[str, ...], Callable[[Sequence[Any]], Any]]:
    """What a record holds of rows that are read with these columns, the key first; and what makes a row of one."""
    row_type: Any = ROW_TYPES[entity]
    names = ("id", *[name for name in columns if name != "id"])
    places = [names.index(name) if name in names else len(names) for name in row_type._fields]
    pick, new = itemgetter(*places), tuple.__new__
    # What `_make` does, but for counting the values again.
    return names, lambda record: new(row_type, pick((*record, UNREAD)))


async def count_rows(reader: VisibleReader, listing: Listing, condition: Condition | None) -> int:
    """How many rows a root list has in all: one statement."""
    shape, values = split(condition)
    records = await reader.fetch(count, listing, shape, values=values)
    total: int = records[0][0]
    return total


async def count_rows_by_parent(
    reader: VisibleReader, listing: Listing, condition: Condition | None, parent_ids: Sequence[int]
) -> dict[int, int]:
    """How many rows each parent's list has in all, for the parents whose list has any: one statement."""
    shape, values = split(condition)
    records = await reader.fetch(counts_by_parent, listing, shape, values={**values, PARENTS: list(set(parent_ids))})
    return dict(map(tuple, records))


async def count_seats_taken(reader: VisibleReader, course_ids: Sequence[int]) -> dict[int, int]:
    """How many students each course has, whoever asks, for the courses that have any: one statement."""
    records = await reader.fetch(seats_by_course, values={PARENTS: list(set(course_ids))})
    return dict(map(tuple, records))


async def parents_with_rows_outside(
    reader: VisibleReader, request: ListRequest, parent_ids: Sequence[int | None], *, behind: bool
) -> frozenset[int | None]:
    """Whose lists have rows outside of the requested range: before `after`, or (`behind`) behind `before`.

    One statement, none where the range is open at that end. The root list is its own parent, None.
    """
    if (request.page.before if behind else request.page.after) is None:
        return frozenset()
    shape, values = _statement(request, columns=())
    shape = shape._replace(
        backward=behind, after=None if behind else shape.after, before=shape.before if behind else None
    )
    if request.listing.parent is None:
        records = await reader.fetch(any_before, shape, values=values)
        return frozenset({None} if records else ())
    records = await reader.fetch(parents_with_any_before, shape, values={**values, PARENTS: list(set(parent_ids))})
    return frozenset(parent_id for (parent_id,) in records)


def _statement(request: ListRequest, columns: tuple[str, ...]) -> tuple[PageShape, Mapping[str, Any]]:
    wanted = request.page
    condition, values = split(request.condition)
    values[LIMIT] = wanted.size + 1 if request.look_ahead else wanted.size
    for name, place in (("after", wanted.after), ("before", wanted.before)):
        values.update({f"{name}_{i}": value for i, value in enumerate(place or ())})
    shape = PageShape(
        listing=request.listing,
        columns=columns,
        ordering=request.ordering,
        backward=wanted.backward,
        after=_nulls(wanted.after),
        before=_nulls(wanted.before),
        condition=condition,
    )
    return shape, values


def _nulls(place: tuple[Any, ...] | None) -> tuple[bool, ...] | None:
    return None if place is None else tuple(value is None for value in place)


def _no_rows(request: ListRequest, shape: PageShape) -> Rows[Any]:
    return Rows.of(ROW_TYPES[request.listing.entity], shape.columns, [])


def _page(request: ListRequest, rows: Rows[Any], *, parent_id: int | None) -> Page:
    size = request.page.size
    if not request.look_ahead:
        return Page(rows, None, request, parent_id)
    has_more = len(rows) > size
    if has_more:
        rows = rows[len(rows) - size :] if request.page.backward else rows[:size]
    return Page(rows, has_more, request, parent_id)
