"""What reading costs on large tables: what a page holds, wherever it stands, and never what the table holds."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

import asyncpg
import pytest
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql import asyncpg as postgresql
from sqlalchemy.dialects.sqlite import aiosqlite as sqlite

from gql_api.database.address import parse_database_url
from gql_api.database.compiled import CompiledStatement, StatementCache, sqlite_arguments
from gql_api.database.conditions import AllOf, Comparison, Operator
from gql_api.database.statements import (
    Entity,
    Listing,
    PageShape,
    any_before,
    counts_by_parent,
    page,
    pages_by_parent,
    parents_with_any_before,
    rows_by_id,
)
from gql_api.database.visibility import EVERYTHING, Sight, Visibility
from gql_api.identity import StudentsSeen
from gql_api.pagination import KeyKind, Ordering, OrderKey
from tests.database_fixtures import PostgresqlDatabases, SqliteDatabases

STUDENTS = 50_000
COURSES = 50

BLOCKS_MAX = 250
STEPS_MAX = 3_000
"""What a page of ten, or five such pages, may cost: four blocks of 8 KiB for a row, or fifty steps of SQLite's machine.
To read one of the large tables takes 600 blocks, or 400,000 steps."""

# A third of the students has no e-mail address, ten share a name, thousands the time of an import, and a few courses
# have most of the assignments.
POSTGRESQL_ROWS = f"""
INSERT INTO students (id, name, email, created_at)
SELECT i, 'Name ' || lpad((i * 7919::bigint % {STUDENTS // 10})::text, 6, '0'),
       CASE WHEN i % 3 > 0 THEN 'user' || lpad((i * 7919::bigint % {STUDENTS})::text, 6, '0') || '@example.org' END,
       to_timestamp(1700000000 + i % 5)
FROM generate_series(1, {STUDENTS}) AS i;
INSERT INTO courses (id, code, title) SELECT i, 'C' || i, 'Title ' || i FROM generate_series(1, {COURSES}) AS i;
INSERT INTO student_courses (student_id, course_id, assigned_at)
SELECT id, 1 + id * 7919::bigint % k, to_timestamp(1700000000) FROM students, (VALUES (5), ({COURSES})) AS v (k)
ON CONFLICT DO NOTHING;
"""  # noqa: S608 - constants

SQLITE_ROWS = f"""
INSERT INTO students (id, name, email, created_at)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {STUDENTS})
SELECT i, 'Name ' || printf('%06d', i * 7919 % {STUDENTS // 10}),
       CASE WHEN i % 3 > 0 THEN 'user' || printf('%06d', i * 7919 % {STUDENTS}) || '@example.org' END,
       strftime('%Y-%m-%d %H:%M:%f000', 1700000000 + i % 5, 'unixepoch')
FROM n;
INSERT INTO courses (id, code, title)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {COURSES})
SELECT i, 'C' || i, 'Title ' || i FROM n;
INSERT OR IGNORE INTO student_courses (student_id, course_id, assigned_at)
SELECT id, 1 + id * 7919 % column1, '2023-11-14 22:13:20.000000' FROM students, (VALUES (5), ({COURSES}));
"""  # noqa: S608 - constants

NAME = OrderKey("name", KeyKind.TEXT)
EMAIL = OrderKey("email", KeyKind.TEXT, nullable=True)
CREATED_AT = OrderKey("created_at", KeyKind.TIME)

MIDDLE_NAME = f"Name {STUDENTS // 20:06}"
MIDDLE_EMAIL = f"user{STUDENTS // 2:06}@example.org"
MIDDLE_TIME = datetime.fromtimestamp(1700000002, UTC)
MIDDLE_ID = STUDENTS // 2


def ordering(*keys: OrderKey, descending: bool = False, id_descending: bool | None = None) -> Ordering:
    id_key = OrderKey("id", KeyKind.INTEGER, descending if id_descending is None else id_descending)
    return Ordering("x", (*(key._replace(descending=descending) for key in keys), id_key))


class Case(NamedTuple):
    build: Callable[..., Select[Any]]
    shape: tuple[Any, ...]
    values: dict[str, Any]
    visibility: Visibility = EVERYTHING


def root_page(
    order: Ordering, *, after: Sequence[Any] = (), before: Sequence[Any] = (), backward: bool = False
) -> Case:
    return Case(page, (page_shape(Listing.STUDENTS, order, after, before, backward=backward),), bound(after, before))


def nested_pages(listing: Listing, *, after: Sequence[Any] = (), backward: bool = False) -> Case:
    shape = page_shape(listing, ordering(), after, (), backward=backward)
    return Case(pages_by_parent, (shape,), bound(after, ()))


def below_one(case: Case) -> Case:
    """The page of one parent's list alone."""
    (shape,) = case.shape
    return case._replace(shape=(shape._replace(below_one=True),), values={**case.values, "parents": MIDDLE_ID % 40})


def page_shape(
    listing: Listing, order: Ordering, after: Sequence[Any], before: Sequence[Any], *, backward: bool = False
) -> PageShape:
    columns = ("id", "name", "email", "created_at") if listing.entity is Entity.STUDENT else ("id", "title")
    return PageShape(
        listing,
        columns,
        order,
        backward,
        tuple(value is None for value in after) or None,
        tuple(value is None for value in before) or None,
        None,
    )


def bound(after: Sequence[Any], before: Sequence[Any]) -> dict[str, Any]:
    return {
        **{f"after_{i}": value for i, value in enumerate(after)},
        **{f"before_{i}": value for i, value in enumerate(before)},
    }


def outside(order: Ordering, *, before: Sequence[Any] = (), after: Sequence[Any] = ()) -> Case:
    shape = page_shape(Listing.STUDENTS, order, after, before, backward=bool(before))
    return Case(any_before, (shape,), bound(after, before))


def filtered(column: str, operator: Operator, value: Any) -> Case:
    shape = page_shape(Listing.STUDENTS, ordering(), (), ())
    condition = AllOf((Comparison(column, operator, "filter_0"),))
    return Case(page, (shape._replace(condition=condition),), {"filter_0": value})


ORDERED_BY = {
    "id": ((), (MIDDLE_ID,)),
    "name": ((NAME,), (MIDDLE_NAME, MIDDLE_ID)),
    "created_at": ((CREATED_AT,), (MIDDLE_TIME, MIDDLE_ID)),
    "email": ((EMAIL,), (MIDDLE_EMAIL, MIDDLE_ID)),
    "no email": ((EMAIL,), (None, MIDDLE_ID)),
}


def cases() -> Iterator[tuple[str, Case]]:
    for name, (keys, place) in ORDERED_BY.items():
        for descending in (False, True):
            order, way = ordering(*keys, descending=descending), "descending" if descending else "ascending"
            yield f"first by {name} {way}", root_page(order)
            yield f"last by {name} {way}", root_page(order, backward=True)
            yield f"first after by {name} {way}", root_page(order, after=place)
            yield f"first before by {name} {way}", root_page(order, before=place)
            yield f"last before by {name} {way}", root_page(order, before=place, backward=True)
            yield f"any before by {name} {way}", outside(order, after=place)
            yield f"any behind by {name} {way}", outside(order, before=place)
    # The id against the name: no index has that order, but one leads to the place, and few rows share a name.
    against = ordering(NAME, descending=True, id_descending=False)
    yield "first after by name against id", root_page(against, after=(MIDDLE_NAME, MIDDLE_ID))
    yield "last before by name against id", root_page(against, before=(MIDDLE_NAME, MIDDLE_ID), backward=True)
    for listing in (Listing.COURSES_OF_STUDENT, Listing.STUDENTS_OF_COURSE):
        yield f"first of {listing.label}", nested_pages(listing)
        yield f"last of {listing.label}", nested_pages(listing, backward=True)
        yield f"first after of {listing.label}", nested_pages(listing, after=(3,))
        yield f"first of one {listing.label}", below_one(nested_pages(listing))
        yield f"last of one {listing.label}", below_one(nested_pages(listing, backward=True))
        shape = page_shape(listing, ordering(), (3,), ())
        yield f"any before of {listing.label}", Case(parents_with_any_before, (shape,), {"after_0": 3})
    yield "totals of students", Case(counts_by_parent, (Listing.COURSES_OF_STUDENT, None), {})
    yield (
        "by id",
        Case(rows_by_id, (Entity.STUDENT, ("id", "name"), "ids"), {"ids": [1, 77, MIDDLE_ID, STUDENTS, STUDENTS + 1]}),
    )
    yield "by id alone", Case(rows_by_id, (Entity.STUDENT, ("id", "name"), "id"), {"id": MIDDLE_ID})
    yield "by e-mail", filtered("email", Operator.EQ, MIDDLE_EMAIL)
    yield "by e-mails", filtered("email", Operator.IN, [MIDDLE_EMAIL, "nobody@example.org"])
    yield "by name", filtered("name", Operator.EQ, MIDDLE_NAME)
    yield "by sourcedId", filtered("sourced_id", Operator.EQ, "nothing")


def own_cases() -> Iterator[tuple[str, Case]]:
    """The same for a student, who is in the middle of the table and finds himself alone there."""
    for name, case in cases():
        yield f"own {name}", case._replace(visibility=OWN)
    yield "own totals of courses", Case(counts_by_parent, (Listing.STUDENTS_OF_COURSE, None), {}, OWN)


OWN = Visibility(Sight(courses=True, students=StudentsSeen.OWN), MIDDLE_ID)
CASES = dict([*cases(), *own_cases()])
SIZE = {"row_limit": 11, "parents": [7, 2, 30, 11, 48]}


class Planner(Protocol):
    """A large database, and what it would cost to run a statement there."""

    def assert_cheap(self, case: Case) -> None: ...


class SqlitePlanner:
    def __init__(self, url: str) -> None:
        self._connection = sqlite3.connect(parse_database_url(url).file, isolation_level=None)
        self._statements = StatementCache(sqlite.dialect())

    def fill(self) -> None:
        self._connection.executescript(f"PRAGMA synchronous = OFF; BEGIN; {SQLITE_ROWS} COMMIT;")

    def close(self) -> None:
        self._connection.close()

    def assert_cheap(self, case: Case) -> None:
        statement: CompiledStatement = self._statements.get(case.build, case.visibility.sight, *case.shape)
        values = case.visibility.bind({**SIZE, **case.values})
        arguments = sqlite_arguments(statement, values)
        sql = statement.text(values)
        steps = 0

        def count() -> int:
            nonlocal steps
            steps += 10
            return steps > STEPS_MAX * 1000

        self._connection.set_progress_handler(count, 10)
        self._connection.execute(sql, arguments).fetchall()
        self._connection.set_progress_handler(None, 0)
        plan = [row[3] for row in self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", arguments)]
        assert steps <= STEPS_MAX, (steps, plan, sql)
        # Reading a table from its beginning is cheap as long as there is much to be found: it must not be the plan.
        for table in ("students", "student_courses"):
            scans = [f"SCAN {table}", f"SCAN {table} USING COVERING INDEX"]
            assert not set(scans) & set(plan) or ordered_by_key(case), plan


def ordered_by_key(case: Case) -> bool:
    """A list in order of its key that ends with its page is a scan by name only."""
    return case.build is page and case.shape[0].ordering.keys[0].name == "id"


class PostgresqlPlanner:
    def __init__(self, url: str, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._run = run
        self._statements = StatementCache(postgresql.dialect())  # type: ignore[no-untyped-call]
        self._connection: Any = run(asyncpg.connect(**parse_database_url(url).asyncpg_arguments()))

    def fill(self) -> None:
        self._run(self._connection.execute(POSTGRESQL_ROWS))
        self._run(self._connection.execute("VACUUM ANALYZE"))

    def close(self) -> None:
        self._run(self._connection.close())

    def assert_cheap(self, case: Case) -> None:
        self._run(self._assert_cheap(case))

    async def _assert_cheap(self, case: Case) -> None:
        is_by_column = case.build in {page, pages_by_parent} and not case.shape[0].below_one
        compiled = self._statements.arrays if is_by_column else self._statements.get
        statement: CompiledStatement = compiled(case.build, case.visibility.sight, *case.shape)
        values = case.visibility.bind({**SIZE, **case.values})
        arguments = ", ".join(map(literal, statement.arguments(values)))
        execution = f"EXECUTE p ({arguments})" if arguments else "EXECUTE p"
        await self._connection.execute(f"PREPARE p AS {statement.text(values)}")
        try:
            # From the sixth time on the server may take a plan that knows no values: that one counts too.
            for _ in range(7):
                explained = await self._connection.fetchval(
                    f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {execution}"
                )
                plan = json.loads(explained)[0]["Plan"]
                blocks = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
                assert blocks <= BLOCKS_MAX, (blocks, json.dumps(plan, indent=1))
                assert not {"students", "student_courses"} & set(tables_read_whole(plan)), json.dumps(plan, indent=1)
        finally:
            await self._connection.execute("DEALLOCATE p")


def tables_read_whole(plan: dict[str, Any]) -> Iterator[str]:
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for part in plan.get("Plans", ()):
        yield from tables_read_whole(part)


def literal(value: Any) -> str:
    if isinstance(value, list):
        return f"ARRAY[{', '.join(map(literal, value))}]"
    if value is None or isinstance(value, int):
        return "NULL" if value is None else str(value)
    return f"'{value}'"


@contextmanager
def postgresql_planner(databases: PostgresqlDatabases) -> Iterator[PostgresqlPlanner]:
    with databases.migrated() as url, asyncio.Runner() as runner:
        planner = PostgresqlPlanner(url, runner.run)
        planner.fill()
        yield planner
        planner.close()


@contextmanager
def sqlite_planner(databases: SqliteDatabases) -> Iterator[SqlitePlanner]:
    with databases.migrated() as url, closing(SqlitePlanner(url)) as planner:
        planner.fill()
        yield planner


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def planner(request: pytest.FixtureRequest) -> Iterator[Planner]:
    databases = request.getfixturevalue(f"{request.param}_databases")
    with (sqlite_planner if request.param == "sqlite" else postgresql_planner)(databases) as planner:
        yield planner


@pytest.mark.parametrize("name", CASES)
def test_a_read_costs_what_it_gives(planner: Planner, name: str) -> None:
    planner.assert_cheap(CASES[name])
