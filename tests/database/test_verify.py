import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.address import DatabaseAddress
from gql_api.database.engine import Timeouts, create_engine
from gql_api.database.migrate import revisions
from gql_api.database.verify import Check, Verdict, verify

on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)

SHOWN = {"sqlite": "2026-01-01 00:00:00.000000", "postgresql": "2026-01-01 00:00:00+00:00"}

HEAD = revisions()[-1].revision

RULES_OF_ASSIGNMENTS = [
    "assignments_have_their_student",
    "assignments_have_their_course",
    "assignments_are_unique",
    "courses_are_not_over_full",
]
RULES = [*RULES_OF_ASSIGNMENTS, "events_name_no_erased_student"]


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on three students, two courses and three assignments; statements that take long are cut."""
    engine = create_engine(database_url, timeouts=Timeouts(statement_seconds=5))
    async with engine.begin() as connection:
        for statement in (
            "INSERT INTO students (id, name) VALUES (1, 'Ann'), (2, 'Ben'), (3, 'Cleo')",
            "INSERT INTO courses (id, code, title, capacity) VALUES (1, 'L1', 'Logic', 2), (2, 'M1', 'Music', NULL)",
            "INSERT INTO student_courses (student_id, course_id, assigned_at)"
            " SELECT s.id, c.id, '2026-01-01 00:00:00.000000' FROM students s, courses c WHERE s.id + c.id <= 3",
        ):
            await connection.execute(text(statement))
    yield engine
    await engine.dispose()


async def plant(engine: AsyncEngine, *statements: str) -> None:
    """Change rows behind the back of all constraints."""
    unguarded = {"sqlite": "PRAGMA foreign_keys = OFF", "postgresql": "SET session_replication_role = replica"}
    guarded = {"sqlite": "PRAGMA foreign_keys = ON", "postgresql": "RESET session_replication_role"}
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        for statement in (unguarded[engine.dialect.name], *statements, guarded[engine.dialect.name]):
            await connection.exec_driver_sql(statement)


async def faults(engine: AsyncEngine) -> dict[str, tuple[int, tuple[str, ...]]]:
    report = await verify(engine, examples_max=20)
    assert not report.is_sound
    return {check.name: (check.count, check.examples) for check in report.checks if check.verdict is Verdict.FAILED}


async def test_a_sound_database_passes_every_check(engine: AsyncEngine, dialect: str) -> None:
    report = await verify(engine)
    of_dialect = {"sqlite": ["file", "references"], "postgresql": ["validity"]}[dialect]
    assert [check.name for check in report.checks] == ["revision", *of_dialect, "schema", *RULES]
    assert {check.verdict for check in report.checks} == {Verdict.PASSED}
    assert report.is_sound
    assert str(report).splitlines()[:2] == [
        f"{DatabaseAddress(engine.url)}: sound",
        "  ok       revision                        The schema is at the newest revision.",
    ]


async def test_an_assignment_without_its_student_is_found(engine: AsyncEngine, dialect: str) -> None:
    await plant(engine, "DELETE FROM students WHERE id = 2")
    found = await faults(engine)
    references = found.pop("references", None)
    assert found == {
        "assignments_have_their_student": (1, (f"student_id=2, course_id=1, assigned_at={SHOWN[dialect]}",))
    }
    lost = "a row of student_courses refers to a row of students that is not there"
    assert references == ((1, (lost,)) if dialect == "sqlite" else None)


async def test_an_assignment_without_its_course_is_found(engine: AsyncEngine, dialect: str) -> None:
    await plant(engine, "DELETE FROM courses WHERE id = 2")
    found = await faults(engine)
    found.pop("references", None)
    assert found == {
        "assignments_have_their_course": (1, (f"student_id=1, course_id=2, assigned_at={SHOWN[dialect]}",))
    }


async def test_an_over_full_course_is_found(engine: AsyncEngine) -> None:
    await plant(engine, "INSERT INTO student_courses (student_id, course_id) VALUES (3, 1)")
    assert await faults(engine) == {"courses_are_not_over_full": (1, ("course_id=1, capacity=2, seats_taken=3",))}


async def test_a_double_assignment_and_the_key_that_let_it_in_are_found(engine: AsyncEngine, dialect: str) -> None:
    if dialect == "sqlite":
        await plant(
            engine,
            "DROP TABLE student_courses",
            "CREATE TABLE student_courses (student_id INTEGER, course_id INTEGER, assigned_at DATETIME)",
            "INSERT INTO student_courses (student_id, course_id) VALUES (1, 1), (2, 1), (1, 2), (1, 2)",
        )
    else:
        await plant(
            engine,
            "ALTER TABLE student_courses DROP CONSTRAINT student_courses_pkey",
            "INSERT INTO student_courses (student_id, course_id) VALUES (1, 2)",
        )
    found = await faults(engine)
    assert found["assignments_are_unique"] == (1, ("student_id=1, course_id=2, times=2",))
    key = "the primary key of student_courses is (); the models say (student_id, course_id)"
    assert key in found["schema"][1]


async def test_all_faults_are_counted_and_the_first_few_shown(engine: AsyncEngine, dialect: str) -> None:
    await plant(
        engine,
        "INSERT INTO student_courses (student_id, course_id, assigned_at)"
        " WITH RECURSIVE student(id) AS (SELECT 1001 UNION ALL SELECT id + 1 FROM student WHERE id < 1042)"
        " SELECT id, 2, assigned_at FROM student, student_courses WHERE student_id = 1 AND course_id = 1",
    )
    report = await verify(engine, examples_max=2)
    assert [check for check in report.checks if check.name == RULES[0]] == [
        Check(
            RULES[0],
            "Every assignment is of a student who exists.",
            Verdict.FAILED,
            42,
            (
                f"student_id=1001, course_id=2, assigned_at={SHOWN[dialect]}",
                f"student_id=1002, course_id=2, assigned_at={SHOWN[dialect]}",
            ),
        )
    ]
    lines = str(report).splitlines()
    place = lines.index(f"  FAILED   {RULES[0]}  Every assignment is of a student who exists.")
    assert lines[place + 1 : place + 4] == [
        f"           - student_id=1001, course_id=2, assigned_at={SHOWN[dialect]}",
        f"           - student_id=1002, course_id=2, assigned_at={SHOWN[dialect]}",
        "           - and 40 more",
    ]


async def test_a_difference_between_schema_and_models_is_found(engine: AsyncEngine) -> None:
    await plant(engine, "DROP INDEX student_courses_course_id_student_id_idx")
    assert await faults(engine) == {"schema": (1, ("the index student_courses_course_id_student_id_idx is missing",))}


ERASED = (
    "INSERT INTO audit_entries (occurred_at, role, action, student_id)"
    " VALUES ('2026-02-01 00:00:00.000000', 'operator', 'ERASE_STUDENT', 1)"
)
EVENT = (
    "INSERT INTO assignment_events (kind, student_id, course_id, assigned_at, occurred_at, student_name,"
    " student_created_at, course_code, course_title, course_created_at) VALUES ('ASSIGNED', 1, 1,"
    " '2026-01-01 00:00:00.000000', '{day} 00:00:00.000000', '{name}', '2026-01-01 00:00:00.000000', 'L1', 'Logic',"
    " '2026-01-01 00:00:00.000000')"
)


async def test_an_event_that_still_names_an_erased_student_is_found(engine: AsyncEngine) -> None:
    await plant(
        engine, ERASED, EVENT.format(day="2026-01-31", name="[erased]"), EVENT.format(day="2026-02-02", name="Ann")
    )
    assert (await verify(engine)).is_sound
    await plant(engine, EVENT.format(day="2026-01-31", name="Ann"))
    assert await faults(engine) == {"events_name_no_erased_student": (1, ("event_id=3, student_id=1",))}


async def test_an_audit_without_its_triggers_is_found(engine: AsyncEngine, dialect: str) -> None:
    name, drop = {
        "sqlite": ("audit_entries_refuse_replace", "DROP TRIGGER audit_entries_refuse_replace"),
        "postgresql": (
            "audit_entries_append_only",
            "ALTER TABLE audit_entries DISABLE TRIGGER audit_entries_append_only",
        ),
    }[dialect]
    await plant(engine, drop)
    assert await faults(engine) == {"schema": (1, (f"the trigger {name} of audit_entries is missing or off",))}


async def test_what_cannot_be_checked_has_failed(engine: AsyncEngine) -> None:
    await plant(engine, "DROP TABLE student_courses")
    found = await faults(engine)
    assert found["schema"][0] == 2
    assert set(found) == {"schema", *RULES_OF_ASSIGNMENTS}
    assert all(found[name][1][0].startswith("This could not be checked: ") for name in RULES_OF_ASSIGNMENTS)


async def test_at_another_revision_nothing_else_is_looked_at(engine: AsyncEngine) -> None:
    await plant(engine, "UPDATE alembic_version SET version_num = '0001'")
    report = await verify(engine)
    assert [check.verdict for check in report.checks][:2] == [Verdict.FAILED, Verdict.SKIPPED]
    assert {check.verdict for check in report.checks[1:]} == {Verdict.SKIPPED}
    assert not report.is_sound
    assert str(report).startswith(f"{DatabaseAddress(engine.url)}: 1 of {len(report.checks)} checks failed\n")
    assert f"older than {HEAD}. Run `gql-api migrate`." in report.checks[0].examples[0]


async def test_a_database_that_is_away_is_reported() -> None:
    engine = create_engine("postgresql+asyncpg://ann:hunter2@127.0.0.1:1/school")
    report = await verify(engine)
    await engine.dispose()
    assert report.checks[0].examples == (
        "The database postgresql+asyncpg://ann:***@127.0.0.1:1/school cannot be reached.",
    )
    assert "hunter2" not in str(report)


@on_sqlite
async def test_damage_to_the_file_is_found(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        page_of_index = await connection.scalar(
            text("SELECT rootpage FROM sqlite_master WHERE name = 'students_name_id_idx'")
        )
        page_bytes = await connection.scalar(text("PRAGMA page_size"))
    await engine.dispose()
    with DatabaseAddress(engine.url).file.open("r+b") as file:
        file.seek((page_of_index - 1) * page_bytes)
        file.write(b"\xff" * page_bytes)
    found = await faults(engine)
    assert set(found) == {"file"}
    assert found["file"][0] >= 1


@on_sqlite
async def test_rows_that_break_a_check_are_found(engine: AsyncEngine) -> None:
    await plant(
        engine,
        "PRAGMA ignore_check_constraints = ON",
        "UPDATE courses SET credits = -1 WHERE id = 1",
        "PRAGMA ignore_check_constraints = OFF",
    )
    assert await faults(engine) == {"file": (1, ("CHECK constraint failed in courses",))}


@on_postgresql
async def test_an_index_or_constraint_that_is_not_valid_is_found(engine: AsyncEngine) -> None:
    await plant(
        engine,
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'students_name_id_idx'::regclass",
        "ALTER TABLE courses DROP CONSTRAINT courses_credits_check",
        "ALTER TABLE courses ADD CONSTRAINT courses_credits_check CHECK (credits >= 0) NOT VALID",
    )
    assert await faults(engine) == {
        "validity": (2, ("index students_name_id_idx", "constraint courses_credits_check of courses"))
    }


@on_postgresql
async def test_the_limit_on_statements_is_lifted_and_put_back(database_url: str) -> None:
    engine = create_engine(database_url, pool_size=1, timeouts=Timeouts(statement_seconds=0.1))
    other = create_engine(database_url)
    async with other.connect() as obstacle:
        await obstacle.execute(text("LOCK TABLE student_courses"))
        verifying = asyncio.create_task(verify(engine))
        async with other.connect() as observer:
            waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'student_courses'::regclass")
            while not await observer.scalar(waits):  # noqa: ASYNC110 - the event is in another process
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        await obstacle.rollback()
    assert (await verifying).is_sound
    async with engine.connect() as connection:
        assert await connection.scalar(text("SHOW statement_timeout")) == "100ms"
    await engine.dispose()
    await other.dispose()


async def test_verifying_does_not_wait_for_a_writer(engine: AsyncEngine) -> None:
    async with engine.begin() as writer:
        await writer.execute(text("INSERT INTO student_courses (student_id, course_id) VALUES (3, 1)"))
        assert (await verify(engine)).is_sound
