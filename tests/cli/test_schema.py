"""`gql-api schema`: the file that clients generate their code from."""

from pathlib import Path

import pytest

from tests.server import ROOT, command, gql_api


def test_the_published_schema_is_the_programs() -> None:
    checked = gql_api("schema", "--check", directory=ROOT)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_it_is_written_where_one_says_and_needs_no_database(tmp_path: Path) -> None:
    unusable = "nonsense://"
    assert gql_api("schema", directory=tmp_path, database_url=unusable).returncode == 0
    assert command("schema", str(tmp_path / "other.graphql"), database_url=unusable).exit_code == 0
    published = (ROOT / "schema.graphql").read_bytes()
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {
        "schema.graphql": published,
        "other.graphql": published,
    }


@pytest.mark.parametrize(
    "content", [None, b"", b"type Query { x: Int }\n", b"\xff\xfe"], ids=["missing", "empty", "other", "binary"]
)
def test_another_file_fails_the_check_and_is_left_alone(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "schema.graphql"
    if content is not None:
        file.write_bytes(content)
    checked = command("schema", "--check", str(file))
    assert (checked.exit_code, checked.stdout) == (1, "")
    assert checked.stderr == f"Error: {file} is not the schema of this program; run `gql-api schema`.\n"
    assert (file.read_bytes() if file.exists() else None) == content


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "absent" / "schema.graphql"
    refused = command("schema", str(file))
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == f"Error: The file {file} cannot be written: No such file or directory.\n"
