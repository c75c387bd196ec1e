from hashlib import sha256
from typing import Any

import httpx
import pytest

from tests.http.graphql_application import Application

QUERY = "query Greet($name: String!) { greeting(name: $name) }"
HASH = sha256(QUERY.encode()).hexdigest()
TRUSTED = {"greet-1": "query Greet { greeting }", "count-1": "mutation Count { count }", f"sha256:{HASH}": QUERY}


def by_hash(query_hash: Any = HASH, version: Any = 1) -> dict[str, Any]:
    return {"persistedQuery": {"version": version, "sha256Hash": query_hash}}


async def post(
    application: Application, accept: str = "application/graphql-response+json", **body: Any
) -> httpx.Response:
    async with application.client(accept=accept) as client:
        return await client.post("/graphql", json=body)


def refused(response: httpx.Response) -> tuple[int, str, str]:
    (error,) = response.json()["errors"]
    assert set(response.json()) == {"errors"}
    return response.status_code, error["message"], error["extensions"]["code"]


NOT_FOUND = (400, "PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
NOT_SUPPORTED = (400, "PersistedQueryNotSupported", "PERSISTED_QUERY_NOT_SUPPORTED")
NOT_TRUSTED = (
    403,
    "Only trusted documents are executed here: name one by its id, in documentId or persistedQuery.",
    "FORBIDDEN",
)


# Automatic persisted queries


async def test_a_query_is_learned_from_its_text_and_then_answered_by_its_hash() -> None:
    application = Application()
    asked: dict[str, Any] = {"extensions": by_hash(), "variables": {"name": "Ada"}}
    assert refused(await post(application, **asked)) == NOT_FOUND
    learned = await post(application, query=QUERY, **asked)
    known = await post(application, **asked)
    assert learned.json() == known.json() == {"data": {"greeting": "Hello, Ada!"}}


async def test_a_learned_query_is_answered_by_get_and_by_document_id() -> None:
    application = Application()
    await post(application, query=QUERY, extensions=by_hash(), variables={"name": "Ada"})
    parameters = {
        "extensions": f'{{"persistedQuery": {{"version": 1, "sha256Hash": "{HASH}"}}}}',
        "variables": '{"name": "Ada"}',
    }
    async with application.client(**{"graphql-require-preflight": "1"}) as client:
        got = await client.get("/graphql", params=parameters)
    named = await post(application, documentId=f"sha256:{HASH}", variables={"name": "Ada"})
    assert got.json() == named.json() == {"data": {"greeting": "Hello, Ada!"}}
    assert "etag" in got.headers


async def test_an_older_client_is_told_with_200_that_a_hash_is_not_known() -> None:
    response = await post(Application(), accept="application/json", extensions=by_hash())
    assert refused(response) == (200, *NOT_FOUND[1:])
    assert response.headers["cache-control"] == "no-store"


async def test_a_text_under_the_hash_of_another_is_refused_and_not_learned() -> None:
    application = Application()
    response = await post(application, query="{ greeting }", extensions=by_hash())
    assert refused(response) == (400, "provided sha does not match query", "BAD_REQUEST")
    assert refused(await post(application, extensions=by_hash())) == NOT_FOUND


async def test_an_invalid_document_is_not_learned() -> None:
    application = Application()
    query = "{ nothing }"
    query_hash = sha256(query.encode()).hexdigest()
    assert (
        refused(await post(application, query=query, extensions=by_hash(query_hash)))[2] == "GRAPHQL_VALIDATION_FAILED"
    )
    assert refused(await post(application, extensions=by_hash(query_hash))) == NOT_FOUND


@pytest.mark.parametrize(
    ("extensions", "message"),
    [
        ({"persistedQuery": 1}, "The extension 'persistedQuery' must be an object with 'version' and 'sha256Hash'."),
        ({"persistedQuery": {}}, "The extension 'persistedQuery' must be an object with 'version' and 'sha256Hash'."),
        (by_hash(query_hash=7), "The extension 'persistedQuery' must be an object with 'version' and 'sha256Hash'."),
        (by_hash(version=2), "Unsupported persisted query version; supported is 1."),
        (by_hash(version=None), "Unsupported persisted query version; supported is 1."),
        ({"persistedQuery": None}, "The request names no document."),
    ],
)
async def test_a_malformed_extension_is_refused(extensions: dict[str, Any], message: str) -> None:
    assert refused(await post(Application(), extensions=extensions)) == (400, message, "BAD_REQUEST")


async def test_learned_queries_leave_that_were_used_least_recently() -> None:
    application = Application(persisted={"learned_entries_max": 2})
    queries = ["{ a: greeting }", "{ b: greeting }", "{ c: greeting }"]
    hashes = [sha256(query.encode()).hexdigest() for query in queries]
    for query, query_hash in zip(queries, hashes, strict=True):
        await post(application, query=query, extensions=by_hash(query_hash))
    answers = [await post(application, extensions=by_hash(query_hash)) for query_hash in hashes]
    assert [answer.status_code for answer in answers] == [400, 200, 200]


async def test_learned_queries_are_bounded_in_bytes() -> None:
    application = Application(persisted={"learned_bytes_max": 2000})
    query = "{ greeting }" + " " * 2000
    query_hash = sha256(query.encode()).hexdigest()
    assert (await post(application, query=query, extensions=by_hash(query_hash))).status_code == 200
    assert refused(await post(application, extensions=by_hash(query_hash))) == NOT_FOUND


async def test_automatic_persisted_queries_can_be_switched_off() -> None:
    application = Application(persisted={"learned_entries_max": 0})
    assert refused(await post(application, extensions=by_hash())) == NOT_SUPPORTED
    sent = await post(application, query=QUERY, extensions=by_hash(), variables={"name": "Ada"})
    assert sent.json() == {"data": {"greeting": "Hello, Ada!"}}
    assert refused(await post(application, extensions=by_hash())) == NOT_SUPPORTED


# Trusted documents


@pytest.mark.parametrize("trusted_only", [False, True])
@pytest.mark.parametrize(
    "named",
    [
        {"documentId": "greet-1"},
        {"extensions": by_hash("greet-1")},
        {"documentId": "greet-1", "query": "{ breaks }"},
        {"documentId": HASH, "variables": {"name": "world"}},
        {"documentId": f"sha256:{HASH}", "variables": {"name": "world"}},
        {"extensions": by_hash(), "variables": {"name": "world"}},
    ],
)
async def test_a_trusted_document_is_executed_by_its_id(named: dict[str, Any], *, trusted_only: bool) -> None:
    application = Application(persisted={"trusted": TRUSTED, "trusted_only": trusted_only})
    response = await post(application, **named)
    assert (response.status_code, response.json()) == (200, {"data": {"greeting": "Hello, world!"}})


async def test_trusted_documents_do_not_exclude_others_unless_they_are_the_only_ones() -> None:
    application = Application(persisted={"trusted": TRUSTED})
    assert (await post(application, query="{ greeting }")).json() == {"data": {"greeting": "Hello, world!"}}
    assert refused(await post(application, documentId="greet-2")) == NOT_FOUND


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"query": "{ greeting }"}, NOT_TRUSTED),
        ({"query": "mutation { count }"}, NOT_TRUSTED),
        ({"query": TRUSTED["greet-1"]}, NOT_TRUSTED),
        ({"query": "{ __schema { types { name } } }"}, NOT_TRUSTED),
        ({"query": "{ greeting }", "documentId": "greet-2"}, NOT_TRUSTED),
        (
            {"query": "{ greeting }", "extensions": by_hash(sha256(b"{ greeting }").hexdigest())},
            NOT_TRUSTED,
        ),
        ({"documentId": "greet-2"}, NOT_FOUND),
        ({"documentId": ""}, NOT_FOUND),
        ({"documentId": "sha256:"}, NOT_FOUND),
        ({"extensions": by_hash("0" * 64)}, NOT_FOUND),
    ],
)
async def test_where_only_trusted_documents_are_executed_nothing_else_is(
    body: dict[str, Any], refusal: tuple[int, str, str]
) -> None:
    application = Application(persisted={"trusted": TRUSTED, "trusted_only": True})
    assert refused(await post(application, **body)) == refusal
    assert application.counts == []


async def test_a_trusted_mutation_is_not_executed_by_get() -> None:
    application = Application(persisted={"trusted": TRUSTED, "trusted_only": True})
    async with application.client(**{"graphql-require-preflight": "1"}) as client:
        response = await client.get("/graphql", params={"documentId": "count-1"})
    assert (response.status_code, application.counts) == (405, [])
    assert (await post(application, documentId="count-1")).json() == {"data": {"count": 1}}


async def test_without_a_manifest_no_document_id_is_known() -> None:
    assert refused(await post(Application(), documentId="greet-1")) == NOT_FOUND
