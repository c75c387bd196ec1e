"""Pages, counts and look-ups against a model in Python, on both databases."""

from collections.abc import AsyncIterator, Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.compiled import Columns, Reader, Records
from gql_api.database.conditions import Comparison, Operator
from gql_api.database.engine import create_engine
from gql_api.database.lists import (
    ListRequest,
    Page,
    Pages,
    count_rows,
    count_rows_by_parent,
    parents_with_rows_outside,
    read_page,
    read_pages,
    read_rows,
)
from gql_api.database.readers import create_reader
from gql_api.database.rows import UNREAD, CourseRow, StudentRow
from gql_api.database.statements import Entity, Listing
from gql_api.database.visibility import EVERYTHING, VisibleReader
from gql_api.pagination import KeyKind, Ordering, OrderKey, PageRequest
from tests.database.list_model import ModelPage, Row, cut
from tests.database.list_requests import condition, filters, ordering, orders, places, values
from tests.database.school import MOMENTS, School, schools
from tests.database_fixtures import Databases

COLUMNS = {
    Entity.STUDENT: ("name", "email", "sourced_id", "created_at"),
    Entity.COURSE: ("code", "title", "credits", "capacity", "sourced_id", "created_at"),
}
PARENTS = {Listing.COURSES_OF_STUDENT: "students", Listing.STUDENTS_OF_COURSE: "courses"}

EXAMPLES = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
PAGES_PER_SCHOOL = 6


class CountingReader(VisibleReader):
    """A reader that sees everything, and counts the statements it runs."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader, EVERYTHING)
        self.statements = 0

    async def fetch(self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]) -> Records:
        self.statements += 1
        return await super().fetch(build, *shape, values=values)

    async def fetch_columns(
        self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]
    ) -> Columns:
        self.statements += 1
        return await super().fetch_columns(build, *shape, values=values)


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[CountingReader]:
    reader = make_reader(database_url)
    yield CountingReader(reader)
    await reader.close()


def make_reader(database_url: str) -> Reader:
    return create_reader(
        database_url, pool_size=2, sqlite_reader_threads=2, sqlite_inline_seconds=0.01, busy_timeout_seconds=5
    )


async def seen(reader: VisibleReader, pages: Sequence[Page]) -> list[ModelPage]:
    """All that can be learnt of pages of one request, in the model's form."""
    request = pages[0].request
    parent_ids = [page.parent_id for page in pages]
    behind = await parents_with_rows_outside(reader, request, parent_ids, behind=True)
    ahead = await parents_with_rows_outside(reader, request, parent_ids, behind=False)
    totals: dict[int | None, int] = {}
    if request.listing.parent is None:
        totals[None] = await count_rows(reader, request.listing, request.condition)
    else:
        known = [parent_id for parent_id in parent_ids if parent_id is not None]
        counts = await count_rows_by_parent(reader, request.listing, request.condition, known)
        totals.update(counts.items())
    backward = request.page.backward
    return [
        ModelPage(
            rows=[row_as_stored(page, place) for place in range(len(page.nodes))],
            has_next=page.parent_id in behind or (bool(page.has_more) and not backward),
            has_previous=page.parent_id in ahead or (bool(page.has_more) and backward),
            total=totals.get(page.parent_id, 0),
        )
        for page in pages
    ]


def row_as_stored(page: Page, place: int) -> Row:
    row: dict[str, Any] = page.nodes[place]._asdict()
    if page.request.listing.parent is not None:
        row["assigned_at"] = page.nodes.column("assigned_at")[place]
    return row


@st.composite
def list_requests(draw: st.DrawFn, school: School, listing: Listing) -> tuple[ListRequest, dict[str, Any]]:
    keys = draw(orders(listing))
    filter_ = draw(st.none() | filters(listing))
    label = listing.label
    ids = [None] if listing.parent is None else [parent["id"] for parent in getattr(school, PARENTS[listing])]
    rows = [row for parent_id in ids for row in school.rows_of(label, parent_id)]
    after, before = draw(places(rows, keys)), draw(places(rows, keys))
    backward, size = draw(st.booleans()), draw(st.integers(0, 5) | st.just(500))
    columns = COLUMNS[listing.entity] if listing.parent is None else (*COLUMNS[listing.entity], "assigned_at")
    request = ListRequest(
        listing=listing,
        ordering=ordering(listing, keys),
        page=PageRequest(size, backward, values(after, keys), values(before, keys)),
        condition=None if filter_ is None else condition(filter_),
        columns=columns,
    )
    size_argument = {"last": size} if backward else {"first": size}
    return request, {"keys": keys, "filter_": filter_, "after": after, "before": before, **size_argument}


@EXAMPLES
@given(data=st.data(), school=schools())
async def test_a_root_page_is_what_the_model_cuts(
    engine: AsyncEngine, reader: CountingReader, data: st.DataObject, school: School
) -> None:
    await school.store(engine)
    for _ in range(PAGES_PER_SCHOOL):
        listing = data.draw(st.sampled_from([Listing.STUDENTS, Listing.COURSES]))
        request, arguments = data.draw(list_requests(school, listing))
        page = await read_page(reader, request)
        assert await seen(reader, [page]) == [cut(school.rows_of(listing.label), **arguments)]


