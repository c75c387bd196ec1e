import json

import httpx
import pytest

from tests.http.graphql_application import Application

REQUEST = {"query": "{ greeting }"}


async def post(content: bytes, **headers: str) -> httpx.Response:
    async with Application().client(**{"content-type": "application/json", **headers}) as client:
        return await client.post("/graphql", content=content)


async def get(query_string: str, **headers: str) -> httpx.Response:
    async with Application().client(**{"graphql-require-preflight": "1", **headers}) as client:
        return await client.get(f"/graphql?{query_string}")


def message(response: httpx.Response) -> str:
    """The only error, which has to be a malformed request."""
    (error,) = response.json()["errors"]
    assert set(response.json()) == {"errors"}
    assert error["extensions"] == {"code": "BAD_REQUEST"}
    return str(error["message"])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "The body is empty; expected is a JSON object."),
        (b"null", "The body is not a JSON object."),
        (b"1", "The body is not a JSON object."),
        (b"1.5", "The body is not a JSON object."),
        (b"true", "The body is not a JSON object."),
        (b'"{ greeting }"', "The body is not a JSON object."),
        (b"[]", "Batches of operations are not accepted: send one operation in each request."),
        (json.dumps([REQUEST, REQUEST]).encode(), "Batches of operations are not accepted: send one operation in each"),
        (b"{}", "The request names no document; expected is 'query' (a string), 'documentId', or"),
        (b'{"query": null}', "The request names no document"),
        (b'{"query": 1}', "The parameter 'query' must be a string."),
        (b'{"query": "{ greeting }", "variables": []}', "The parameter 'variables' must be an object."),
        (b'{"query": "{ greeting }", "variables": "{}"}', "The parameter 'variables' must be an object."),
        (b'{"query": "{ greeting }", "operationName": 1}', "The parameter 'operationName' must be a string."),
        (b'{"query": "{ greeting }", "extensions": 1}', "The parameter 'extensions' must be an object."),
        (b'{"documentId": 1}', "The parameter 'documentId' must be a string."),
        (b'{"query": "{ greeting }"', "The body is not acceptable JSON: "),
        (b"query { greeting }", "The body is not acceptable JSON: "),
        (b'{"query": "\xff"}', "The body is not acceptable JSON: str is not valid UTF-8"),
        (json.dumps(REQUEST).encode("utf-16"), "The body is not acceptable JSON: str is not valid UTF-8"),
        (json.dumps(REQUEST).encode("utf-8-sig"), "The body is not acceptable JSON: UTF-8 byte order mark"),
        (
            b'{"query": "{ greeting }", "variables": {"name": "\\ud800"}}',
            "The body is not acceptable JSON: no low surrogate",
        ),
        (
            b'{"query": "{ greeting }", "query": "{ breaks }"}',
            "The body is not acceptable JSON: an object has",
        ),
        (
            b'{"query": "{ greeting }", "variables": {"n": 1, "n": 2}}',
            "The body is not acceptable JSON: an object has",
        ),
        (
            b'{"query": "{ greeting }", "variables": {"n": 1%s}}' % (b"0" * 300),
            "The body is not acceptable JSON: an integer",
        ),
        (
            b'{"query": "{ greeting }", "variables": {"n": 1%s}}' % (b"0" * 900_000),
            "The body is not acceptable JSON: number",
        ),
        (b"[" * 100_000 + b"]" * 100_000, "The body is not acceptable JSON: depth limit exceeded"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "The body is not acceptable JSON: depth limit exceeded"),
        (b'{"query": "{ greeting }", "variables": {"n": %s1%s}}' % (b"[" * 400_000, b"]" * 400_000), "The body is not"),
        (b" " * 1_048_577, "The body is larger than 1048576 bytes."),
    ],
)
async def test_a_body_that_is_no_graphql_request_is_refused(body: bytes, reason: str) -> None:
    response = await post(body)
    assert response.status_code == (413 if len(body) > 1_048_576 else 400)
    assert message(response).startswith(reason)


async def test_a_body_of_the_largest_size_is_read() -> None:
    body = json.dumps(REQUEST).encode()
    response = await post(body + b" " * (1_048_576 - len(body)))
    assert (response.status_code, response.json()) == (200, {"data": {"greeting": "Hello, world!"}})


@pytest.mark.parametrize(
    "variables", [{"n": 2**31}, {"n": -(2**63)}, {"n": 2**64 - 1}, {"n": 1e300}, {"n": "1"}, {"n": []}]
)
async def test_a_variable_that_is_not_of_its_type_is_refused(variables: dict[str, object]) -> None:
    body = json.dumps({"query": "query ($n: Int!) { echo(number: $n) }", "variables": variables})
    response = await post(body.encode(), accept="application/graphql-response+json")
    assert response.status_code == 400
    assert [error["extensions"] for error in response.json()["errors"]] == [{"code": "BAD_USER_INPUT"}]


