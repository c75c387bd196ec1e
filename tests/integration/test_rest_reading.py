from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.pagination import KeyKind, Ordering, OrderKey, encode_cursor
from gql_api.services.assignments import assign_course, assign_courses, unassign_course
from gql_api.services.courses import create_course
from gql_api.services.pairs import Pair
from gql_api.services.students import delete_student
from gql_api.services.unit_of_work import UnitsOfWork
from tests.integration.rest_application import NO_STUDENT, problem, rest_client
from tests.services.stored import everything, new_course, new_students

NOT_KEYS = [
    *("0", "-1", "999", "9223372036854775808", "1" * 5000, "07", "+7", "7.0", "7e0", "abc", "null"),
    *("%00", "7%00", "%D9%A7", "1%20OR%201=1", "1;DROP%20TABLE%20students"),
]


@pytest.fixture
async def rest(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with rest_client(database_url) as client:
        yield client


def codes(response: httpx.Response) -> list[str]:
    return [course["code"] for course in response.json()["courses"]]


async def student_with_courses(units_of_work: UnitsOfWork, number: int) -> int:
    """A student with the courses C0, C1, …, and another one with one of them."""
    student_id, other = await new_students(units_of_work, 2)
    courses = [await new_course(units_of_work, f"C{i}") for i in range(number)]
    if courses:
        pairs = [Pair(student_id, course_id) for course_id in courses]
        await units_of_work.run(partial(assign_courses, pairs=[*pairs, Pair(other, courses[0])]))
    return student_id


async def test_a_page_shows_the_courses_of_the_student(rest: httpx.AsyncClient, units_of_work: UnitsOfWork) -> None:
    [student_id] = await new_students(units_of_work, 1)
    course = await units_of_work.run(
        partial(create_course, code="ALG", title="Algebra", credits=5, capacity=30, sourced_id="c-1")
    )
    assignment = await units_of_work.run(partial(assign_course, student_id=student_id, course_id=course.id))

    response = await rest.get(f"/students/{student_id}/courses")

    [shown] = response.json()["courses"]
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert "link" not in response.headers
    assert response.json()["nextCursor"] is None
    assert shown == {
        "id": course.id,
        "code": "ALG",
        "title": "Algebra",
        "credits": 5,
        "capacity": 30,
        "sourcedId": "c-1",
        "assignedAt": shown["assignedAt"],
    }
    assert shown["assignedAt"].endswith("Z")
    assert datetime.fromisoformat(shown["assignedAt"]) == assignment.assigned_at


async def test_what_a_course_lacks_is_null(rest: httpx.AsyncClient, units_of_work: UnitsOfWork) -> None:
    student_id = await student_with_courses(units_of_work, 1)
    [course] = (await rest.get(f"/students/{student_id}/courses")).json()["courses"]
    assert (course["credits"], course["capacity"], course["sourcedId"]) == (None, None, None)


async def test_a_student_without_courses_has_an_empty_page(rest: httpx.AsyncClient, units_of_work: UnitsOfWork) -> None:
    student_id = await student_with_courses(units_of_work, 0)
    response = await rest.get(f"/students/{student_id}/courses")
    assert (response.status_code, response.json()) == (200, {"courses": [], "nextCursor": None})


async def test_pages_follow_each_other_by_cursor_and_by_link(
    rest: httpx.AsyncClient, units_of_work: UnitsOfWork
) -> None:
    student_id = await student_with_courses(units_of_work, 7)
    url = f"/students/{student_id}/courses"

    first = await rest.get(url)
    second = await rest.get(url, params={"after": first.json()["nextCursor"]})
    third = await rest.get(url, params={"after": second.json()["nextCursor"]})

    assert [codes(page) for page in (first, second, third)] == [["C0", "C1", "C2"], ["C3", "C4", "C5"], ["C6"]]
    assert third.json()["nextCursor"] is None
    assert first.headers["link"] == f'<{url}?first=3&after={first.json()["nextCursor"]}>; rel="next"'
    assert codes(await rest.get(first.links["next"]["url"])) == ["C3", "C4", "C5"]
    assert "next" not in third.links


async def test_a_page_that_is_just_full_has_no_next(rest: httpx.AsyncClient, units_of_work: UnitsOfWork) -> None:
    student_id = await student_with_courses(units_of_work, 3)
    assert (await rest.get(f"/students/{student_id}/courses")).json()["nextCursor"] is None


async def test_first_sets_the_size_of_a_page(rest: httpx.AsyncClient, units_of_work: UnitsOfWork) -> None:
    student_id = await student_with_courses(units_of_work, 7)
    url = f"/students/{student_id}/courses"

    assert codes(await rest.get(url, params={"first": 5})) == ["C0", "C1", "C2", "C3", "C4"]
    assert codes(await rest.get(url, params={"first": 1})) == ["C0"]
    nothing = await rest.get(url, params={"first": 0})
    assert (nothing.status_code, nothing.json()) == (200, {"courses": [], "nextCursor": None})


async def test_a_cursor_outlives_its_row(rest: httpx.AsyncClient, units_of_work: UnitsOfWork) -> None:
    student_id = await student_with_courses(units_of_work, 7)
    url = f"/students/{student_id}/courses"
    first = (await rest.get(url)).json()

    last_shown = first["courses"][-1]["id"]
    await units_of_work.run(partial(unassign_course, student_id=student_id, course_id=last_shown))

    assert codes(await rest.get(url, params={"after": first["nextCursor"]})) == ["C3", "C4", "C5"]


async def test_one_course_is_shown_as_in_the_list(rest: httpx.AsyncClient, units_of_work: UnitsOfWork) -> None:
    student_id = await student_with_courses(units_of_work, 3)
    for course in (await rest.get(f"/students/{student_id}/courses")).json()["courses"]:
        response = await rest.get(f"/students/{student_id}/courses/{course['id']}")
        assert (response.status_code, response.json()) == (200, course)


async def test_a_course_that_the_student_does_not_take_is_not_among_his(
    rest: httpx.AsyncClient, units_of_work: UnitsOfWork
) -> None:
    student_id = await student_with_courses(units_of_work, 1)
    not_taken = await new_course(units_of_work, "X")
    detail = "The student takes no course that has this id."

    for course_id in (not_taken, 999):
        response = await rest.get(f"/students/{student_id}/courses/{course_id}")
        assert (response.status_code, response.json()) == (
            404,
            problem(404, "COURSE_NOT_FOUND", "Course not found", detail),
        )


@pytest.mark.parametrize("student_id", NOT_KEYS)
async def test_who_does_not_exist_has_no_courses(rest: httpx.AsyncClient, student_id: str) -> None:
    for url in (f"/students/{student_id}/courses", f"/students/{student_id}/courses/1"):
        response = await rest.get(url)
        assert (response.status_code, response.json()) == (404, NO_STUDENT)
        assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("course_id", NOT_KEYS)
async def test_what_does_not_exist_is_not_among_the_courses(
    rest: httpx.AsyncClient, units_of_work: UnitsOfWork, course_id: str
) -> None:
    student_id = await student_with_courses(units_of_work, 1)
    response = await rest.get(f"/students/{student_id}/courses/{course_id}")
    assert response.status_code == 404
    assert response.json()["code"] == "COURSE_NOT_FOUND"


async def test_who_was_deleted_has_no_courses(rest: httpx.AsyncClient, units_of_work: UnitsOfWork) -> None:
    student_id = await student_with_courses(units_of_work, 1)
    await units_of_work.run(partial(delete_student, student_id=student_id))
    response = await rest.get(f"/students/{student_id}/courses")
    assert (response.status_code, response.json()) == (404, NO_STUDENT)


def cursor(listing: str, *values: Any, kind: KeyKind = KeyKind.INTEGER) -> str:
    return encode_cursor(Ordering(listing, (OrderKey("id", kind),)), values)


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("first=-1", "`first` is -1; it must be at least 0 and at most 5."),
        ("first=6", "`first` is 6; it must be at least 0 and at most 5."),
        (
            "first=999999999999999999",
            "`first` is 999999999999999999; it must be at least 0 and at most 5.",
        ),
        ("first=" + "9" * 5000, "`first` must be a whole number."),
        ("first=", "`first` must be a whole number."),
        ("first=1.0", "`first` must be a whole number."),
        ("first=%D9%A7", "`first` must be a whole number."),
        ("first=1&first=2", "`first` is there twice."),
        ("page=2", "`page` is not a parameter; the parameters are `first` and `after`."),
        ("last=2", "`last` is not a parameter; the parameters are `first` and `after`."),
        ("%00=1", "`\0` is not a parameter; the parameters are `first` and `after`."),
        ("after=", "`after` is not a cursor of this API; pass one that it gave you, unchanged."),
        ("after=x", "`after` is not a cursor of this API; pass one that it gave you, unchanged."),
        ("after=%00", "`after` is not a cursor of this API; pass one that it gave you, unchanged."),
        ("after=" + "A" * 5000, "`after` is not a cursor of this API; pass one that it gave you, unchanged."),
        (
            "after=" + cursor("Student.courses", 2**63),
            "`after` is not a cursor of this API; pass one that it gave you, unchanged.",
        ),
        (
            "after=" + cursor("Student.courses", "1; DROP TABLE students"),
            "`after` is not a cursor of this API; pass one that it gave you, unchanged.",
        ),
        (
            "after=" + cursor("Query.courses", 1),
            "`after` holds a cursor of another list or ordering ('Query.courses by id asc');"
            " this list is 'Student.courses by id asc'.",
        ),
    ],
)
async def test_a_page_that_cannot_be_is_refused_with_what_can(
    rest: httpx.AsyncClient, units_of_work: UnitsOfWork, query: str, detail: str
) -> None:
    student_id = await student_with_courses(units_of_work, 1)
    response = await rest.get(f"/students/{student_id}/courses?{query}")
    assert (response.status_code, response.json()) == (
        422,
        problem(422, "BAD_USER_INPUT", "Invalid parameter", detail),
    )