@EXAMPLES
@given(data=st.data(), school=schools())
async def test_the_pages_below_many_parents_are_what_the_model_cuts(
    engine: AsyncEngine, reader: CountingReader, data: st.DataObject, school: School
) -> None:
    await school.store(engine)
    for _ in range(PAGES_PER_SCHOOL):
        listing = data.draw(st.sampled_from([Listing.COURSES_OF_STUDENT, Listing.STUDENTS_OF_COURSE]))
        request, arguments = data.draw(list_requests(school, listing))
        # Parents come in any order, twice or more, without children, and may be gone.
        known = [parent["id"] for parent in getattr(school, PARENTS[listing])]
        parent_ids = data.draw(st.lists(st.sampled_from([*known, 41]), min_size=1, max_size=8))
        pages = await read_pages(reader, request, parent_ids)
        assert [page.parent_id for page in pages] == parent_ids
        model = [cut(school.rows_of(listing.label, parent_id), **arguments) for parent_id in parent_ids]
        assert await seen(reader, pages) == model
        # The list of one parent is read by another statement.
        assert await seen(reader, await read_pages(reader, request, parent_ids[:1])) == model[:1]


@pytest.fixture
def one_of_each(sqlite_databases: Databases, postgresql_databases: Databases) -> Iterator[tuple[str, str]]:
    with sqlite_databases.migrated() as sqlite_url, postgresql_databases.migrated() as postgresql_url:
        yield sqlite_url, postgresql_url


