import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.comparison import schema_differences

on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)


async def differences(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        return sorted(await connection.run_sync(schema_differences))


async def test_what_the_migrations_make_is_what_the_models_say(engine: AsyncEngine) -> None:
    assert await differences(engine) == []


async def test_tables_of_others_are_none_of_our_business(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE pupils (id integer)"))
    assert await differences(engine) == []


@on_postgresql
@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ("DROP TABLE student_courses", "the table student_courses is missing"),
        ("ALTER TABLE courses DROP COLUMN credits", "the column courses.credits is missing"),
        ("ALTER TABLE courses ADD COLUMN room text", "the column courses.room is not in the models"),
        (
            "ALTER TABLE courses ALTER COLUMN credits TYPE bigint",
            "the type of courses.credits is BIGINT; the models say INTEGER",
        ),
        (
            "ALTER TABLE courses ALTER COLUMN created_at TYPE timestamp",
            "the type of courses.created_at is TIMESTAMP WITHOUT TIME ZONE; the models say TIMESTAMP WITH TIME ZONE",
        ),
        (
            "ALTER TABLE courses ALTER COLUMN title DROP NOT NULL",
            "the nullable of courses.title is True; the models say False",
        ),
        (
            "ALTER TABLE courses ALTER COLUMN created_at DROP DEFAULT",
            "the default of courses.created_at is None; the models say now()",
        ),
        (
            "ALTER TABLE courses ALTER COLUMN id DROP IDENTITY",
            "the default of courses.id is None; the models say Identity()",
        ),
        (
            'ALTER TABLE courses ALTER COLUMN title TYPE varchar(255) COLLATE "default"',
            "the collation of courses.title is None; the models say C",
        ),
        ("DROP INDEX students_name_id_idx", "the index students_name_id_idx is missing"),
        ("CREATE INDEX mine ON courses (title)", "the index mine is not in the models"),
        ("ALTER TABLE courses DROP CONSTRAINT courses_code_key", "the constraint courses_code_key is missing"),
        (
            "ALTER TABLE courses DROP CONSTRAINT courses_credits_check",
            "the constraint courses_credits_check is missing",
        ),
        (
            "ALTER TABLE student_courses DROP CONSTRAINT student_courses_course_id_fkey",
            "the foreign key student_courses_course_id_fkey is missing",
        ),
        (
            "ALTER TABLE student_courses DROP CONSTRAINT student_courses_pkey",
            "the primary key of student_courses is (); the models say (student_id, course_id)",
        ),
    ],
)
async def test_a_change_on_postgresql_is_found(engine: AsyncEngine, change: str, difference: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(change))
    assert difference in await differences(engine)


@on_sqlite
@pytest.mark.parametrize(
    ("table", "words", "others", "difference"),
    [
        ("courses", " AUTOINCREMENT", "", "the table courses is not made AUTOINCREMENT; the models say otherwise"),
        (
            "student_courses",
            "WITHOUT ROWID",
            "",
            "the table student_courses is not made WITHOUT ROWID; the models say otherwise",
        ),
        (
            "student_courses",
            "(student_id, course_id)",
            "(course_id, student_id)",
            "the primary key of student_courses is (course_id, student_id); the models say (student_id, course_id)",
        ),
        (
            "courses",
            "credits INTEGER",
            "credits TEXT",
            "the type of courses.credits is TEXT; the models say INTEGER",
        ),
        (
            "courses",
            "title VARCHAR(255) NOT NULL",
            "title VARCHAR(255)",
            "the nullable of courses.title is True; the models say False",
        ),
        (
            "courses",
            " DEFAULT (strftime('%Y-%m-%d %H:%M:%f000', 'now'))",
            "",
            "the default of courses.created_at is None; the models say (strftime('%Y-%m-%d %H:%M:%f000', 'now'))",
        ),
        (
            "courses",
            "CONSTRAINT courses_credits_check",
            "CONSTRAINT other",
            "the constraint courses_credits_check is missing",
        ),
        (
            "courses",
            "CONSTRAINT courses_code_key UNIQUE (code)",
            "CONSTRAINT other UNIQUE (title)",
            "the constraint courses_code_key is missing",
        ),
        (
            "student_courses",
            "REFERENCES courses (id) ON DELETE CASCADE",
            "REFERENCES courses (id)",
            "the foreign key student_courses_course_id_fkey is missing",
        ),
    ],
)
async def test_a_table_that_was_made_otherwise_on_sqlite_is_found(
    engine: AsyncEngine, table: str, words: str, others: str, difference: str
) -> None:
    async with engine.begin() as connection:
        made = await connection.scalar(text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": table})
        assert words in made
        await connection.exec_driver_sql(f"DROP TABLE {table}")
        await connection.exec_driver_sql(made.replace(words, others))
    assert difference in await differences(engine)
