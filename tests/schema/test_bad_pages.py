"""Pages and cursors that cannot be, at every list: one clear error, and nothing is read."""

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
import pytest

from gql_api.database.statements import Entity
from gql_api.schema.global_id import encode_id
from tests.database.school import MOMENTS, School
from tests.schema.api import DIALECTS, Api, stored_once

ARGUMENTS = "first: $first, after: $after, last: $last, before: $before"
VARIABLES = "$first: Int, $after: String, $last: Int, $before: String"
PAGE = "edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage } totalCount"

ADA, ALGEBRA = encode_id(Entity.STUDENT, 1), encode_id(Entity.COURSE, 1)

LISTS = {
    "Query.students": ("Student", "", ""),
    "Query.courses": ("Course", "", ""),
    "Student.courses": ("Course", f'student(id: "{ADA}") {{', "}"),
    "Course.students": ("Student", f'course(id: "{ALGEBRA}") {{', "}"),
}


def document(listing: str) -> str:
    type_, begin, end = LISTS[listing]
    field = listing.split(".")[1]
    return (
        f"query ({VARIABLES}, $orderBy: [{type_}Order!])"
        f" {{ {begin} {field}({ARGUMENTS}, orderBy: $orderBy) {{ {PAGE} }} {end} }}"
    )


SCHOOL = School(
    tuple(
        {"id": key, "name": f"S{key}", "email": None, "sourced_id": None, "created_at": MOMENTS[0]} for key in (1, 2)
    ),
    tuple(
        {"id": key, "code": f"C{key}", "title": "T", "credits": key, "sourced_id": None, "created_at": MOMENTS[0]}
        for key in (1, 2)
    ),
    tuple(
        {"student_id": student, "course_id": course, "assigned_at": MOMENTS[1]}
        for student in (1, 2)
        for course in (1, 2)
    ),
)


@pytest.fixture(scope="module", params=DIALECTS)
def stored_url(request: pytest.FixtureRequest) -> Iterator[str]:
    with stored_once(request, SCHOOL) as url:
        yield url


@pytest.fixture
async def stored(stored_url: str) -> AsyncIterator[Api]:
    async with Api(stored_url) as api:
        yield api


async def cursor_of(api: Api, listing: str, **variables: Any) -> str:
    (value,) = (await api.data(document(listing), **variables)).values()
    (field,) = [value] if "edges" in value else value.values()
    return str(field["edges"][0]["cursor"])


def assert_only_parents_were_read(api: Api, listing: str) -> None:
    assert api.statements == ([] if listing.startswith("Query") else ["rows_by_id"])


every_list = pytest.mark.parametrize("listing", LISTS)


@every_list
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"first": -1}, "`first` is -1; it must be at least 0 and at most 500."),
        ({"last": -1}, "`last` is -1; it must be at least 0 and at most 500."),
        ({"first": 501}, "`first` is 501; it must be at least 0 and at most 500."),
        ({"last": 501}, "`last` is 501; it must be at least 0 and at most 500."),
        ({"first": 2**31 - 1}, f"`first` is {2**31 - 1}; it must be at least 0 and at most 500."),
        ({"last": -(2**31)}, f"`last` is -{2**31}; it must be at least 0 and at most 500."),
        ({"first": 1, "last": 1}, "Pass `first` or `last`, not both."),
        ({"first": 0, "last": 0}, "Pass `first` or `last`, not both."),
    ],
)
async def test_a_page_out_of_range_is_refused(
    stored: Api, listing: str, arguments: dict[str, Any], message: str
) -> None:
    assert await stored.refusal(document(listing), **arguments) == message
    assert_only_parents_were_read(stored, listing)


@every_list
@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 1.5, "1", True, [1], {}])
async def test_a_size_that_is_no_int_is_refused(stored: Api, listing: str, value: Any) -> None:
    for name in ("first", "last"):
        response = await stored.execute(document(listing), **{name: value})
        assert [error["extensions"]["code"] for error in response["errors"]] == ["BAD_USER_INPUT"]
        assert stored.statements == []


@every_list
@pytest.mark.parametrize(
    "cursor",
    ["", "0", "x", "null", "\0", "é", "\ud800", "' OR 1=1 --", "eyJpZCI6MX0", "W10", "x" * 100_000, "=" * 5000],
)
async def test_what_is_no_cursor_is_refused(stored: Api, listing: str, cursor: str) -> None:
    for name in ("after", "before"):
        assert await stored.refusal(document(listing), **{name: cursor}) == (
            f"`{name}` is not a cursor of this API; pass one that it gave you, unchanged."
        )
        assert_only_parents_were_read(stored, listing)


@every_list
async def test_a_cursor_of_another_list_is_refused_by_name(stored: Api, listing: str) -> None:
    for other in LISTS:
        if other != listing:
            cursor = await cursor_of(stored, other)
            assert await stored.refusal(document(listing), before=cursor) == (
                f"`before` holds a cursor of another list or ordering ('{other} by id asc');"
                f" this list is '{listing} by id asc'."
            )


