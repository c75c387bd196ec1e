"""Cost over the wire: refused with a status and a code, reported where it is asked for."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gql_api.database.statements import Entity
from gql_api.schema.global_id import encode_id
from tests.database_fixtures import SqliteDatabases
from tests.http.websocket_client import assign, initialised, new_course, new_student
from tests.server import Server, serving

COSTLY = "query ($n: Int!) { students(first: $n) { nodes { courses(first: $n) { nodes { id } } } } }"
GRAPHQL_RESPONSE = "application/graphql-response+json"
REPORT: dict[str, Any] = {"graphql-cost": "report"}
LIMITS: dict[str, Any] = {
    "cost_max": 100,
    "depth_max": 4,
    "aliases_max": 3,
    "fields_max": 10,
    "root_fields_max": 4,
    "directives_max": 2,
    "introspection_depth_max": 3,
    "query_tokens_max": 100,
    "query_characters_max": 1000,
    "errors_max": 2,
}


@pytest.fixture(scope="module")
def strict_server(sqlite_databases: SqliteDatabases) -> Iterator[Server]:
    """A server with small limits."""
    with sqlite_databases.migrated() as url, serving(url, **LIMITS) as server:
        yield server


def post(server: Server, query: str, variables: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
    body = {"query": query, "variables": variables}
    return httpx.post(f"{server.url}/graphql", json=body, headers={"accept": GRAPHQL_RESPONSE, **headers}, timeout=30)


@pytest.mark.parametrize(
    ("query", "setting", "counted"),
    [
        ("{ students(first: 99) { nodes { id } } }", "cost_max", "cost"),
        ("{ students { nodes { courses { nodes { id } } } } }", "depth_max", "depth"),
        ("{ a: __typename b: __typename c: __typename d: __typename }", "aliases_max", "aliases"),
        ("{ student(id: 1) { id id id id id id id id id id } }", "fields_max", "fields"),
        ("{ __typename __typename __typename __typename __typename }", "root_fields_max", "root fields"),
        ("{ __typename @skip(if: true) ... @skip(if: true) @include(if: true) { id: __typename } }", "directives_max",
         "directives"),
        ("{ __schema { queryType { ofType { name } } } }", "introspection_depth_max", "introspection depth"),
        ("{" + " id" * 100 + "}", "query_tokens_max", "tokens"),
        ("{ __typename }" + "#\n" * 101, "query_tokens_max", "comments"),
        ("{ __typename }" + " " * 1000, "query_characters_max", "characters"),
    ],
)  # fmt: skip
def test_each_setting_bounds_what_it_names(strict_server: Server, query: str, setting: str, counted: str) -> None:
    response = post(strict_server, query)
    errors = response.json()["errors"]
    assert (response.status_code, "data" in response.json()) == (400, False)
    assert {error["extensions"]["code"] for error in errors} == {"TOO_EXPENSIVE"}
    (error,) = [error for error in errors if error["extensions"]["counted"] == counted]
    assert error["extensions"]["maximum"] == LIMITS[setting] < error["extensions"]["requested"]
    assert str(error["extensions"]["requested"]) in error["message"]
    assert error["message"].endswith(f"; the most that is allowed is {LIMITS[setting]}.")


def test_variables_are_counted_before_they_are_coerced(strict_server: Server) -> None:
    response = post(strict_server, COSTLY.replace("courses(first: $n) { nodes { id } }", "id"), {"n": 500})
    assert response.json()["errors"] == [
        {
            "message": "The cost of the operation is 502; the most that is allowed is 100.",
            "extensions": {"code": "TOO_EXPENSIVE", "counted": "cost", "requested": 502, "maximum": 100},
        }
    ]
    elements = post(strict_server, "query ($i: [ID!]!) { nodes(ids: $i) { id } }", {"i": [1.5] * 4000})
    assert elements.json()["errors"][0]["extensions"]["requested"] == 8001


def test_clients_of_plain_json_are_told_in_the_body(strict_server: Server) -> None:
    response = post(strict_server, COSTLY, {"n": 500}, accept="application/json")
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (200, "TOO_EXPENSIVE")


def test_a_response_lists_so_many_errors_and_says_how_many_there_are_more(strict_server: Server) -> None:
    response = post(
        strict_server, "{ a: node(id: 1) { id } b: node(id: 2) { id } c: node(id: 3) { id } node(id: 4) { id } }"
    )
    body = response.json()
    assert [error["path"] for error in body["errors"]] == [["a"], ["b"]]
    assert body["extensions"] == {"errorsOmitted": 2}
    assert body["data"] == {"a": None, "b": None, "c": None, "node": None}
    invalid = post(strict_server, "{ x y z }").json()["errors"]
    assert [error["message"][:10] for error in invalid] == ["Cannot que", "Cannot que", "Too many v"]


def test_the_cost_is_reported_where_the_header_asks_for_it(server: Server) -> None:
    plain = post(server, COSTLY, {"n": 2})
    reported = post(server, COSTLY, {"n": 2}, **REPORT)
    assert "extensions" not in plain.json()
    assert reported.json()["data"] == plain.json()["data"]
    assert reported.json()["extensions"]["cost"] == {"requested": 1 + 1 + 2 * (1 + 1 + 2), "maximum": 25_000}
    assert 1 <= reported.json()["extensions"]["statements"] <= 2
    assert "extensions" not in post(server, COSTLY, {"n": 2}, **(REPORT | {"graphql-cost": "none"})).json()


def test_statements_of_writes_are_counted_too(server: Server) -> None:
    create = 'mutation { createStudent(input: {name: "Ada"}) { ... on CreateStudentSuccess { student { id } } } }'
    response = post(server, create, **REPORT).json()
    assert response["extensions"]["statements"] >= 1
    student = response["data"]["createStudent"]["student"]["id"]
    delete = f'mutation {{ deleteStudent(input: {{id: "{student}"}}) {{ __typename }} }}'
    twice = post(server, delete.replace("deleteStudent", "a: deleteStudent"), **REPORT).json()
    assert twice["extensions"]["statements"] >= 1
    absent = encode_id(Entity.COURSE, 2**40)
    assign = f'mutation {{ assignCourse(input: {{studentId: "{student}", courseId: "{absent}"}}) {{ __typename }} }}'
    refused = post(server, assign, **REPORT).json()
    assert refused["data"] == {"assignCourse": {"__typename": "StudentNotFound"}}
    assert refused["extensions"]["statements"] >= 1


def test_a_get_is_asked_about_in_the_same_way(server: Server) -> None:
    headers = {"graphql-require-preflight": "1", "graphql-cost": "report"}
    response = httpx.get(f"{server.url}/graphql", params={"query": "{ __typename }"}, headers=headers)
    assert response.json() == {
        "data": {"__typename": "Query"},
        "extensions": {"cost": {"requested": 1, "maximum": 25_000}, "statements": 0},
    }


async def test_over_websocket_an_extension_asks_for_it(server: Server) -> None:
    async with initialised(server.port) as client:
        payload = {"query": "{ __typename }", "extensions": {"cost": "report"}}
        await client.send(id="1", type="subscribe", payload=payload)
        answer = await client.receive()
    assert answer["payload"]["extensions"] == {"cost": {"requested": 1, "maximum": 25_000}, "statements": 0}


async def test_each_subscriber_is_told_the_cost_if_it_asks(server: Server) -> None:
    async with initialised(server.port) as client:
        student, course = await new_student(server.port), await new_course(server.port, "COST-1")
        subscription = f'subscription {{ courseAssignments(studentId: "{student}") {{ student {{ name }} }} }}'
        for id_, extensions in (("plain", {}), ("asks", {"cost": "report"})):
            payload = {"query": subscription, "extensions": extensions}
            await client.send(id=id_, type="subscribe", payload=payload)
        await asyncio.sleep(1)  # until both listen, which the protocol does not tell
        await assign(server.port, student, course)
        answers = {answer["id"]: answer["payload"] for answer in [await client.receive(), await client.receive()]}
    assert answers["plain"] == {"data": {"courseAssignments": {"student": {"name": "Ann"}}}}
    report = {"cost": {"requested": 3, "maximum": 25_000}, "statements": 0}
    assert answers["asks"] == {**answers["plain"], "extensions": report}


async def test_over_websocket_what_is_too_much_is_an_error(strict_server: Server) -> None:
    async with initialised(strict_server.port) as client:
        await client.subscribe(COSTLY, n=500)
        answer = await client.receive()
    assert (answer["type"], answer["payload"][0]["extensions"]["code"]) == ("error", "TOO_EXPENSIVE")


def test_a_page_of_another_origin_may_ask_for_it(sqlite_databases: SqliteDatabases) -> None:
    with sqlite_databases.migrated() as url, serving(url, cors_origins="https://app.example.org") as server:
        asked = httpx.options(
            f"{server.url}/graphql",
            headers={
                "origin": "https://app.example.org",
                "access-control-request-method": "POST",
                "access-control-request-headers": "content-type,graphql-cost",
            },
        )
    assert asked.status_code == 200
