"""The npm packages of this folder, installed when a test first needs them, and what the clients ask about."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gql_api.schema.global_id import encode_event_id
from tests.integration.graphql_client import GraphQLClient
from tests.integration.school import new_course, new_student
from tests.server import Server

CLIENTS = Path(__file__).parent
_INSTALL_TIMEOUT_SECONDS = 100
_RUN_TIMEOUT_SECONDS = 40
_REGISTRY_IS_AWAY = (
    "ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "ERR_SOCKET_TIMEOUT"
)  # fmt: skip


@pytest.fixture(scope="session")
def run_node() -> Callable[..., str]:
    """Runs a script of this folder with Node and returns what it printed; skips where there is no Node or registry."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("Node and npm are not on the path: the GraphQL clients cannot be run")
    _install(npm)

    def run(script: str, *arguments: str, directory: Path = CLIENTS) -> str:
        command = [node, str(CLIENTS / script), *arguments]
        finished = subprocess.run(  # noqa: S603 - our own scripts
            command, cwd=directory, capture_output=True, text=True, timeout=_RUN_TIMEOUT_SECONDS, check=False
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout

    return run


def _install(npm: str) -> None:
    lock, installed = CLIENTS / "package-lock.json", CLIENTS / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    finished = subprocess.run(  # noqa: S603 - npm, as found on the path
        [npm, "ci", "--fetch-retries=1", "--fetch-timeout=20000"],
        cwd=CLIENTS,
        capture_output=True,
        text=True,
        timeout=_INSTALL_TIMEOUT_SECONDS,
        check=False,
    )
    if finished.returncode != 0 and any(sign in finished.stderr for sign in _REGISTRY_IS_AWAY):
        pytest.skip("the npm registry cannot be reached: the GraphQL clients cannot be installed")
    assert finished.returncode == 0, finished.stderr


_ASSIGN = """mutation ($input: AssignCoursesInput!) { assignCourses(input: $input) {
    ... on AssignCoursesSuccess { assignedCount } } }"""


@pytest.fixture
def school(sqlite_server: Server) -> dict[str, str]:
    """Ada takes Logic, Algebra and Drawing; `open` has a free seat, `full` has none."""
    with GraphQLClient(sqlite_server) as client:
        student = new_student(client)["id"]
        taken = [new_course(client, title=title)["id"] for title in ("Logic", "Algebra", "Drawing")]
        school = {
            "url": f"{sqlite_server.url}/graphql",
            "studentId": student,
            "openId": new_course(client, title="Open", capacity=1)["id"],
            "fullId": new_course(client, title="Full", capacity=0)["id"],
            "after": encode_event_id(1),
        }
        # The first of all events is another's, so that what comes after it is all that is Ada's.
        client.mutate("assignCourse", "", studentId=new_student(client)["id"], courseId=taken[0])
        pairs = [{"studentId": student, "courseId": course} for course in taken]
        assert client.execute(_ASSIGN, input={"assignments": pairs}).data["assignCourses"]["assignedCount"] == 3
    return school
