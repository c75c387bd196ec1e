"""Endpoints written by hand over SQLite: one per workload, raw sqlite3, no GraphQL.

Each request goes to a thread once, and does all of its work there. See hand_written_postgresql.py.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from threading import local
from typing import Any, TypeAlias

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gql_api.database.address import parse_database_url
from gql_api.database.statements import Entity
from gql_api.schema.global_id import decode_key, encode_id, encode_ids

JsonObject: TypeAlias = dict[str, Any]
Work: TypeAlias = Callable[[sqlite3.Connection, JsonObject], JsonObject]

READER_THREADS = 4

# SQLite has no LATERAL, but a bound of an index's range may be looked up for each row outside of it.
COURSES_OF_STUDENTS = """
    SELECT student_id, courses.id, code, title, credits
    FROM json_each(?) AS parent
    JOIN student_courses ON student_id = parent.value AND course_id <= ifnull((
        SELECT course_id FROM student_courses WHERE student_id = parent.value ORDER BY course_id LIMIT 1 OFFSET 19
    ), 9223372036854775807)
    JOIN courses ON courses.id = course_id
    ORDER BY student_id, course_id
"""

STUDENTS_OF_COURSES = """
    SELECT course.id, title, students.id, students.name
    FROM (SELECT id, title FROM courses ORDER BY id LIMIT 10) AS course
    LEFT JOIN student_courses ON course_id = course.id AND student_id <= ifnull((
        SELECT student_id FROM student_courses WHERE course_id = course.id ORDER BY student_id LIMIT 1 OFFSET 19
    ), 9223372036854775807)
    LEFT JOIN students ON students.id = student_id
    ORDER BY course.id, student_id