@EXAMPLES
@given(names=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\0")), max_size=40))
async def test_both_databases_order_and_find_texts_alike(one_of_each: tuple[str, str], names: list[str]) -> None:
    students = tuple(student(key, name=name[:255], email=f"{name[:200]}{key}") for key, name in enumerate(names))
    on_sqlite, on_postgresql = [await ordered_and_found(url, School(students, (), ()), names) for url in one_of_each]
    assert on_sqlite == on_postgresql


async def ordered_and_found(url: str, school: School, names: list[str]) -> list[list[Row]]:
    engine, reader = create_engine(url), make_reader(url)
    try:
        await school.store(engine)
        requests = [
            ListRequest(Listing.STUDENTS, ordering(Listing.STUDENTS, [(key, down), ("id", down)]), PageRequest(500))
            for key in ("name", "email")
            for down in (False, True)
        ]
        requests += [
            ListRequest(Listing.STUDENTS, BY_ID, PageRequest(500), Comparison("name", operator, name[:255]))
            for name in names[:5]
            for operator in (Operator.EQ, Operator.CONTAINS, Operator.STARTS_WITH)
        ]
        everything = VisibleReader(reader, EVERYTHING)
        return [list((await read_page(everything, request)).nodes) for request in requests]
    finally:
        await reader.close()
        await engine.dispose()


BY_ID = Ordering("Query.students", (OrderKey("id", KeyKind.INTEGER),))


def student(key: int, **columns: Any) -> Row:
    row = {"id": key, "name": f"Student {key}", "email": None, "sourced_id": None, "created_at": MOMENTS[0]}
    return {**row, **columns}


def course(key: int) -> Row:
    optional = {"credits": None, "capacity": None, "sourced_id": None}
    return {"id": key, "code": f"C{key}", "title": f"Course {key}", **optional, "created_at": MOMENTS[0]}


def link(student_id: int, course_id: int) -> Row:
    return {"student_id": student_id, "course_id": course_id, "assigned_at": MOMENTS[1]}


SCHOOL = School(
    (student(1, name="Ada", email="ada@example.org"), student(2), student(3)),
    (course(1), course(2)),
    (link(1, 1), link(1, 2), link(2, 2)),
)


async def test_rows_come_by_id_with_the_columns_asked_for(engine: AsyncEngine, reader: CountingReader) -> None:
    await SCHOOL.store(engine)
    ids = [3, 1, 1, 0, -1, 99, 2**63 - 1, -(2**63)]
    assert await read_rows(reader, Entity.STUDENT, ("name", "email"), ids) == {
        1: StudentRow(1, "Ada", "ada@example.org", UNREAD, UNREAD),
        3: StudentRow(3, "Student 3", None, UNREAD, UNREAD),
    }
    assert await read_rows(reader, Entity.COURSE, (), [2]) == {2: CourseRow(2)}
    assert await read_rows(reader, Entity.COURSE, ("id", "created_at"), [1]) == {1: CourseRow(1, created_at=MOMENTS[0])}
    assert reader.statements == 3


async def test_a_page_reads_only_its_keys_and_what_was_asked_for(engine: AsyncEngine, reader: CountingReader) -> None:
    await SCHOOL.store(engine)
    request = ListRequest(Listing.STUDENTS, BY_ID, PageRequest(1), columns=("email",))
    page = await read_page(reader, request)
    assert list(page.nodes) == [StudentRow(1, UNREAD, "ada@example.org", UNREAD, UNREAD)]


async def test_the_pages_of_all_parents_are_one_statement(engine: AsyncEngine, reader: CountingReader) -> None:
    await SCHOOL.store(engine)
    request = ListRequest(Listing.COURSES_OF_STUDENT, BY_ID, PageRequest(1))
    pages = await read_pages(reader, request, [3, 1, 2, 1, 77])
    assert [([row.id for row in page.nodes], page.has_more, page.parent_id) for page in pages] == [
        ([], False, 3),
        ([1], True, 1),
        ([2], False, 2),
        ([1], True, 1),
        ([], False, 77),
    ]
    assert reader.statements == 1


@pytest.mark.parametrize("backward", [False, True], ids=["first", "last"])
async def test_the_list_of_one_parent_comes_in_its_order(
    engine: AsyncEngine, reader: CountingReader, *, backward: bool
) -> None:
    await SCHOOL.store(engine)
    request = ListRequest(Listing.COURSES_OF_STUDENT, BY_ID, PageRequest(5, backward))
    [page] = await read_pages(reader, request, [1])
    assert ([row.id for row in page.nodes], page.has_more, page.parent_id) == ([1, 2], False, 1)


@pytest.mark.parametrize(
    "parent_ids", [[1, 2, 3], [3, 1, 2, 1, 77], [1, 1], [77, 2], [2, 1], [77, 3], [3, 77]], ids=str
)
async def test_pages_without_a_look_ahead_are_kept_by_column(
    engine: AsyncEngine, reader: CountingReader, parent_ids: list[int]
) -> None:
    await SCHOOL.store(engine)
    request = ListRequest(Listing.STUDENTS_OF_COURSE, BY_ID, PageRequest(2), columns=("name",), look_ahead=False)
    pages = await read_pages(reader, request, parent_ids)
    alone = [(await read_pages(reader, request, [parent_id]))[0] for parent_id in parent_ids]
    assert isinstance(pages, Pages)
    assert [(list(page.nodes), page.has_more, page.parent_id) for page in pages] == [
        (list(page.nodes), page.has_more, page.parent_id) for page in alone
    ]
    nodes = pages.column("nodes")
    assert [list(rows) for rows in nodes] == [list(page.nodes) for page in alone]
    assert [len(rows) for rows in nodes[1:]] == [len(page.nodes) for page in alone[1:]]
    assert list(nodes.whole) == [row for page in alone for row in page.nodes]
    assert pages[-1].parent_id == parent_ids[-1]
    assert [page.parent_id for page in pages[1:]] == parent_ids[1:]
    with pytest.raises(IndexError):
        pages[len(parent_ids)]
    with pytest.raises(KeyError):
        pages.column("has_more")


async def test_an_empty_page_that_nobody_looks_beyond_is_not_read(engine: AsyncEngine, reader: CountingReader) -> None:
    await SCHOOL.store(engine)
    root = ListRequest(Listing.STUDENTS, BY_ID, PageRequest(0), look_ahead=False)
    nested = ListRequest(Listing.COURSES_OF_STUDENT, BY_ID, PageRequest(0), look_ahead=False)
    pages = [await read_page(reader, root), *await read_pages(reader, nested, [1, 2])]
    assert [(list(page.nodes), page.has_more) for page in pages] == [([], None)] * 3
    assert reader.statements == 0


async def test_without_looking_ahead_no_row_beyond_the_page_is_read(
    engine: AsyncEngine, reader: CountingReader
) -> None:
    await SCHOOL.store(engine)
    request = ListRequest(Listing.STUDENTS, BY_ID, PageRequest(2), look_ahead=False)
    page = await read_page(reader, request)
    assert ([row.id for row in page.nodes], page.has_more) == ([1, 2], None)


async def test_an_open_end_needs_no_look_outside(engine: AsyncEngine, reader: CountingReader) -> None:
    await SCHOOL.store(engine)
    request = ListRequest(Listing.STUDENTS, BY_ID, PageRequest(2, after=(1,)))
    assert await parents_with_rows_outside(reader, request, [None], behind=True) == frozenset()
    assert reader.statements == 0
    assert await parents_with_rows_outside(reader, request, [None], behind=False) == {None}
    assert reader.statements == 1


async def test_values_beyond_the_columns_own_range_are_places_too(engine: AsyncEngine, reader: CountingReader) -> None:
    await SCHOOL.store(engine)
    keys = (OrderKey("credits", KeyKind.INTEGER, nullable=True), OrderKey("id", KeyKind.INTEGER))
    for number in (2**31, 2**63 - 1, -(2**63)):
        request = ListRequest(Listing.COURSES, Ordering("x", keys), PageRequest(5, before=(number, 1)))
        assert [row.id for row in (await read_page(reader, request)).nodes] == []
        request = ListRequest(Listing.COURSES, Ordering("x", keys), PageRequest(5, after=(number, 1)))
        assert [row.id for row in (await read_page(reader, request)).nodes] == [1, 2]
