"""docs/database.md names everything that is in the database."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.migrate import revisions
from gql_api.database.verify import verify
from gql_api.models import Model

DOCUMENT = (Path(__file__).parents[2] / "docs" / "database.md").read_text()


@pytest.mark.parametrize("table", Model.metadata.sorted_tables, ids=str)
def test_every_column_index_and_constraint_is_documented(table: Table) -> None:
    things: list[Any] = [*table.columns, *table.indexes, *table.constraints - {table.primary_key}]
    assert [thing.name for thing in things if f"`{thing.name}`" not in DOCUMENT] == []


def test_every_revision_is_documented() -> None:
    assert {revision.revision for revision in revisions() if f"| `{revision.revision}` |" not in DOCUMENT} == set()


async def test_every_check_is_documented(engine: AsyncEngine) -> None:
    report = await verify(engine)
    assert {check.name for check in report.checks if f"| `{check.name}` |" not in DOCUMENT} == set()


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_the_report_that_is_shown_is_what_verify_prints(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        for statement in (
            "INSERT INTO students (name) VALUES ('Ann'), ('Ben'), ('Cleo')",
            "INSERT INTO courses (code, title, capacity) VALUES ('L1', 'Logic', 2)",
            "INSERT INTO student_courses (student_id, course_id) SELECT id, 1 FROM students",
        ):
            await connection.execute(text(statement))
    report = await verify(engine)
    printed = str(report).replace(report.database, "sqlite+aiosqlite:///gql_api.sqlite3")
    assert f"```\n{printed}\n```" in DOCUMENT
