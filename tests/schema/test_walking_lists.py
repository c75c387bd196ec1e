"""Walking a list page by page gives every row once, also while rows come and go."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gql_api.database.statements import Listing
from tests.database.list_model import Filter, Key, Row, compare, cut
from tests.database.list_requests import filters
from tests.database.school import MOMENTS, School, schools
from tests.schema.api import Api
from tests.schema.list_queries import LISTINGS, connections, filter_variable, order_by, parent_ids, query
from tests.schema.test_connections import DATABASE_ID_MAX, EXAMPLES, keys_of_parents, orderings

PAGES_MAX = 40


async def walk(
    api: Api,
    listing: Listing,
    keys: Sequence[Key],
    *,
    parent: int | None,
    size: int,
    backward: bool = False,
    filter_: Filter | None = None,
    between: Callable[[list[int]], Any] | None = None,
) -> list[int]:
    """The ids of all rows, in order of reading; `between` is called with those of each page."""
    walked: list[int] = []
    cursor = None
    for _ in range(PAGES_MAX):
        place = {"last": size, "before": cursor} if backward else {"first": size, "after": cursor}
        parents = parent_ids(listing, [] if parent is None else [parent])
        data = await api.data(
            query(listing), orderBy=order_by(keys), filter=filter_variable(filter_), **place, **parents
        )
        (page,) = connections(listing, data)
        ids = [node["databaseId"] for node in page["nodes"]]
        walked += ids[::-1] if backward else ids
        info = page["pageInfo"]
        if not (info["hasPreviousPage"] if backward else info["hasNextPage"]):
            return walked
        assert ids, "a page that is not the last one is not empty"
        cursor = info["startCursor"] if backward else info["endCursor"]
        if between is not None:
            await between(ids)
    raise AssertionError("the list does not end")


@EXAMPLES
@given(data=st.data(), school=schools(id_max=DATABASE_ID_MAX))
async def test_a_walk_gives_every_row_once_in_either_direction(api: Api, data: st.DataObject, school: School) -> None:
    await api.store(school)
    listing = data.draw(st.sampled_from(LISTINGS))
    keys = data.draw(orderings(listing))
    filter_ = data.draw(st.none() | filters(listing))
    size = data.draw(st.integers(1, 4))
    for parent in keys_of_parents(school, listing)[:3]:
        rows = cut(school.rows_of(listing.label, parent), keys=keys, filter_=filter_, first=500).rows
        ids = [row["id"] for row in rows]
        assert await walk(api, listing, keys, parent=parent, size=size, filter_=filter_) == ids
        assert await walk(api, listing, keys, parent=parent, size=size, filter_=filter_, backward=True) == ids[::-1]


@EXAMPLES
@given(data=st.data(), before=schools(id_max=DATABASE_ID_MAX), after=schools(id_max=DATABASE_ID_MAX))
async def test_rows_that_stay_are_walked_once_while_others_come_and_go(
    api: Api, data: st.DataObject, before: School, after: School
) -> None:
    """`before` is mixed into `after` row by row: what is in one alone comes or goes between two pages."""
    listing = data.draw(st.sampled_from([Listing.STUDENTS, Listing.COURSES]))
    table = "students" if listing is Listing.STUDENTS else "courses"
    keys, size, backward = data.draw(orderings(listing)), data.draw(st.integers(1, 3)), data.draw(st.booleans())
    rows: dict[int, Row] = {row["id"]: row for row in getattr(before, table)}
    staying = {key for key in rows if data.draw(st.booleans(), label=f"{key} stays")}
    coming = [row for row in getattr(after, table) if row["id"] not in rows and not clashes(row, rows.values())]

    async def store() -> None:
        some = tuple(rows.values())
        await api.store(School(some, (), ()) if table == "students" else School((), some, ()))

    async def change(page: list[int]) -> None:
        # Among those that go is the row whose cursor comes next.
        for key in [*page[-1:], *page[:1]]:
            if key not in staying:
                rows.pop(key, None)
        if coming:
            row = coming.pop()
            if not clashes(row, rows.values()):
                rows[row["id"]] = row
        await store()

    await store()
    walked = await walk(api, listing, keys, parent=None, size=size, backward=backward, between=change)
    assert len(set(walked)) == len(walked)
    assert staying <= set(walked)
    seen = {row["id"]: row for row in (*getattr(after, table), *getattr(before, table))}
    order = list(pairwise(seen[key] for key in walked))
    assert all(compare(one, other, keys) < 0 for one, other in (order if not backward else [p[::-1] for p in order]))


def clashes(row: Row, rows: Any) -> bool:
    """Whether the row shares something unique with another."""
    unique = ("id", "email", "sourced_id", "code")
    return any(name in row and row[name] is not None and row[name] == other[name] for other in rows for name in unique)


@pytest.mark.parametrize("backward", [False, True])
async def test_a_row_that_comes_before_the_cursor_is_not_met_and_one_behind_it_is(api: Api, *, backward: bool) -> None:
    def student(key: int, name: str) -> Row:
        return {"id": key, "name": name, "email": None, "sourced_id": None, "created_at": MOMENTS[0]}

    students = [student(1, "B"), student(2, "D"), student(3, "F"), student(4, "H")]
    await api.store(School(tuple(students), (), ()))
    newcomers = iter([(student(5, "C"), student(6, "G"))])

    async def add(_page: list[int]) -> None:
        students.extend(next(newcomers, ()))
        await api.store(School(tuple(students), (), ()))

    keys = [("name", False), ("id", False)]
    walked = await walk(api, Listing.STUDENTS, keys, parent=None, size=2, backward=backward, between=add)
    assert walked == ([4, 3, 2, 5, 1] if backward else [1, 2, 3, 6, 4])


async def test_a_cursor_outlives_its_row(api: Api) -> None:
    students = tuple(
        {"id": key, "name": "same", "email": None, "sourced_id": None, "created_at": MOMENTS[0]} for key in range(1, 6)
    )
    await api.store(School(students, (), ()))
    document = (
        "query ($after: String) { students(first: 2, after: $after) { nodes { databaseId } pageInfo { endCursor } } }"
    )
    first = (await api.data(document))["students"]
    await api.store(School(students[2:], (), ()))
    second = (await api.data(document, after=first["pageInfo"]["endCursor"]))["students"]
    assert [node["databaseId"] for node in second["nodes"]] == [3, 4]
