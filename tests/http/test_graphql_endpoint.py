import json
import logging
import re
from typing import NoReturn

import httpx
import pytest

from tests.http.graphql_application import SECRET, Application

JSON = "application/json; charset=utf-8"
GRAPHQL_RESPONSE = "application/graphql-response+json; charset=utf-8"


async def test_a_query_by_post_is_answered_with_its_data() -> None:
    async with Application().client() as client:
        response = await client.post(
            "/graphql",
            json={
                "query": "query Greet($name: String!) { greeting(name: $name) } query Other { echo(number: 1) }",
                "variables": {"name": "Ada"},
                "operationName": "Greet",
                "extensions": {},
            },
        )
    assert response.status_code == 200
    assert response.headers["content-type"] == JSON
    assert response.headers["vary"] == "Accept"
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {"data": {"greeting": "Hello, Ada!"}}


async def test_a_mutation_by_post_is_executed_once() -> None:
    application = Application()
    async with application.client() as client:
        response = await client.post("/graphql", json={"query": "mutation { count }"})
    assert (response.status_code, response.json()) == (200, {"data": {"count": 1}})
    assert application.counts == [1]


async def test_a_query_by_get_is_answered_with_its_data() -> None:
    async with Application().client(**{"graphql-require-preflight": "1"}) as client:
        response = await client.get(
            "/graphql",
            params={
                "query": "query ($name: String!) { greeting(name: $name) }",
                "variables": '{"name": "Zoë 🏃"}',
                "operationName": "",
                "extensions": "",
            },
        )
    assert (response.status_code, response.json()) == (200, {"data": {"greeting": "Hello, Zoë 🏃!"}})


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_a_mutation_by_get_is_refused_with_405_and_not_executed(accept: str) -> None:
    application = Application()
    async with application.client(accept=accept, **{"graphql-require-preflight": "1"}) as client:
        response = await client.get("/graphql", params={"query": "mutation { count }"})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json() == {
        "errors": [
            {
                "message": "A mutation cannot be executed this way; only queries can.",
                "extensions": {"code": "BAD_REQUEST"},
            }
        ]
    }
    assert application.counts == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
async def test_other_methods_are_refused_with_405_and_the_methods_that_are_allowed(method: str) -> None:
    async with Application().client() as client:
        response = await client.request(method, "/graphql", json={"query": "{ greeting }"})
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD, POST")
    assert response.json()["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query ($n: Int!) { echo(number: $n) }", "BAD_USER_INPUT"),
        ("query A { greeting } query B { greeting }", "BAD_USER_INPUT"),
        ("fragment F on Query { greeting }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { ticks }", "BAD_REQUEST"),
    ],
)
async def test_a_request_error_has_a_code_and_no_data(query: str, code: str) -> None:
    async with Application().client(accept="application/graphql-response+json") as client:
        response = await client.post("/graphql", json={"query": query})
    assert (response.status_code, response.headers["content-type"]) == (400, GRAPHQL_RESPONSE)
    assert set(response.json()) == {"errors"}
    assert {error["extensions"]["code"] for error in response.json()["errors"]} == {code}


@pytest.mark.parametrize("query", ["{", "{ nothing }", "query ($n: Int!) { echo(number: $n) }"])
async def test_a_client_older_than_graphql_over_http_is_told_of_request_errors_with_200(query: str) -> None:
    async with Application().client(accept="application/json") as client:
        response = await client.post("/graphql", json={"query": query})
    assert (response.status_code, response.headers["content-type"]) == (200, JSON)
    assert set(response.json()) == {"errors"}


async def test_a_validation_error_names_its_place() -> None:
    async with Application().client() as client:
        response = await client.post("/graphql", json={"query": "{\n  greetings\n}"})
    assert response.json() == {
        "errors": [
            {
                "message": "Cannot query field 'greetings' on type 'Query'. Did you mean 'greeting'?",
                "locations": [{"line": 2, "column": 3}],
                "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"},
            }
        ]
    }


