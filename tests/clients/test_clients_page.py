"""`docs/clients.md`: its programs are those that the tests of this folder run, its messages are sent as they stand."""

import http.client
import re
from contextlib import closing

import pytest
from graphql import parse, validate

from tests.clients.conftest import CLIENTS
from tests.database_fixtures import Databases
from tests.integration.sdl import SCHEMA
from tests.server import ROOT, serving
from tests.test_documentation import answer, messages, shown

PAGE = ROOT / "docs" / "clients.md"
TEXT = PAGE.read_text(encoding="utf-8")
PROGRAMS = {
    "apollo.mjs", "codegen/codegen.ts", "codegen/src/courses.ts", "gql_client.py", "graphql_request.mjs",
    "graphql_sse.mjs", "graphql_ws.mjs", "possible_types.mjs", "relay/relay.config.json",
    "relay/src/StudentCourses.ts", "sha256.mjs", "urql.mjs",
}  # fmt: skip


def blocks(*languages: str) -> list[str]:
    return re.findall(rf"^```(?:{'|'.join(languages)})\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def test_the_programs_on_the_page_are_those_that_are_tested() -> None:
    files = {name: (CLIENTS / name).read_text(encoding="utf-8") for name in PROGRAMS}
    assert sorted(blocks("js", "ts", "json", "python")) == sorted(files.values())


def test_the_operations_on_the_page_are_valid() -> None:
    operations = blocks("graphql")
    assert len(operations) == 2
    assert [validate(SCHEMA, parse(operation)) for operation in operations] == [[], []]


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_the_messages_on_the_page_are_answered_as_it_says(databases: Databases) -> None:
    examples = messages(PAGE)
    assert len(examples) == 12
    with (
        databases.migrated() as url,
        serving(url, cors_origins="https://app.example.org") as server,
        closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection,
    ):
        for request, response in zip(examples[::2], examples[1::2], strict=True):
            answered = answer(connection, request)
            assert shown(answered, response.headers) == shown(response, response.headers), request
