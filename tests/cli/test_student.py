"""`gql-api student export` and `gql-api student erase`: whom, what is asked, and with which exit status."""

import json
import os
import pwd

import pytest
from click.testing import CliRunner, Result

from gql_api.cli import main
from gql_api.database.statements import Entity
from gql_api.schema.global_id import encode_id
from tests.integration.graphql_client import GraphQLClient
from tests.integration.stored import connected
from tests.server import command, serving

ADA = encode_id(Entity.STUDENT, 7)
ERASED = (
    "Student 7: erased name, e-mail address and sourcedId in the record."
    " The assignments, all counts and the audit stay.\n"
)


@pytest.fixture
def url(database_url: str) -> str:
    """A database with Ada (7), who takes course 1."""
    with connected(database_url) as database:
        database.run("INSERT INTO students (id, name, email) VALUES (7, 'Ada', 'ada@example.org')")
        database.run("INSERT INTO courses (id, code, title) VALUES (1, 'L1', 'Logic')")
        database.run("INSERT INTO student_courses (student_id, course_id) VALUES (7, 1)")
    return database_url


def stored(url: str) -> list[tuple[object, ...]]:
    with connected(url) as database:
        return database.run("SELECT id, name, email, sourced_id FROM students")


def answering(answer: str, *arguments: str, url: str) -> Result:
    return CliRunner().invoke(main, list(arguments), input=answer, env={"GQL_API_DATABASE_URL": url})


@pytest.mark.parametrize("student", ["7", "007", ADA])
def test_a_student_is_exported_by_either_id_as_json_alone(url: str, student: str) -> None:
    exported = command("student", "export", student, database_url=url)
    assert (exported.exit_code, exported.stderr) == (0, "")
    found = json.loads(exported.stdout)
    assert {key: found["student"][key] for key in ("databaseId", "name", "email", "sourcedId")} == {
        "databaseId": 7,
        "name": "Ada",
        "email": "ada@example.org",
        "sourcedId": None,
    }
    assert [assignment["code"] for assignment in found["assignments"]] == ["L1"]
    [entry] = found["audit"]
    assert (entry["actor"], entry["role"], entry["action"]) == (
        pwd.getpwuid(os.getuid()).pw_name,
        "operator",
        "EXPORT_STUDENT",
    )


@pytest.mark.parametrize("student", ["7", ADA])
def test_who_says_yes_is_not_asked(url: str, student: str) -> None:
    erased = command("student", "erase", student, "--yes", database_url=url)
    assert (erased.exit_code, erased.output) == (0, ERASED)
    assert stored(url) == [(7, "[erased]", None, None)]
    again = command("student", "erase", student, "--yes", database_url=url)
    assert (again.exit_code, again.output) == (0, "Student 7: there was nothing to erase (any more).\n")
    assert command("verify", database_url=url).exit_code == 0


QUESTION = "Erase the personal data of student 7, Ada? This cannot be taken back. [y/N]: "


def test_nothing_is_erased_before_the_answer_is_yes(url: str) -> None:
    for answer in ("n\n", "\n", ""):
        refused = answering(answer, "student", "erase", "7", url=url)
        assert refused.exit_code == 1
        assert refused.stdout.startswith(QUESTION)
        assert stored(url) == [(7, "Ada", "ada@example.org", None)]
    assert answering("y\n", "student", "erase", "7", url=url).output.endswith(ERASED)
    assert stored(url) == [(7, "[erased]", None, None)]


@pytest.mark.parametrize("act", [["export"], ["erase", "--yes"], ["erase"]], ids=" ".join)
def test_who_is_not_there_is_said_in_one_line(url: str, act: list[str]) -> None:
    refused = command("student", *act, "8", database_url=url)
    assert (refused.exit_code, refused.output) == (1, "Error: No student has this id.\n")


@pytest.mark.parametrize("student", ["0", "-1", "9" * 30, "ada", encode_id(Entity.COURSE, 1), "७"])
def test_what_is_no_id_of_a_student_is_a_usage_error(url: str, student: str) -> None:
    refused = command("student", "export", "--", student, database_url=url)
    assert refused.exit_code == 2
    assert "Error: Invalid value for 'ID': " in refused.stderr


@pytest.mark.parametrize("act", ["export", "erase"])
def test_a_database_that_is_not_migrated_is_left_alone(empty_database_url: str, act: str) -> None:
    refused = command("student", act, "7", database_url=empty_database_url)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "`gql-api migrate`" in refused.stderr


def test_an_erased_student_is_shown_with_a_mark_for_a_name_and_counted_as_before(url: str) -> None:
    query = "{ students { totalCount nodes { name email courses { totalCount } } } courses { nodes { seatsTaken } } }"
    with serving(url) as server, GraphQLClient(server) as client:
        before = client.execute(query).data
        assert command("student", "erase", "7", "--yes", database_url=url).exit_code == 0
        [student] = before["students"]["nodes"]
        student |= {"name": "[erased]", "email": None}
        assert client.execute(query).data == before
