"""Relay connections: lists cut by key, read for all their parents at once (GraphQL Cursor Connections Specification).

The value of a connection field is a `Page`; its `PageInfo` is the page again, seen from another side. What a query does
not select is not read: no row ahead of the page without `pageInfo`, no total without `totalCount`.
"""

from collections.abc import Awaitable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

import strawberry

from gql_api.database.lists import (
    ListRequest,
    Page,
    count_rows,
    count_rows_by_parent,
    parents_with_rows_outside,
    read_page,
    read_pages,
)
from gql_api.database.statements import ASSIGNED_AT, Entity, Listing
from gql_api.execution import batched
from gql_api.pagination import PageLimits, PageRequest, encode_cursor
from gql_api.schema.class_lists import note_class_lists
from gql_api.schema.context import Info
from gql_api.schema.inputs import (
    CourseFilter,
    CourseOrder,
    StudentFilter,
    StudentOrder,
    condition_of,
    ordering_of,
)
from gql_api.schema.selection import Names, Path, Selection

COLUMNS_BY_FIELD: Final[Mapping[Entity, Mapping[str, str]]] = {
    Entity.STUDENT: {"name": "name", "email": "email", "sourcedId": "sourced_id", "createdAt": "created_at"},
    Entity.COURSE: {
        "code": "code",
        "title": "title",
        "credits": "credits",
        "capacity": "capacity",
        "sourcedId": "sourced_id",
        "createdAt": "created_at",
    },
}
"""The columns behind the fields of a type; other fields need the key alone, which is always read."""

_CLASS_LIST: Final = Listing.STUDENTS_OF_COURSE
_NOTHING_GIVEN: Final = (strawberry.UNSET,) * 6
_LOOKS_AHEAD: Final = frozenset({"hasNextPage", "hasPreviousPage"})


def columns_for(entity: Entity, names: Names) -> tuple[str, ...]:
    """The columns that these fields of a type need."""
    columns = COLUMNS_BY_FIELD[entity]
    return tuple(sorted(columns[name] for name in names if name in columns))


def selected_row(info: Info, entity: Entity, key: int, *, below: Path = ()) -> Awaitable[Any | None]:
    """Look a row up for the fields that are selected `below` this one; all look-ups of a level are one statement."""
    context = info.context
    selection = context.selections.below(info)
    columns = selection.derived.get((entity, below))
    if columns is None:
        columns = selection.keep((entity, below), columns_for(entity, selection.names(below)))
    return context.loaders.row(entity, key, columns=columns)


class PageArguments(NamedTuple):
    """The arguments of a connection field."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None
    filter: StudentFilter | CourseFilter | None = None
    order_by: Sequence[StudentOrder | CourseOrder] | None = None

    @property
    def are_sizes_alone(self) -> bool:
        """Whether nothing is said but how long the page is."""
        return self.after is None and self.before is None and self.filter is None and self.order_by is None

    @classmethod
    def given(cls, *arguments: Any) -> "PageArguments":
        """The arguments of a field, of which one that was left out means what null means."""
        if arguments == _NOTHING_GIVEN:
            return _ALL_LEFT_OUT
        return cls(*[None if argument is strawberry.UNSET else argument for argument in arguments])


_ALL_LEFT_OUT: Final = PageArguments()


async def root_page(listing: Listing, info: Info, arguments: PageArguments) -> Page:
    """Read a page of a root list.

    Raises:
        BadUserInput: an argument is out of its range.
    """
    return await read_page(info.context.reader, _request(listing, info, arguments))


async def nested_pages(
    listing: Listing, info: Info, parent_ids: Sequence[int], arguments: PageArguments
) -> Sequence[Page]:
    """Read the same page of the list below each parent, in one statement.

    Raises:
        BadUserInput: an argument is out of its range.
        DatabaseUnusable: it is a class list, and the audit cannot take note of that.
    """
    request = _request(listing, info, arguments)
    if listing is _CLASS_LIST:
        await note_class_lists(info.context, parent_ids)
    return await read_pages(info.context.reader, request, parent_ids)


def _request(listing: Listing, info: Info, arguments: PageArguments) -> ListRequest:
    context = info.context
    selection = context.selections.below(info)
    if not arguments.are_sizes_alone:
        return _new_request(listing, selection, context.page_limits, arguments)
    sizes = arguments.first, arguments.last
    request: ListRequest | None = selection.derived.get(sizes)
    if request is None:
        request = selection.keep(sizes, _new_request(listing, selection, context.page_limits, arguments))
    return request


def _new_request(listing: Listing, selection: Selection, limits: PageLimits, arguments: PageArguments) -> ListRequest:
    ordering = ordering_of(listing, arguments.order_by)
    page = PageRequest.of(
        ordering,
        limits,
        first=arguments.first,
        after=arguments.after,
        last=arguments.last,
        before=arguments.before,
    )
    return ListRequest(
        listing=listing,
        ordering=ordering,
        page=page,
        condition=condition_of(arguments.filter),
        columns=_columns(listing, selection),
        look_ahead=not _LOOKS_AHEAD.isdisjoint(selection.names(("pageInfo",))),
    )


def _columns(listing: Listing, selection: Selection) -> tuple[str, ...]:
    names = selection.names(("nodes",)) | selection.names(("edges", "node"))
    columns = columns_for(listing.entity, names)
    return (*columns, ASSIGNED_AT) if "assignedAt" in selection.names(("edges",)) else columns


class EdgeOfPage(NamedTuple):
    """What stands behind an edge: the row at one place of a page."""

    page: Page
    place: int

    @property
    def node(self) -> Any:
        """The row."""
        return self.page.nodes[self.place]

    @property
    def assigned_at(self) -> Any:
        """When the row was assigned to the page's parent."""
        return self.page.nodes.value(ASSIGNED_AT, self.place)


