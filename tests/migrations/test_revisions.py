import re
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.engine import Timeouts, create_engine
from gql_api.database.migrate import revisions
from gql_api.errors import DatabaseUnusable
from gql_api.models import Model
from tests.migrations.migrating import downgrade, upgrade

on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)


def test_the_revisions_form_one_line_in_the_order_of_their_numbers() -> None:
    line = [(revision.down_revision, revision.revision) for revision in revisions()]
    assert [revision for _, revision in line] == [f"{number + 1:04}" for number in range(len(line))]
    assert [down for down, _ in line] == [None, *(revision for _, revision in line[:-1])]


@pytest.mark.parametrize("revision", revisions(), ids=lambda revision: revision.revision)
def test_a_revision_carries_its_migration_log(revision: Any) -> None:
    log = revision.module.__doc__
    title = re.sub(r"\W+", "_", log.splitlines()[0].strip(". "))
    assert revision.path.endswith(f"/{revision.revision}_{title}.py")
    assert re.findall(r"^(\w[\w ]+): \S", log, re.MULTILINE) == ["What", "Why", "Locks", "Verification", "Way back"]


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names()) - {"alembic_version"}


async def tables_at(url: str) -> set[str]:
    engine = create_engine(url)
    async with engine.connect() as connection:
        found = await connection.run_sync(tables)
    await engine.dispose()
    return found


