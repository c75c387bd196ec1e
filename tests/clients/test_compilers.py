"""Relay's compiler and GraphQL Code Generator on the published schema; the manifests they write, on the server."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from gql_api.schema.trusted_documents import read_manifest
from tests.clients.conftest import CLIENTS
from tests.database_fixtures import Databases
from tests.integration.graphql_client import GraphQLClient
from tests.integration.school import new_course, new_student
from tests.server import ROOT, Server, serving

RELAY = "node_modules/relay-compiler/cli.js"
CODEGEN = "node_modules/@graphql-codegen/cli/esm/bin.js"
TSC = "node_modules/typescript/bin/tsc"

pytestmark = pytest.mark.timeout(300)
on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)


def project(name: str, directory: Path) -> Path:
    """A copy of this folder's project to compile in, with the published schema."""
    copy = directory / name
    shutil.copytree(CLIENTS / name, copy)
    shutil.copy(ROOT / "schema.graphql", copy)
    (copy / "node_modules").symlink_to(CLIENTS / "node_modules")
    return copy


@pytest.fixture
def relay_manifest(run_node: Callable[..., str], tmp_path: Path) -> Path:
    folder = project("relay", tmp_path)
    (folder / "src" / "__generated__").mkdir()
    manifest = folder / "trusted_documents.json"
    manifest.write_text("{}", encoding="utf-8")
    run_node(RELAY, "relay.config.json", directory=folder)
    return manifest


@pytest.fixture(scope="module")
def codegen_project(run_node: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = project("codegen", tmp_path_factory.mktemp("generated"))
    run_node(CODEGEN, "--config", "codegen.ts", directory=folder)
    return folder


def document_id(manifest: Path, operation: str) -> str:
    [found] = [key for key, text in read_manifest(manifest).items() if f" {operation}(" in text.partition("{")[0]]
    return found


def ask(server: Server, body: dict[str, Any]) -> Any:
    accept = {"Accept": "application/graphql-response+json"}
    return httpx.post(f"{server.url}/graphql", json=body, headers=accept, timeout=30).json()


@on_sqlite
def test_relay_refetches_and_pages_by_the_documents_of_its_compiler_alone(
    relay_manifest: Path, databases: Databases
) -> None:
    def execute(server: Server, operation: str, **variables: Any) -> Any:
        answer = ask(server, {"documentId": document_id(relay_manifest, operation), "variables": variables})
        assert "errors" not in answer, answer
        return answer["data"]

    with databases.migrated() as url:
        with serving(url) as server, GraphQLClient(server) as client:
            student = new_student(client)["id"]
            courses = [new_course(client, title=title)["id"] for title in ("C", "A", "B")]
        with serving(url, trusted_documents=relay_manifest, trusted_documents_mode="only") as server:
            for course in courses:
                pair = {"studentId": student, "courseId": course}
                assigned = execute(server, "StudentPageAssignCourseMutation", input=pair)["assignCourse"]
                assert assigned["course"]["seatsTaken"] == 1
            page = execute(server, "StudentPageQuery", id=student)["student"]
            assert [edge["node"]["title"] for edge in page["courses"]["edges"]] == ["A", "B"]
            cursor = page["courses"]["pageInfo"]["endCursor"]
            more = execute(server, "StudentCoursesPaginationQuery", id=page["id"], cursor=cursor, count=2)["node"]
            assert (more["__typename"], more["courses"]["pageInfo"]["hasNextPage"]) == ("Student", False)
            [edge] = more["courses"]["edges"]
            assert execute(server, "CourseRowRefetchQuery", id=edge["node"]["id"])["node"] == {
                "__typename": "Course",
                "title": "C",
                "seatsTaken": 1,
                "id": courses[0],
            }
            listed = execute(server, "StudentListPaginationQuery", last=1)["students"]
            assert [edge["node"]["id"] for edge in listed["edges"]] == [student]
            [error] = ask(server, {"query": "{ students { totalCount } }"})["errors"]
            assert error["extensions"]["code"] == "FORBIDDEN"


def test_generated_types_hold_and_tell_the_members_of_a_result_apart(
    run_node: Callable[..., str], codegen_project: Path
) -> None:
    assert run_node(TSC, "--project", ".", directory=codegen_project) == ""


def test_a_member_of_a_result_that_is_not_handled_is_a_type_error(
    run_node: Callable[..., str], codegen_project: Path, tmp_path: Path
) -> None:
    changed = shutil.copytree(codegen_project, tmp_path / "changed", symlinks=True)
    source = changed / "src" / "courses.ts"
    text = source.read_text(encoding="utf-8")
    assert text.count('case "CourseNotFound":') == 1
    source.write_text(text.replace('case "CourseNotFound":', ""), encoding="utf-8")
    with pytest.raises(AssertionError, match="TS2366: Function lacks ending return statement"):
        run_node(TSC, "--project", ".", directory=changed)


@on_sqlite
def test_the_manifest_of_the_generator_is_one_of_trusted_documents(codegen_project: Path, databases: Databases) -> None:
    manifest = codegen_project / "src" / "gql" / "persisted-documents.json"
    named = document_id(manifest, "StudentCourses")
    assert named.startswith("sha256:")
    assert json.loads(manifest.read_text(encoding="utf-8")).keys() == read_manifest(manifest).keys()
    with (
        databases.migrated() as url,
        serving(url, trusted_documents=manifest, trusted_documents_mode="only") as server,
    ):
        answer = ask(server, {"documentId": named, "variables": {"id": "c3R1MDAx"}})
    assert answer == {"data": {"student": None}}
