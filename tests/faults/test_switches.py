"""What is switched off is closed wholly: who guesses wrong names is told no right ones, however the question is put."""

import re
from typing import Any

import httpx
import pytest

from tests.integration.graphql_client import GraphQLClient
from tests.server import serving

RIGHT_NAMES = {"email", "sourcedId", "students", "courses", "createStudent", "NAME", "ASC", "StudentOrder", "skip"}

ASKED: list[tuple[str, dict[str, Any]]] = [
    ("{ __schema { types { name } } }", {}),
    ('{ __type(name: "Query") { fields { name } } }', {}),
    ('{ a: __type(name: "Query") { ...f } } fragment f on __Type { fields { name } }', {}),
    ("{ studens { nodes { id } } }", {}),
    ('{ student(id: "x") { emal } }', {}),
    ('{ student(idd: "x") { id } }', {}),
    ('{ student(id: "x") { ... on Studnt { id } } }', {}),
    ("{ students }", {}),
    ("{ students { nodes } }", {}),
    ("query ($x: StudentOrde) { __typename }", {}),
    ("{ __typename @skp(if: true) }", {}),
    ('mutation { creatStudent(input: {name: "x"}) { __typename } }', {}),
    ('mutation { createStudent(input: {name: "x", emal: "y"}) { __typename } }', {}),
    (
        "mutation ($i: CreateStudentInput!) { createStudent(input: $i) { __typename } }",
        {"i": {"name": "x", "emal": "y"}},
    ),
    ("query ($d: OrderDirection!) { __typename }", {"d": "ASK"}),
    ("query ($d: OrderDirection!) { __typename @include(if: $d) }", {"d": "AS"}),
]


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_a_schema_that_is_hidden_is_told_by_no_message(database_url: str) -> None:
    with serving(database_url, introspection="off", graphiql="off") as server, GraphQLClient(server) as client:
        for document, variables in ASKED:
            answer = client.execute(document, **variables)
            assert answer.codes, document
            for message in answer.messages:
                told = set(re.findall(r"\w+", message)) - set(re.findall(r"\w+", f"{document} {variables}"))
                assert told.isdisjoint(RIGHT_NAMES), message
        page = httpx.get(f"{server.url}/graphql", headers={"Accept": "text/html"}, timeout=20)
        assert "text/html" not in page.headers["content-type"]
        assert server.get("/graphiql/index.html").status_code == 404