def edges_of(page: Page) -> list[EdgeOfPage]:
    """The edges of a page."""
    return [EdgeOfPage(page, place) for place in range(len(page.nodes))]


def _cursor(page: Page, place: int) -> str:
    ordering = page.request.ordering
    return encode_cursor(ordering, [page.nodes.value(key.name, place) for key in ordering.keys])


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Where a page stands in its list; its sources are pages."""

    @batched(description="Whether the list goes on behind this page: exact in both directions of paging.")
    async def has_next_page(pages: Sequence[Page], info: Info) -> list[bool]:  # noqa: N805 - all the sources at once
        """Look behind the pages."""
        return await _has_rows(pages, info, behind=True)

    @batched(description="Whether the list has rows before this page: exact in both directions of paging.")
    async def has_previous_page(pages: Sequence[Page], info: Info) -> list[bool]:  # noqa: N805
        """Look before the pages."""
        return await _has_rows(pages, info, behind=False)

    @batched(description="The cursor of the page's first row, for `before`; null if the page is empty.")
    def start_cursor(pages: Sequence[Page]) -> list[str | None]:  # noqa: N805
        """Make the first rows' cursors."""
        return [_cursor(page, 0) if len(page.nodes) else None for page in pages]

    @batched(description="The cursor of the page's last row, for `after`; null if the page is empty.")
    def end_cursor(pages: Sequence[Page]) -> list[str | None]:  # noqa: N805
        """Make the last rows' cursors."""
        return [_cursor(page, len(page.nodes) - 1) if len(page.nodes) else None for page in pages]


async def _has_rows(pages: Sequence[Page], info: Info, *, behind: bool) -> list[bool]:
    """Whether there are rows beside each page: the rest of its range, or outside of the range."""
    found: list[bool] = []
    for request, group in groupby(pages, key=lambda page: page.request):
        same = list(group)
        outside = await parents_with_rows_outside(
            info.context.reader, request, [page.parent_id for page in same], behind=behind
        )
        cut_here = request.page.backward is not behind
        found += [(cut_here and bool(page.has_more)) or page.parent_id in outside for page in same]
    return found


@strawberry.type
class Connection:
    """What all connections have besides their edges and nodes; its sources are pages."""

    @batched(description="Where this page stands in the list.", graphql_type=PageInfo)
    def page_info(pages: Sequence[Page]) -> Sequence[Page]:  # noqa: N805
        """Hand the pages on: a PageInfo is another view of the same page."""
        return pages

    @batched(description="How many rows the list has in all, with its filter; counted only where it is selected.")
    async def total_count(pages: Sequence[Page], info: Info) -> list[int]:  # noqa: N805
        """Count all lists of the level in one statement."""
        totals: list[int] = []
        reader = info.context.reader
        for request, group in groupby(pages, key=lambda page: page.request):
            if request.listing.parent is None:
                total = await count_rows(reader, request.listing, request.condition)
                totals += [total for _ in group]
            else:
                parent_ids = [page.parent_id or 0 for page in group]
                counts = await count_rows_by_parent(reader, request.listing, request.condition, parent_ids)
                totals += [counts.get(parent_id, 0) for parent_id in parent_ids]
        return totals


@strawberry.type
class Edge:
    """What all edges have; its sources are places in pages."""

    @batched(description="The place of this row in the list, for `after` and `before`; opaque, of this ordering only.")
    def cursor(edges: Sequence[EdgeOfPage]) -> list[str]:  # noqa: N805
        """Make the cursors."""
        return [_cursor(edge.page, edge.place) for edge in edges]
