import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.services.courses import create_course, update_course
from gql_api.services.unit_of_work import UnitsOfWork
from tests.integration.rest_application import BODY_BYTES_MAX, NO_COURSE, NO_STUDENT, problem, rest_client
from tests.services.held import held
from tests.services.stored import everything, new_course, new_students, pairs

EXPECTED = 'expected is {"courseId": 7}, with the integer key of a course.'
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def rest(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with rest_client(database_url) as client:
        yield client


async def assign(rest: httpx.AsyncClient, student_id: object, course_id: object) -> httpx.Response:
    return await rest.post(f"/students/{student_id}/courses", json={"courseId": course_id})


async def test_a_new_assignment_is_created_and_can_be_found(
    rest: httpx.AsyncClient, engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    [student_id] = await new_students(units_of_work, 1)
    course = await units_of_work.run(
        partial(create_course, code="ALG", title="Algebra", credits=5, capacity=1, sourced_id="c-1")
    )

    response = await assign(rest, student_id, course.id)

    created = response.json()
    assert response.status_code == 201
    assert response.headers["content-type"] == "application/json"
    assert response.headers["location"] == f"/students/{student_id}/courses/{course.id}"
    assert created == {
        "id": course.id,
        "code": "ALG",
        "title": "Algebra",
        "credits": 5,
        "capacity": 1,
        "sourcedId": "c-1",
        "assignedAt": created["assignedAt"],
    }
    assert await pairs(engine) == [(student_id, course.id)]
    assert (await rest.get(response.headers["location"])).json() == created
    assert (await rest.get(f"/students/{student_id}/courses")).json()["courses"] == [created]


@pytest.mark.parametrize("capacity", [None, 1])
async def test_an_assignment_that_is_there_is_found_and_not_made_again(
    rest: httpx.AsyncClient, engine: AsyncEngine, units_of_work: UnitsOfWork, capacity: int | None
) -> None:
    [student_id] = await new_students(units_of_work, 1)
    course_id = await new_course(units_of_work, capacity=capacity)
    first = await assign(rest, student_id, course_id)
    before = await everything(engine)

    again = await assign(rest, student_id, course_id)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert "location" not in again.headers
    assert await everything(engine) == before


async def test_a_full_course_is_a_conflict(
    rest: httpx.AsyncClient, engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    ada, bob = await new_students(units_of_work, 2)
    course_id = await new_course(units_of_work, capacity=1)
    await assign(rest, ada, course_id)
    before = await everything(engine)

    response = await assign(rest, bob, course_id)

    assert response.status_code == 409
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == problem(
        409,
        "COURSE_FULL",
        "Course full",
        response.json()["detail"],
        courseId=course_id,
        capacity=1,
    )
    assert await everything(engine) == before


async def test_fifty_posts_for_ten_seats_create_exactly_ten(
    rest: httpx.AsyncClient, engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    students = await new_students(units_of_work, 50)
    course_id = await new_course(units_of_work, capacity=10)

    responses = await asyncio.gather(*(assign(rest, student_id, course_id) for student_id in students))

    assert Counter(response.status_code for response in responses) == {201: 10, 409: 40}
    assert len(await pairs(engine)) == 10


@pytest.mark.parametrize(
    "student_id", ["0", "-1", "999", "9223372036854775807", "9223372036854775808", "abc", "1.0", "01", "%00"]
)
async def test_a_student_that_does_not_exist_is_not_found(
    rest: httpx.AsyncClient, units_of_work: UnitsOfWork, student_id: str
) -> None:
    course_id = await new_course(units_of_work)
    response = await assign(rest, student_id, course_id)
    assert (response.status_code, response.json()) == (404, NO_STUDENT)


@pytest.mark.parametrize("course_id", [999, 0, -1, 2**63 - 1, 2**63, 2**64 - 1, -(2**63)])
async def test_a_course_that_does_not_exist_is_not_found(
    rest: httpx.AsyncClient, engine: AsyncEngine, units_of_work: UnitsOfWork, course_id: int
) -> None:
    [student_id] = await new_students(units_of_work, 1)
    response = await assign(rest, student_id, course_id)
    assert (response.status_code, response.json()) == (404, NO_COURSE)
    assert await pairs(engine) == []


@pytest.mark.parametrize(
    "value", [True, False, None, 1.0, 1.5, 1e3, "1", "1; DROP TABLE students", "\0", "", [1], {"id": 1}, []]
)
async def test_a_course_id_of_another_type_is_invalid(
    rest: httpx.AsyncClient, engine: AsyncEngine, units_of_work: UnitsOfWork, value: Any
) -> None:
    [student_id] = await new_students(units_of_work, 1)
    await new_course(units_of_work)
    response = await assign(rest, student_id, value)
    detail = f"courseId must be an integer; {EXPECTED}"
    assert (response.status_code, response.json()) == (
        422,
        problem(422, "INVALID_INPUT", "Invalid input", detail, field="courseId"),
    )
    assert await pairs(engine) == []


@pytest.mark.parametrize(
    ("body", "field", "what"),
    [
        ("{}", "courseId", "courseId is missing"),
        ('{"courseid": 1}', "courseid", "The body has a field that is not known"),
        ('{"courseId": 1, "x": 1}', "x", "The body has a field that is not known"),
        ('{"courseId": 1, "\\u0000": 1}', "\0", "The body has a field that is not known"),
        ('{"%s": 1}' % ("y" * 500), "y" * 40, "The body has a field that is not known"),
    ],
)
async def test_fields_missing_or_unknown_are_invalid(
    rest: httpx.AsyncClient, units_of_work: UnitsOfWork, body: str, field: str, what: str
) -> None:
    [student_id] = await new_students(units_of_work, 1)
    await new_course(units_of_work)
    response = await rest.post(f"/students/{student_id}/courses", content=body, headers=JSON)
    assert (response.status_code, response.json()) == (
        422,
        problem(422, "INVALID_INPUT", "Invalid input", f"{what}; {EXPECTED}", field=field),
    )
    assert (await rest.get(f"/students/{student_id}/courses")).json()["courses"] == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"courseId": 1,}',
        b"{'courseId': 1}",
        b'{"courseId": 01}',
        b'{"courseId": NaN}',
        b'{"courseId": 1} {}',
        b'{"courseId": 1, "courseId": 2}',
        b'{"courseId": "\\ud800"}',
        b'{"courseId": "\xff"}',
        b'\xef\xbb\xbf{"courseId": 1}',
        '{"courseId": 1}'.encode("utf-16"),
        b'{"courseId": 18446744073709551616}',
        b'{"courseId": %s}' % (b"9" * 500),
        b"[" * 900,
        b"1",
        b"null",
        b'"courseId"',
        b"[]",
        b'[{"courseId": 1}]',
    ],
)
async def test_a_body_that_is_no_json_object_is_a_bad_request(
    rest: httpx.AsyncClient, engine: AsyncEngine, units_of_work: UnitsOfWork, body: bytes
) -> None:
    [student_id] = await new_students(units_of_work, 1)
    await new_course(units_of_work)
    response = await rest.post(f"/students/{student_id}/courses", content=body, headers=JSON)
    detail = response.json()["detail"]
    assert (response.status_code, response.json()) == (400, problem(400, "BAD_REQUEST", "Bad request", detail))
    assert detail.startswith(("The body is not acceptable JSON: ", "The body is not a JSON object; "))
    assert await pairs(engine) == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": ""},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/jsonp"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
async def test_a_body_of_another_type_is_unsupported(
    rest: httpx.AsyncClient, engine: AsyncEngine, units_of_work: UnitsOfWork, headers: dict[str, str]
) -> None:
    [student_id] = await new_students(units_of_work, 1)
    course_id = await new_course(units_of_work)
    body = b'{"courseId": %d}' % course_id
    response = await rest.post(f"/students/{student_id}/courses", content=body, headers=headers)
    assert response.status_code == 415
    assert response.json() == problem(
        415, "UNSUPPORTED_MEDIA_TYPE", "Unsupported media type", response.json()["detail"]
    )
    assert await pairs(engine) == []


async def test_a_body_too_large_is_refused_whether_or_not_it_says_its_length(
    rest: httpx.AsyncClient, engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    [student_id] = await new_students(units_of_work, 1)
    course_id = await new_course(units_of_work)
    body = b'{"courseId": %d}' % course_id + b" " * BODY_BYTES_MAX

    async def in_chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 100):
            yield body[start : start + 100]

    for content in (body, in_chunks()):
        response = await rest.post(f"/students/{student_id}/courses", content=content, headers=JSON)
        detail = f"The body is larger than {BODY_BYTES_MAX} bytes."
        assert (response.status_code, response.json()) == (
            413,
            problem(413, "CONTENT_TOO_LARGE", "Content too large", detail),
        )
    assert await pairs(engine) == []


async def test_a_body_that_does_not_come_is_given_up(rest: httpx.AsyncClient) -> None:
    async def never_ending() -> AsyncIterator[bytes]:
        yield b'{"courseId": '
        await asyncio.sleep(5)

    response = await rest.post("/students/1/courses", content=never_ending(), headers=JSON)

    assert (response.status_code, response.json()["code"]) == (408, "REQUEST_TIMEOUT")


async def test_json_may_be_spelled_as_json_may(
    rest: httpx.AsyncClient, engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    [student_id] = await new_students(units_of_work, 1)
    course_id = await new_course(units_of_work)
    response = await rest.post(
        f"/students/{student_id}/courses",
        content=b' \n{ "course\\u0049d" :\t%d } ' % course_id,
        headers={"Content-Type": 'Application/JSON ; charset="UTF-8"'},
    )
    assert response.status_code == 201
    assert await pairs(engine) == [(student_id, course_id)]


async def test_a_locked_database_is_told_without_saying_where_it_is(
    rest: httpx.AsyncClient,
    engine: AsyncEngine,
    units_of_work: UnitsOfWork,
    database_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    [student_id] = await new_students(units_of_work, 1)
    course_id = await new_course(units_of_work, capacity=1)

    async with held(engine) as uow:
        await update_course(uow, course_id=course_id, title="Held")
        with caplog.at_level(logging.ERROR):
            response = await assign(rest, student_id, course_id)

    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert response.json() == problem(
        503,
        "OVERLOADED",
        "Not possible at the moment",
        "This cannot be done at the moment; try again later.",
        requestId=response.headers["x-request-id"],
    )
    assert response.headers["x-request-id"] in caplog.text
    assert database_url.rpartition("/")[2] not in response.text
    assert await pairs(engine) == []


BROKEN_TRIGGER = {
    "sqlite": [
        "CREATE TRIGGER broken BEFORE INSERT ON student_courses BEGIN SELECT RAISE(ABORT, 'no assigned_at'); END",
    ],
    "postgresql": [
        "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no assigned_at'; END $$",
        "CREATE TRIGGER broken BEFORE INSERT ON student_courses EXECUTE FUNCTION broken()",
    ],
}


async def test_what_nobody_expected_is_masked_and_logged_under_the_requests_id(
    rest: httpx.AsyncClient, engine: AsyncEngine, units_of_work: UnitsOfWork, caplog: pytest.LogCaptureFixture
) -> None:
    [student_id] = await new_students(units_of_work, 1)
    course_id = await new_course(units_of_work)
    async with engine.begin() as connection:
        for statement in BROKEN_TRIGGER[engine.dialect.name]:
            await connection.execute(text(statement))

    with caplog.at_level(logging.ERROR):
        response = await rest.post(
            f"/students/{student_id}/courses", json={"courseId": course_id}, headers={"X-Request-ID": "mine-1"}
        )

    assert response.headers["x-request-id"] == "mine-1"
    assert (response.status_code, response.json()) == (
        500,
        problem(
            500,
            "INTERNAL_SERVER_ERROR",
            "Internal server error",
            "Something went wrong here, not in the request.",
            requestId="mine-1",
        ),
    )
    assert "mine-1" in caplog.text
    assert "ConstraintViolated" in caplog.text or "no assigned_at" in caplog.text
    assert "assigned_at" not in response.text