async def test_an_unexpected_error_is_masked_and_logged_under_the_request_id(caplog: pytest.LogCaptureFixture) -> None:
    async with Application().client() as client:
        response = await client.post("/graphql", json={"query": "{ greeting breaks }"})
    request_id = response.headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", request_id)
    assert response.status_code == 200
    assert response.json() == {
        "errors": [
            {
                "message": "Internal server error",
                "locations": [{"line": 1, "column": 12}],
                "path": ["breaks"],
                "extensions": {"code": "INTERNAL_SERVER_ERROR", "requestId": request_id},
            }
        ],
        "data": {"greeting": "Hello, world!", "breaks": None},
    }
    (record,) = caplog.records
    assert (record.levelno, request_id in record.getMessage()) == (logging.ERROR, True)
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == SECRET


async def test_an_error_that_reaches_the_root_leaves_data_null() -> None:
    async with Application().client(accept="application/graphql-response+json") as client:
        response = await client.post("/graphql", json={"query": "{ breaksTheResponse }"})
    assert (response.status_code, response.json()["data"]) == (200, None)


async def test_a_value_that_is_not_of_its_type_is_masked() -> None:
    async with Application().client() as client:
        response = await client.post("/graphql", json={"query": "{ breaksItsType }"})
    assert response.json()["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert "psycopg" not in response.text


@pytest.mark.parametrize(
    ("field", "message", "code"),
    [
        ("refuses", "The cursor belongs to another ordering.", "BAD_USER_INPUT"),
        ("findsNoCourse", "No course has this id.", "BAD_USER_INPUT"),
        ("explains", "Not today.", "FORBIDDEN"),
    ],
)
async def test_an_error_that_was_raised_knowingly_is_shown(field: str, message: str, code: str) -> None:
    async with Application().client() as client:
        response = await client.post("/graphql", json={"query": f"{{ {field} }}"})
    (error,) = response.json()["errors"]
    assert (error["message"], error["extensions"]) == (message, {"code": code})


async def test_a_null_given_to_an_argument_that_takes_none_is_the_clients_error() -> None:
    async with Application().client() as client:
        response = await client.post(
            "/graphql",
            json={"query": "query ($n: Int = 1) { node { echo(number: $n) } }", "variables": {"n": None}},
        )
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}


async def test_a_context_that_cannot_be_made_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    application = Application()

    def broken(_caller: object) -> NoReturn:
        raise OSError(SECRET)

    monkeypatch.setattr(application.service, "_make_context", broken)
    async with application.client(accept="application/graphql-response+json") as client:
        response = await client.post("/graphql", json={"query": "{ greeting }"})
    assert response.status_code == 500
    assert [error["message"] for error in response.json()["errors"]] == ["Internal server error"]


async def test_a_result_that_json_cannot_hold_is_masked() -> None:
    async with Application().client() as client:
        response = await client.post("/graphql", json={"query": "{ unwritable }"})
    assert response.status_code == 500
    assert response.json()["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"


@pytest.mark.parametrize("sent", ["7", "a" * 128, "trace.1_2-3~4"])
async def test_a_well_formed_request_id_is_taken_over(sent: str) -> None:
    async with Application().client(**{"x-request-id": sent}) as client:
        response = await client.post("/graphql", json={"query": "{ requestId }"})
    assert response.headers["x-request-id"] == sent
    assert response.json() == {"data": {"requestId": sent}}


@pytest.mark.parametrize("sent", ["", "a" * 129, "a b", 'x"><script>', "é"])
async def test_a_malformed_request_id_is_replaced(sent: str) -> None:
    async with Application().client() as client:
        response = await client.post(
            "/graphql", json={"query": "{ greeting }"}, headers=httpx.Headers([(b"x-request-id", sent.encode())])
        )
    assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])


async def test_head_is_answered_like_get() -> None:
    async with Application().client(**{"graphql-require-preflight": "1"}) as client:
        response = await client.head("/graphql", params={"query": "{ greeting }"})
    assert (response.status_code, response.headers["content-length"]) == (
        200,
        str(len(json.dumps({"data": {"greeting": "Hello, world!"}}, separators=(",", ":")))),
    )
