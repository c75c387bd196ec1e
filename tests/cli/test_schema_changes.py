"""`gql-api schema check`: what this program's schema would break for clients that know another one."""

import json
from pathlib import Path

import pytest

from tests.server import ROOT, command, gql_api

PUBLISHED = (ROOT / "schema.graphql").read_text(encoding="utf-8")


def known(directory: Path, *replacements: tuple[str, str]) -> str:
    """The schema that clients know: the published one, before it was changed to what it is."""
    text = PUBLISHED
    for now, before in replacements:
        assert text.count(now) == 1
        text = text.replace(now, before)
    file = directory / "known.graphql"
    file.write_text(text, encoding="utf-8")
    return str(file)


def manifest(directory: Path, **documents: str) -> Path:
    file = directory / "manifest.json"
    file.write_text(json.dumps(documents), encoding="utf-8")
    return file


def test_the_published_schema_breaks_nobody() -> None:
    checked = gql_api("schema", "check", "--against", "schema.graphql", directory=ROOT)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_what_documents_relied_on_and_is_gone_is_breaking(tmp_path: Path) -> None:
    file = known(
        tmp_path,
        ("type AssignCourseSuccess {", "type AssignCourseSuccess {\n  seat: Int"),
        ("input AssignCourseInput {", "input AssignCourseInput {\n  note: String"),
    )
    checked = command("schema", "check", "--against", file)
    assert checked.exit_code == 1
    assert checked.stdout.splitlines() == [
        "breaking   FIELD_REMOVED: Field AssignCourseInput.note was removed.",
        "breaking   FIELD_REMOVED: Field AssignCourseSuccess.seat was removed.",
    ]


def test_what_clients_may_not_be_ready_for_is_dangerous_but_no_failure(tmp_path: Path) -> None:
    file = known(tmp_path, (" = AssignCourseSuccess | StudentNotFound", " = AssignCourseSuccess"))
    checked = command("schema", "check", "--against", file)
    assert (checked.exit_code, checked.stdout) == (
        0,
        "dangerous  TYPE_ADDED_TO_UNION: StudentNotFound was added to union type AssignCourseResult.\n",
    )


@pytest.mark.parametrize("is_set", [True, False], ids=["by-the-setting", "by-the-option"])
def test_a_trusted_document_that_became_invalid_is_breaking(tmp_path: Path, *, is_set: bool) -> None:
    file = manifest(tmp_path, t1="{ students { totalCount } }", t2="{ students { nodes { age } } }", t3="{")
    arguments = ["schema", "check", "--against", known(tmp_path)]
    if is_set:
        checked = command(*arguments, trusted_documents=file)
    else:
        checked = command(*arguments, "--trusted-documents", str(file))
    assert checked.exit_code == 1
    assert checked.stdout.splitlines() == [
        "breaking   TRUSTED_DOCUMENT_INVALID: t2: Cannot query field 'age' on type 'Student'. Did you mean 'name'?",
        "breaking   TRUSTED_DOCUMENT_INVALID: t3: Syntax Error: Expected Name, found <EOF>.",
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"type Query {", "Syntax Error: Expected Name, found <EOF>."),
        (b"type Query { a: Int } type Query { b: Int }", "There can be only one type named 'Query'."),
        (b"\xff", "it is not UTF-8."),
    ],
)
def test_a_file_that_is_no_schema_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "known.graphql"
    file.write_bytes(content)
    refused = command("schema", "check", "--against", str(file))
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == f"Error: {file} is not a schema: {reason}\n"


def test_a_file_that_is_absent_is_named(tmp_path: Path) -> None:
    file = str(tmp_path / "absent")
    refused = command("schema", "check", "--against", file)
    assert refused.stderr == f"Error: The file {file} cannot be read: No such file or directory.\n"
    refused = command("schema", "check", "--against", known(tmp_path), "--trusted-documents", file)
    assert (refused.exit_code, refused.stderr) == (
        1,
        f"Error: The manifest {file} cannot be read: No such file or directory.\n",
    )


def test_writing_can_be_named_too(tmp_path: Path) -> None:
    file = tmp_path / "written.graphql"
    assert command("schema", "write", str(file)).exit_code == 0
    assert command("schema", "write", "--check", str(file)).exit_code == 0
    assert file.read_text(encoding="utf-8") == PUBLISHED
