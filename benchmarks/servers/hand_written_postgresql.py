"""Endpoints written by hand over PostgreSQL: one per workload, raw asyncpg, no GraphQL.

They answer byte for byte as this project's server does: this is what remains to be done once everything general is
taken away.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gql_api.database.address import parse_database_url
from gql_api.database.statements import Entity
from gql_api.schema.global_id import decode_key, encode_id, encode_ids

COURSES_OF_STUDENTS = """
    SELECT parent.id AS student_id, courses.id, code, title, credits
    FROM unnest($1::bigint[]) AS parent (id)
    CROSS JOIN LATERAL (
        SELECT course_id FROM student_courses WHERE student_id = parent.id ORDER BY course_id LIMIT 20
    ) AS link
    JOIN courses ON courses.id = link.course_id
    ORDER BY parent.id, courses.id
"""

STUDENTS_OF_COURSES = """
    SELECT course.id, title, students.id, students.name
    FROM (SELECT id, title FROM courses ORDER BY id LIMIT 10) AS course
    LEFT JOIN LATERAL (
        SELECT student_id FROM student_courses WHERE course_id = course.id ORDER BY student_id LIMIT 20
    ) AS link ON true
    LEFT JOIN students ON students.id = link.student_id
    ORDER BY course.id, students.id
"""


async def roster(request: Request) -> Response:
    """W1."""
    async with request.app.state.pool.acquire() as connection:
        students = await connection.fetch("SELECT id, name, email FROM students ORDER BY id LIMIT 50")
        ids = [student[0] for student in students]
        courses = await connection.fetch(COURSES_OF_STUDENTS, ids)
    nested: dict[int, list[dict[str, Any]]] = {id_: [] for id_ in ids}
    course_ids = encode_ids(Entity.COURSE, [course[1] for course in courses])
    for id_, (student_id, _, code, title, credits_) in zip(course_ids, courses, strict=True):
        nested[student_id].append({"id": id_, "code": code, "title": title, "credits": credits_})
    nodes = [
        {"id": id_, "name": name, "email": email, "courses": {"nodes": nested[key]}}
        for id_, (key, name, email) in zip(encode_ids(Entity.STUDENT, ids), students, strict=True)
    ]
    return answer({"students": {"nodes": nodes}})


async def deep(request: Request) -> Response:
    """W2."""
    async with request.app.state.pool.acquire() as connection:
        rows = await connection.fetch(STUDENTS_OF_COURSES)
        nested: dict[int, list[dict[str, Any]]] = {row[2]: [] for row in rows if row[2] is not None}
        for student_id, _, code, title, _ in await connection.fetch(COURSES_OF_STUDENTS, list(nested)):
            nested[student_id].append({"code": code, "title": title})
    courses: dict[int, dict[str, Any]] = {}
    for course_id, title, student_id, name in rows:
        course = courses.setdefault(course_id, {"title": title, "students": {"nodes": []}})
        if student_id is not None:
            course["students"]["nodes"].append({"name": name, "courses": {"nodes": nested[student_id]}})
    return answer({"courses": {"nodes": list(courses.values())}})


async def student(request: Request) -> Response:
    """W3."""
    key = decode_key((await variables(request))["id"], Entity.STUDENT, argument="id")
    async with request.app.state.pool.acquire() as connection:
        row = await connection.fetchrow("SELECT name, email FROM students WHERE id = $1", key)
        if row is None:
            return answer({"student": None})
        courses = await connection.fetch(
            "SELECT code, title FROM student_courses JOIN courses ON id = course_id"
            " WHERE student_id = $1 ORDER BY course_id LIMIT 20",
            key,
        )
    nodes = [{"code": code, "title": title} for code, title in courses]
    return answer({"student": {"name": row[0], "email": row[1], "courses": {"nodes": nodes}}})


async def assign(request: Request) -> Response:
    """W4: no course is ever overfilled, so the seats are counted by a statement after the one that locks the course."""
    given = await variables(request)
    student_id = decode_key(given["s"], Entity.STUDENT, argument="s")
    course_id = decode_key(given["c"], Entity.COURSE, argument="c")
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        found = await connection.fetchrow(
            "SELECT capacity FROM courses WHERE id = $1 AND EXISTS (SELECT FROM students WHERE id = $2)"
            " FOR NO KEY UPDATE",
            course_id,
            student_id,
        )
        if found is None:
            return answer({"assignCourse": None})
        status = await connection.execute(
            "INSERT INTO student_courses (student_id, course_id) SELECT $1, $2"
            " WHERE $3::int IS NULL OR (SELECT count(*) FROM student_courses WHERE course_id = $2) < $3"
            " ON CONFLICT DO NOTHING",
            student_id,
            course_id,
            found[0],
        )
    if status != "INSERT 0 1":
        return answer({"assignCourse": None})
    ids = encode_id(Entity.STUDENT, student_id), encode_id(Entity.COURSE, course_id)
    return answer({"assignCourse": {"student": {"id": ids[0]}, "course": {"id": ids[1]}}})


async def flat(request: Request) -> Response:
    """W5."""
    async with request.app.state.pool.acquire() as connection:
        rows = await connection.fetch("SELECT id, name, email, created_at FROM students ORDER BY id LIMIT 500")
    nodes = [
        {"id": id_, "name": name, "email": email, "createdAt": created_at}
        for id_, (_, name, email, created_at) in zip(
            encode_ids(Entity.STUDENT, [row[0] for row in rows]), rows, strict=True
        )
    ]
    return answer({"students": {"nodes": nodes}})


async def variables(request: Request) -> dict[str, Any]:
    """The variables of the request, as a GraphQL client would send them."""
    found: dict[str, Any] = orjson.loads(await request.body())["variables"]
    return found


def answer(data: dict[str, Any]) -> Response:
    """The answer, as a GraphQL server would send it."""
    return Response(orjson.dumps({"data": data}, option=orjson.OPT_UTC_Z), media_type="application/json")


async def keep_session(_connection: Any) -> None:
    """Spare the statement by which asyncpg resets a session before it goes back into the pool."""


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Open the connections."""
    arguments = parse_database_url(os.environ["DATABASE_URL"]).asyncpg_arguments()
    settings = {"timezone": "UTC"}
    async with asyncpg.create_pool(
        **arguments, min_size=10, max_size=10, reset=keep_session, server_settings=settings
    ) as app.state.pool:
        yield


app = Starlette(
    lifespan=lifespan,
    routes=[
        Route(path, endpoint, methods=["POST"])
        for path, endpoint in (("/W1", roster), ("/W2", deep), ("/W3", student), ("/W4", assign), ("/W5", flat))
    ],
)