async def test_student_courses_is_created_right(engine: AsyncEngine, dialect: str) -> None:
    def describe(connection: Connection) -> dict[str, Any]:
        inspector = inspect(connection)
        return {
            "columns": [
                (column["name"], str(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns("student_courses")
            ],
            "primary key": inspector.get_pk_constraint("student_courses")["constrained_columns"],
            "foreign keys": sorted(
                (key["name"], key["constrained_columns"], key["referred_table"], key["options"])
                for key in inspector.get_foreign_keys("student_courses")
            ),
            "indexes": [
                (index["name"], index["column_names"], bool(index["unique"]))
                for index in inspector.get_indexes("student_courses")
            ],
        }

    key, time, now = {
        "sqlite": ("INTEGER", "DATETIME", "strftime('%Y-%m-%d %H:%M:%f000', 'now')"),
        "postgresql": ("BIGINT", "TIMESTAMP", "now()"),
    }[dialect]
    async with engine.connect() as connection:
        assert await connection.run_sync(describe) == {
            "columns": [
                ("student_id", key, False, None),
                ("course_id", key, False, None),
                ("assigned_at", time, False, now),
            ],
            "primary key": ["student_id", "course_id"],
            "foreign keys": [
                ("student_courses_course_id_fkey", ["course_id"], "courses", {"ondelete": "CASCADE"}),
                ("student_courses_student_id_fkey", ["student_id"], "students", {"ondelete": "CASCADE"}),
            ],
            "indexes": [("student_courses_course_id_student_id_idx", ["course_id", "student_id"], False)],
        }


CATALOG = {
    "sqlite": "SELECT type, name, sql FROM sqlite_master WHERE tbl_name NOT IN ('alembic_version', 'sqlite_sequence')",
    "postgresql": """
        SELECT 'column', attrelid::regclass, attname, attnum, format_type(atttypid, atttypmod), attnotnull, attidentity,
               attcollation::regcollation, pg_get_expr(adbin, adrelid)
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND relname <> 'alembic_version'
        UNION ALL
        SELECT 'constraint', conrelid::regclass, conname, 0, pg_get_constraintdef(oid), convalidated, '', NULL, NULL
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 'alembic_version'::regclass
        UNION ALL
        SELECT 'index', indrelid::regclass, indexrelid::regclass::text, 0, pg_get_indexdef(indexrelid), indisvalid, '',
               NULL, NULL
        FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
        WHERE relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
        UNION ALL
        SELECT 'trigger', tgrelid::regclass, tgname, 0, pg_get_triggerdef(oid) || pg_get_functiondef(tgfoid), true, '',
               NULL, NULL
        FROM pg_trigger WHERE NOT tgisinternal
    """,
}


def without_order(definition: str) -> list[str]:
    """Take a CREATE TABLE apart, since it is all the same in which order constraints are named."""
    flat = re.sub(r"\s+", " ", definition)
    return sorted(re.split(r", (?=CONSTRAINT )", re.sub(r" \)( WITHOUT ROWID)?$", r"\1", flat)))


async def test_the_migrations_and_the_models_make_the_same_catalog(
    engine: AsyncEngine, empty_database_url: str, dialect: str
) -> None:
    modelled = create_engine(empty_database_url, create_missing_file=True)
    async with modelled.begin() as connection:
        if dialect == "postgresql":
            await connection.execute(text("CREATE TABLE alembic_version ()"))
        await connection.run_sync(Model.metadata.create_all)
    catalogs = []
    for each in (engine, modelled):
        async with each.connect() as connection:
            rows = await connection.exec_driver_sql(CATALOG[dialect])
            catalogs.append(sorted(tuple(without_order(str(value)) for value in row) for row in rows))
    await modelled.dispose()
    assert len(catalogs[0]) >= 9
    assert catalogs[0] == catalogs[1]


BASELINE_ROWS = [
    "INSERT INTO students (name, email, sourced_id) VALUES ('Ann', 'ann@example.org', 's1'), ('Ben', NULL, NULL)",
    "INSERT INTO courses (code, title, credits, capacity, sourced_id)"
    " VALUES ('L1', 'Logic', 5, 2, 'c1'), ('M1', 'Music', NULL, NULL, NULL)",
]
READ_BASELINE = ["SELECT * FROM students ORDER BY id", "SELECT * FROM courses ORDER BY id"]


async def run(url: str, statements: list[str]) -> list[list[tuple[Any, ...]]]:
    engine = create_engine(url)
    async with engine.begin() as connection:
        results = [await connection.execute(text(statement)) for statement in statements]
        rows = [[tuple(row) for row in result] if result.returns_rows else [] for result in results]
    await engine.dispose()
    return rows


async def test_rows_survive_the_upgrade_the_downgrade_and_the_next_upgrade(empty_database_url: str) -> None:
    await upgrade(empty_database_url, "0001")
    await run(empty_database_url, BASELINE_ROWS)
    before = await run(empty_database_url, READ_BASELINE)
    assert [len(rows) for rows in before] == [2, 2]

    await upgrade(empty_database_url, "0002")
    assert await tables_at(empty_database_url) == {"students", "courses", "student_courses"}
    assert await run(empty_database_url, READ_BASELINE) == before
    await run(empty_database_url, ["INSERT INTO student_courses (student_id, course_id) VALUES (1, 1), (2, 1)"])

    await downgrade(empty_database_url, "0001")
    assert await tables_at(empty_database_url) == {"students", "courses"}
    assert await run(empty_database_url, READ_BASELINE) == before

    await upgrade(empty_database_url, "head")
    assert await run(empty_database_url, ["SELECT * FROM student_courses", *READ_BASELINE]) == [[], *before]


async def test_the_way_back_to_nothing_leaves_nothing(database_url: str) -> None:
    await run(
        database_url, [*BASELINE_ROWS, "INSERT INTO student_courses (student_id, course_id) VALUES (1, 1), (2, 1)"]
    )
    await downgrade(database_url, "base")
    assert await tables_at(database_url) == set()
    await upgrade(database_url, "head")
    assert await tables_at(database_url) == set(Model.metadata.tables)


async def test_a_revision_that_finds_rows_breaking_its_rules_is_loud_and_changes_nothing(
    empty_database_url: str, dialect: str
) -> None:
    await upgrade(empty_database_url, "0001")
    unguard = {
        "sqlite": "PRAGMA ignore_check_constraints = ON",
        "postgresql": "ALTER TABLE courses DROP CONSTRAINT courses_capacity_check",
    }
    await run(empty_database_url, BASELINE_ROWS)
    # A course that has minus one seat is over-full before anyone has been assigned to it.
    await run(empty_database_url, [unguard[dialect], "UPDATE courses SET capacity = -1 WHERE id = 1"])
    before = await run(empty_database_url, READ_BASELINE)
    with pytest.raises(DatabaseUnusable) as caught:
        await upgrade(empty_database_url, "head")
    assert caught.value.message == (
        "The migration was given up, nothing was changed. "
        "No course has more students than seats. 1 rows break this: course_id=1, capacity=-1, seats_taken=0."
    )
    assert await tables_at(empty_database_url) == {"students", "courses"}
    after = await run(empty_database_url, [*READ_BASELINE, "SELECT version_num FROM alembic_version"])
    assert after == [*before, [("0001",)]]


@on_postgresql
async def test_while_the_table_is_created_reading_goes_on_and_writing_waits(empty_database_url: str) -> None:
    def create_table(connection: Connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            revisions()[1].module.upgrade()

    await upgrade(empty_database_url, "0001")
    engine = create_engine(empty_database_url, timeouts=Timeouts(lock_seconds=0.05))
    async with engine.begin() as migrating, engine.connect() as other:
        await migrating.run_sync(create_table)
        locks = await migrating.execute(
            text(
                "SELECT DISTINCT relation::regclass::text, mode FROM pg_locks WHERE pid = pg_backend_pid()"
                " AND relation IN ('students'::regclass, 'courses'::regclass) AND mode LIKE '%Exclusive%' ORDER BY 1"
            )
        )
        assert [tuple(lock) for lock in locks] == [
            ("courses", "ShareRowExclusiveLock"),
            ("students", "ShareRowExclusiveLock"),
        ]
        assert await other.scalar(text("SELECT count(*) FROM students")) == 0
        with pytest.raises(DatabaseUnusable, match="locked by another writer"):
            await other.execute(text(BASELINE_ROWS[0]))
    await engine.dispose()