@pytest.mark.parametrize(
    "body",
    [
        {"query": "query ($name: String!) { greeting(name: $name) }", "variables": {"name": "a\0b"}},
        {"query": '{ greeting(name: "a\0b") }'},
    ],
)
async def test_a_nul_in_a_text_is_a_character_like_any_other(body: dict[str, object]) -> None:
    response = await post(json.dumps(body).encode())
    assert response.json() == {"data": {"greeting": "Hello, a\0b!"}}


@pytest.mark.parametrize(
    "query",
    [
        "{ greeting\0 }",
        '{ greeting(name: "\\uD800") }',
        '{ greeting(name: "\\u{110000}") }',
        '{ greeting(name: "\ufffe',
        "\ufeff\ufeff{ greeting",
        "{" * 50_000,
        "{ node " * 10_000 + "}" * 10_000,
        "{ greeting(name: " + "[" * 20_000 + "]" * 20_000 + ") }",
    ],
)
async def test_a_text_that_is_no_document_is_refused(query: str) -> None:
    response = await post(json.dumps({"query": query}).encode(), accept="application/graphql-response+json")
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "GRAPHQL_PARSE_FAILED"}
    assert len(error["message"]) <= 1000


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/graphql",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/json; charset=iso-8859-1",
        "application/jsonp",
        "application/json, text/plain",
    ],
)
async def test_a_body_of_another_media_type_is_refused_with_415(content_type: str) -> None:
    response = await post(json.dumps(REQUEST).encode(), **{"content-type": content_type})
    assert response.status_code == 415
    assert message(response).endswith("accepted is application/json, in UTF-8.")


async def test_a_body_without_a_media_type_is_refused_with_415() -> None:
    async with Application().client() as client:
        response = await client.post("/graphql", content=json.dumps(REQUEST).encode())
    assert response.status_code == 415
    assert message(response) == "The body has no Content-Type; accepted is application/json."


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json;charset=utf-8",
        'APPLICATION/JSON ; CHARSET="UTF-8"',
        "application/json; charset=utf8",
        "application/json; profile=x",
    ],
)
async def test_json_in_utf_8_is_accepted_however_it_is_spelled(content_type: str) -> None:
    response = await post(json.dumps(REQUEST).encode(), **{"content-type": content_type})
    assert response.json() == {"data": {"greeting": "Hello, world!"}}


@pytest.mark.parametrize("content_encoding", ["gzip", "br", "identity, gzip"])
async def test_a_compressed_body_is_refused_with_415(content_encoding: str) -> None:
    response = await post(json.dumps(REQUEST).encode(), **{"content-encoding": content_encoding})
    assert (response.status_code, response.headers["accept-encoding"]) == (415, "identity")
    assert message(response) == "The body is compressed; bodies are accepted without Content-Encoding."


async def test_an_answer_that_the_client_does_not_accept_is_refused_with_406() -> None:
    response = await post(json.dumps(REQUEST).encode(), accept="text/html")
    assert response.status_code == 406
    assert message(response).startswith("None of the media types in the Accept header is served here; served are")


@pytest.mark.parametrize(
    ("query_string", "reason"),
    [
        ("", "The request names no document"),
        ("query=", "The request names no document"),
        ("query={greeting}&query={greeting}", "The parameter 'query' is there twice."),
        ("query={greeting}&variables={", "The parameter 'variables' is not acceptable JSON: "),
        ("query={greeting}&variables=[]", "The parameter 'variables' must be an object."),
        ("query={greeting}&variables=%22a%22", "The parameter 'variables' must be an object."),
        (
            'query={greeting}&variables={"a":1,"a":2}',
            "The parameter 'variables' is not acceptable JSON: an object has",
        ),
        ("query={greeting}&extensions=1", "The parameter 'extensions' must be an object."),
        ("query=%ff", "The URL's query is not percent-encoded UTF-8."),
        ("query=%ed%a0%80", "The URL's query is not percent-encoded UTF-8."),
        ("&".join(f"a{number}=" for number in range(33)), "The URL's query has more than 32 parameters."),
    ],
)
async def test_a_url_that_holds_no_graphql_request_is_refused(query_string: str, reason: str) -> None:
    response = await get(query_string)
    assert response.status_code == 400
    assert message(response).startswith(reason)


async def test_a_url_that_is_too_long_is_refused_with_414() -> None:
    response = await get("query={greeting}&variables={}&x=" + "x" * 16_384)
    assert response.status_code == 414
    assert message(response) == "The URL's query is longer than 16384 bytes; send this request by POST."


async def test_parameters_that_are_not_known_are_ignored() -> None:
    response = await post(json.dumps({**REQUEST, "id": 7, "doc_id": [], "Query": {}}).encode())
    assert response.json() == {"data": {"greeting": "Hello, world!"}}
