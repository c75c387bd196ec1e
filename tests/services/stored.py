"""What tests of the services need besides them: rows to begin with, all that is stored, the statements that ran."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, NamedTuple
from unittest.mock import patch

from sqlalchemy import Executable, text
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.transaction import Answer
from gql_api.services.courses import create_course
from gql_api.services.students import create_student
from gql_api.services.unit_of_work import UnitOfWork, UnitsOfWork

RECORDING = {"postgresql": 0, "sqlite": 1}
"""Statements that recording an event takes of its own: PostgreSQL records in the statement that changes."""

TABLES = ("students", "courses", "student_courses")


async def new_students(units_of_work: UnitsOfWork, number: int) -> list[int]:
    """The ids of so many new students."""

    async def create(uow: UnitOfWork) -> list[int]:
        return [(await create_student(uow, name=f"Student {i}")).id for i in range(number)]

    return await units_of_work.run(create)


async def new_course(units_of_work: UnitsOfWork, code: str = "ALG-1", *, capacity: int | None = None) -> int:
    """The id of a new course."""

    async def create(uow: UnitOfWork) -> int:
        return (await create_course(uow, code=code, title="Algebra", capacity=capacity)).id

    return await units_of_work.run(create)


async def everything(engine: AsyncEngine) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables."""
    async with engine.connect() as connection:
        return {
            table: [tuple(row) for row in await connection.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2"))]  # noqa: S608 - constants
            for table in TABLES
        }


class Entry(NamedTuple):
    """An entry of the audit, without its number, its time, and the id of its request."""

    actor: str | None
    role: str
    action: str
    student_id: int | None
    course_id: int | None
    details: str | None


async def audited(engine: AsyncEngine) -> list[Entry]:
    """The entries of the audit, in the order in which they were written."""
    async with engine.connect() as connection:
        found = await connection.execute(
            text(f"SELECT {', '.join(Entry._fields)} FROM audit_entries ORDER BY id")  # noqa: S608 - constants
        )
        return [Entry._make(row) for row in found]


async def pairs(engine: AsyncEngine) -> list[tuple[int, int]]:
    """All assignments, as (student id, course id)."""
    return [(student_id, course_id) for student_id, course_id, _ in (await everything(engine))["student_courses"]]


@contextmanager
def recorded_statements(*, before: Callable[[int], Any] = int) -> Iterator[list[str]]:
    """The statements that units of work run in the block.

    `before` is called before each of them with its number, beginning with 1.
    """
    statements: list[str] = []
    execute = UnitOfWork.execute

    async def record(
        uow: UnitOfWork, statement: Executable, parameters: Mapping[str, Any] = MappingProxyType({})
    ) -> Answer:
        statements.append(str(statement))
        before(len(statements))
        return await execute(uow, statement, parameters)

    with patch.object(UnitOfWork, "execute", record):
        yield statements