@pytest.mark.parametrize("query", ["first=%FF", "&".join(["first=1"] * 40)])
async def test_a_query_that_is_no_text_or_endless_is_refused(rest: httpx.AsyncClient, query: str) -> None:
    response = await rest.get(f"/students/1/courses?{query}")
    assert (response.status_code, response.json()["code"]) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize(
    ("path", "allowed"), [("/students/1/courses", "GET, HEAD, POST"), ("/students/1/courses/1", "GET, HEAD")]
)
async def test_other_methods_are_refused_with_those_allowed(
    rest: httpx.AsyncClient, engine: AsyncEngine, method: str, path: str, allowed: str
) -> None:
    before = await everything(engine)
    response = await rest.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, allowed)
    detail = f"The method is not allowed here; allowed are {allowed}."
    assert response.json() == problem(405, "METHOD_NOT_ALLOWED", "Method not allowed", detail)
    assert await everything(engine) == before


async def test_a_head_is_answered_like_a_get(rest: httpx.AsyncClient, units_of_work: UnitsOfWork) -> None:
    student_id = await student_with_courses(units_of_work, 5)
    get, head = [await rest.request(method, f"/students/{student_id}/courses") for method in ("GET", "HEAD")]
    assert head.status_code == 200
    volatile = {"x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in volatile} == {
        k: v for k, v in get.headers.items() if k not in volatile
    }