"""


def roster(connection: sqlite3.Connection, _variables: JsonObject) -> JsonObject:
    """W1."""
    students = connection.execute("SELECT id, name, email FROM students ORDER BY id LIMIT 50").fetchall()
    ids = [student[0] for student in students]
    courses = connection.execute(COURSES_OF_STUDENTS, [orjson.dumps(ids).decode()]).fetchall()
    nested: dict[int, list[JsonObject]] = {id_: [] for id_ in ids}
    course_ids = encode_ids(Entity.COURSE, [course[1] for course in courses])
    for id_, (student_id, _, code, title, credits_) in zip(course_ids, courses, strict=True):
        nested[student_id].append({"id": id_, "code": code, "title": title, "credits": credits_})
    nodes = [
        {"id": id_, "name": name, "email": email, "courses": {"nodes": nested[key]}}
        for id_, (key, name, email) in zip(encode_ids(Entity.STUDENT, ids), students, strict=True)
    ]
    return {"students": {"nodes": nodes}}


def deep(connection: sqlite3.Connection, _variables: JsonObject) -> JsonObject:
    """W2."""
    rows = connection.execute(STUDENTS_OF_COURSES).fetchall()
    nested: dict[int, list[JsonObject]] = {row[2]: [] for row in rows if row[2] is not None}
    ids = orjson.dumps(list(nested)).decode()
    for student_id, _, code, title, _ in connection.execute(COURSES_OF_STUDENTS, [ids]):
        nested[student_id].append({"code": code, "title": title})
    courses: dict[int, JsonObject] = {}
    for course_id, title, student_id, name in rows:
        course = courses.setdefault(course_id, {"title": title, "students": {"nodes": []}})
        if student_id is not None:
            course["students"]["nodes"].append({"name": name, "courses": {"nodes": nested[student_id]}})
    return {"courses": {"nodes": list(courses.values())}}


def student(connection: sqlite3.Connection, variables: JsonObject) -> JsonObject:
    """W3."""
    key = decode_key(variables["id"], Entity.STUDENT, argument="id")
    row = connection.execute("SELECT name, email FROM students WHERE id = ?", [key]).fetchone()
    if row is None:
        return {"student": None}
    courses = connection.execute(
        "SELECT code, title FROM student_courses JOIN courses ON id = course_id"
        " WHERE student_id = ? ORDER BY course_id LIMIT 20",
        [key],
    )
    nodes = [{"code": code, "title": title} for code, title in courses]
    return {"student": {"name": row[0], "email": row[1], "courses": {"nodes": nodes}}}


def assign(connection: sqlite3.Connection, variables: JsonObject) -> JsonObject:
    """W4: one statement, and so one transaction; there is one writer, so no seat is given away twice."""
    student_id = decode_key(variables["s"], Entity.STUDENT, argument="s")
    course_id = decode_key(variables["c"], Entity.COURSE, argument="c")
    inserted = connection.execute(
        "INSERT INTO student_courses (student_id, course_id)"
        " SELECT students.id, courses.id FROM students, courses WHERE students.id = ? AND courses.id = ? AND"
        " (capacity IS NULL OR (SELECT count(*) FROM student_courses WHERE course_id = courses.id) < capacity)"
        " ON CONFLICT DO NOTHING",
        [student_id, course_id],
    )
    if inserted.rowcount != 1:
        return {"assignCourse": None}
    ids = encode_id(Entity.STUDENT, student_id), encode_id(Entity.COURSE, course_id)
    return {"assignCourse": {"student": {"id": ids[0]}, "course": {"id": ids[1]}}}


def flat(connection: sqlite3.Connection, _variables: JsonObject) -> JsonObject:
    """W5."""
    rows = connection.execute("SELECT id, name, email, created_at FROM students ORDER BY id LIMIT 500").fetchall()
    nodes = [
        {"id": id_, "name": name, "email": email, "createdAt": rfc3339(created_at)}
        for id_, (_, name, email, created_at) in zip(
            encode_ids(Entity.STUDENT, [row[0] for row in rows]), rows, strict=True
        )
    ]
    return {"students": {"nodes": nodes}}


def rfc3339(stored: str) -> str:
    """Turn SQLite's text of a time in UTC, always with six digits of fraction, into the API's."""
    return stored.removesuffix(".000000").replace(" ", "T", 1) + "Z"


class Threads:
    """Threads with a connection each."""

    def __init__(self, number: int, uri: str, pragmas: tuple[str, ...] = ()) -> None:
        self._mine = local()
        self._uri = uri
        self._pragmas = pragmas
        self._executor = ThreadPoolExecutor(number, initializer=self._connect)

    def run(self, work: Work, body: bytes) -> Awaitable[bytes]:
        """Do the work, from the request's body to the answer's, in the next thread that is free."""
        return asyncio.get_running_loop().run_in_executor(self._executor, self._run, work, body)

    def close(self) -> None:
        """Wait for the threads."""
        self._executor.shutdown()

    def _connect(self) -> None:
        self._mine.connection = sqlite3.connect(self._uri, uri=True, timeout=5, isolation_level=None)
        for pragma in self._pragmas:
            self._mine.connection.execute(f"PRAGMA {pragma}")

    def _run(self, work: Work, body: bytes) -> bytes:
        return orjson.dumps({"data": work(self._mine.connection, orjson.loads(body)["variables"])})


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Start the threads."""
    address = parse_database_url(os.environ["DATABASE_URL"])
    app.state.readers = Threads(READER_THREADS, address.sqlite_uri("ro"))
    app.state.writer = Threads(1, address.sqlite_uri("rw"), ("synchronous = FULL", "foreign_keys = ON"))
    yield
    app.state.readers.close()
    app.state.writer.close()


def endpoint(work: Work) -> Callable[[Request], Awaitable[Response]]:
    """Make the endpoint of a workload."""

    async def answer(request: Request) -> Response:
        threads = request.app.state.writer if work is assign else request.app.state.readers
        return Response(await threads.run(work, await request.body()), media_type="application/json")

    return answer


app = Starlette(
    lifespan=lifespan,
    routes=[
        Route(path, endpoint(work), methods=["POST"])
        for path, work in (("/W1", roster), ("/W2", deep), ("/W3", student), ("/W4", assign), ("/W5", flat))
    ],
)