@every_list
async def test_a_cursor_of_another_ordering_is_refused_by_name(stored: Api, listing: str) -> None:
    by_time = [{"field": "CREATED_AT", "direction": "DESC"}]
    cursor = await cursor_of(stored, listing, orderBy=by_time)
    assert await stored.refusal(document(listing), after=cursor) == (
        f"`after` holds a cursor of another list or ordering ('{listing} by created_at desc, id desc');"
        f" this list is '{listing} by id asc'."
    )
    by_id = await cursor_of(stored, listing)
    for orders in (by_time, [{"field": "CREATED_AT"}]):
        message = await stored.refusal(document(listing), after=by_id, orderBy=orders)
        assert message.startswith(f"`after` holds a cursor of another list or ordering ('{listing} by id asc');")


@every_list
@pytest.mark.parametrize("key", [True, None, "1", 1.0, [1], {"id": 1}, 2**63, 2**64 - 1])
async def test_a_forged_cursor_is_refused(stored: Api, listing: str, key: Any) -> None:
    payload = orjson.dumps([f"{listing} by id asc", key])
    cursor = urlsafe_b64encode(payload).rstrip(b"=").decode()
    assert "is not a cursor" in await stored.refusal(document(listing), after=cursor)
    assert_only_parents_were_read(stored, listing)


@every_list
@pytest.mark.parametrize("key", [2**63 - 1, -(2**63), 0, -1, 2**31, 2**40])
async def test_a_place_where_no_row_can_be_is_a_place(stored: Api, listing: str, key: int) -> None:
    payload = orjson.dumps([f"{listing} by id asc", key])
    cursor = urlsafe_b64encode(payload).rstrip(b"=").decode()
    page = (await stored.data(document(listing), after=cursor)).popitem()[1]
    page = page if "edges" in page else page.popitem()[1]
    assert (len(page["edges"]), page["pageInfo"]["hasPreviousPage"]) == ((0, True) if key > 0 else (2, False))


@pytest.mark.parametrize("number", [2**31, 2**63 - 1, -(2**63)])
async def test_credits_beyond_their_column_are_a_place(stored: Api, number: int) -> None:
    payload = orjson.dumps(["Query.courses by credits asc, id asc", number, 1])
    cursor = urlsafe_b64encode(payload).rstrip(b"=").decode()
    data = await stored.data(document("Query.courses"), after=cursor, orderBy=[{"field": "CREDITS"}])
    assert len(data["courses"]["edges"]) == (0 if number > 0 else 2)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0000-01-01T00:00:00Z"])
async def test_a_time_beyond_all_calendars_is_no_place(stored: Api, moment: str) -> None:
    payload = orjson.dumps(["Query.courses by created_at asc, id asc", moment, 1])
    cursor = urlsafe_b64encode(payload).rstrip(b"=").decode()
    orders = [{"field": "CREATED_AT"}]
    assert "is not a cursor" in await stored.refusal(document("Query.courses"), after=cursor, orderBy=orders)


@pytest.mark.parametrize("listing", ["Query.students", "Query.courses"])
async def test_roots_cannot_be_ordered_by_assignment(stored: Api, listing: str) -> None:
    assert await stored.refusal(document(listing), orderBy=[{"field": "ASSIGNED_AT"}]) == (
        f"`orderBy` ASSIGNED_AT is possible inside Student.courses and Course.students, not in {listing}."
    )


@every_list
async def test_a_field_is_ordered_by_once(stored: Api, listing: str) -> None:
    orders = [{"field": "CREATED_AT"}, {"field": "CREATED_AT", "direction": "DESC"}]
    assert await stored.refusal(document(listing), orderBy=orders) == "`orderBy` names a field twice."


@every_list
@pytest.mark.parametrize(
    "orders",
    [
        [{"field": "id"}],
        [{"field": "name; DROP TABLE students"}],
        [{"field": None}],
        [{}],
        [{"field": "CREATED_AT", "direction": "asc"}],
        [{"field": "CREATED_AT", "direction": None}],
        "CREATED_AT",
        7,
    ],
)
async def test_an_ordering_names_fields_and_directions(stored: Api, listing: str, orders: Any) -> None:
    response = await stored.execute(document(listing), orderBy=orders)
    assert {error["extensions"]["code"] for error in response["errors"]} == {"BAD_USER_INPUT"}
    assert stored.statements == []


async def test_a_bad_page_below_many_parents_is_one_error(stored: Api) -> None:
    document = "{ students { nodes { name courses(first: -1) { totalCount } } } }"
    assert await stored.refusal(document) == "`first` is -1; it must be at least 0 and at most 500."
    assert stored.statements == ["page"]
