"""What browsers do: foreign pages that send without asking, pages of other origins, pages that cache, and GraphiQL."""

import httpx
import pytest
from starlette.responses import HTMLResponse

from gql_api.http.cors import allow_origins
from tests.http.graphql_application import Application

BROWSER_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
QUERY = {"query": "{ greeting }"}
ANSWER = {"data": {"greeting": "Hello, world!"}}


async def get(headers: dict[str, str], application: Application | None = None) -> httpx.Response:
    async with (application or Application()).client(**headers) as client:
        return await client.get("/graphql", params=QUERY)


def page() -> HTMLResponse:
    return HTMLResponse("<title>GraphiQL</title>")


# Cross-site request forgery


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"accept": "application/graphql-response+json"},
        {"apollo-require-preflight": ""},
        {"origin": "https://evil.test", "sec-fetch-site": "cross-site", "cookie": "session=7"},
    ],
)
async def test_a_get_that_a_foreign_page_can_cause_is_refused(headers: dict[str, str]) -> None:
    response = await get(headers)
    assert response.status_code == 400
    assert response.json()["errors"] == [
        {
            "message": "This request could be a cross-site request forgery. Send it with a non-empty header "
            "apollo-require-preflight or x-apollo-operation-name or graphql-require-preflight, "
            "or with Content-Type: application/json.",
            "extensions": {"code": "BAD_REQUEST"},
        }
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {"apollo-require-preflight": "true"},
        {"x-apollo-operation-name": "Greet"},
        {"graphql-require-preflight": "1"},
        {"content-type": "application/json"},
        {"content-type": "Application/JSON; charset=utf-8"},
    ],
)
async def test_a_get_that_a_browser_asks_about_first_is_answered(headers: dict[str, str]) -> None:
    response = await get(headers)
    assert (response.status_code, response.json()) == (200, ANSWER)


@pytest.mark.parametrize("content_type", ["text/plain", "message/rfc822", "application/json+x", "", ";"])
async def test_a_get_of_another_content_type_is_refused_even_with_a_preflight_header(content_type: str) -> None:
    response = await get({"content-type": content_type, "apollo-require-preflight": "true"})
    assert response.status_code == 415


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
async def test_a_mutation_that_a_form_can_post_is_refused_and_not_executed(content_type: str) -> None:
    application = Application()
    async with application.client(**{"content-type": content_type}) as client:
        response = await client.post("/graphql", content='{"query": "mutation { count }"}')
    assert (response.status_code, application.counts) == (415, [])


async def test_csrf_prevention_can_be_switched_off() -> None:
    response = await get({}, Application(csrf_prevention=False))
    assert (response.status_code, response.json()) == (200, ANSWER)


# Other origins


async def test_no_other_origin_may_read_by_default() -> None:
    async with Application().client(origin="https://app.test") as client:
        asked = await client.options("/graphql", headers={"access-control-request-method": "POST"})
        answered = await client.post("/graphql", json=QUERY)
    for response in (asked, answered):
        assert [name for name in response.headers if name.startswith("access-control")] == []
    assert (asked.status_code, answered.headers["vary"]) == (405, "Accept")


async def preflight(client: httpx.AsyncClient, origin: str) -> httpx.Response:
    return await client.options(
        "/graphql",
        headers={
            "origin": origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type,authorization,apollo-require-preflight",
        },
    )


async def test_a_configured_origin_may_call_and_read_and_no_other() -> None:
    application = allow_origins(Application().endpoint, ["https://app.test"])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://gql.test") as client:
        allowed, foreign = await preflight(client, "https://app.test"), await preflight(client, "https://evil.test")
        answered = await client.post("/graphql", json=QUERY, headers={"origin": "https://app.test"})
        unread = await client.post("/graphql", json=QUERY, headers={"origin": "https://evil.test"})
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "https://app.test")
    assert allowed.headers["access-control-allow-methods"] == "GET, HEAD, POST"
    assert (foreign.status_code, "access-control-allow-origin" in foreign.headers) == (400, False)
    assert answered.json() == ANSWER
    assert answered.headers["access-control-allow-origin"] == "https://app.test"
    exposed = "ETag, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"
    assert answered.headers["access-control-expose-headers"] == exposed
    assert answered.headers["vary"] == "Accept, Origin"
    assert "access-control-allow-credentials" not in answered.headers
    assert "access-control-allow-origin" not in unread.headers


async def test_every_origin_may_be_allowed_but_not_its_cookies() -> None:
    application = allow_origins(Application().endpoint, ["*"])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://gql.test") as client:
        response = await client.post("/graphql", json=QUERY, headers={"origin": "https://any.test", "cookie": "a=b"})
    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers


def test_without_origins_nothing_stands_before_the_application() -> None:
    endpoint = Application().endpoint
    assert allow_origins(endpoint, []) is endpoint


# Caching


async def test_a_query_by_get_carries_a_strong_validator_for_the_client_alone() -> None:
    response = await get({"graphql-require-preflight": "1"})
    assert response.headers["cache-control"] == "private, no-cache"
    assert response.headers["etag"].startswith('"')
    assert len(response.headers["etag"]) == 34


async def test_the_same_answer_has_the_same_validator_and_another_answer_another() -> None:
    async with Application().client(**{"graphql-require-preflight": "1"}) as client:
        first = await client.get("/graphql", params=QUERY)
        again = await client.get("/graphql", params={"query": "query Again { greeting }"})
        other = await client.get("/graphql", params={"query": '{ greeting(name: "Ada") }'})
        typed = await client.get("/graphql", params=QUERY, headers={"accept": "application/graphql-response+json"})
    assert first.headers["etag"] == again.headers["etag"]
    assert len({response.headers["etag"] for response in (first, other, typed)}) == 3


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', '"other",W/{},"more"', "*"])
async def test_a_client_that_holds_the_answer_is_told_so_without_being_sent_it(form: str) -> None:
    async with Application().client(**{"graphql-require-preflight": "1"}) as client:
        first = await client.get("/graphql", params=QUERY)
        etag = first.headers["etag"]
        again = await client.get("/graphql", params=QUERY, headers={"if-none-match": form.format(etag)})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert again.headers["cache-control"] == "private, no-cache"
    assert again.headers["vary"] == "Accept"
    assert "content-type" not in again.headers
    assert "content-length" not in again.headers


@pytest.mark.parametrize("if_none_match", ['"other"', "", '""', "W/", "x" * 5000])
async def test_a_client_that_holds_another_answer_is_sent_the_new_one(if_none_match: str) -> None:
    response = await get({"graphql-require-preflight": "1", "if-none-match": if_none_match})
    assert (response.status_code, response.json()) == (200, ANSWER)


@pytest.mark.parametrize("query", ["{ breaks }", "{ nothing }", "mutation { count }"])
async def test_an_answer_with_errors_is_not_to_be_stored(query: str) -> None:
    async with Application().client(**{"graphql-require-preflight": "1", "if-none-match": "*"}) as client:
        response = await client.get("/graphql", params={"query": query})
    assert response.status_code != 304
    assert "etag" not in response.headers
    assert response.headers["cache-control"] == "no-store"


# GraphiQL


async def test_a_browser_that_opens_the_endpoint_gets_graphiql_without_showing_a_preflight() -> None:
    for url in ("/graphql", "/graphql?query=%7B%20greeting%20%7D"):
        async with Application(graphiql_page=page).client(accept=BROWSER_ACCEPT) as client:
            response = await client.get(url)
        assert (response.status_code, response.text) == (200, "<title>GraphiQL</title>")


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/html;q=0.9", "application/*"])
async def test_who_asks_for_data_does_not_get_graphiql(accept: str) -> None:
    response = await get({"accept": accept, "graphql-require-preflight": "1"}, Application(graphiql_page=page))
    assert response.json() == ANSWER


async def test_a_post_that_accepts_html_does_not_get_graphiql() -> None:
    async with Application(graphiql_page=page).client(accept=BROWSER_ACCEPT) as client:
        response = await client.post("/graphql", json=QUERY)
    assert response.json() == ANSWER


async def test_who_accepts_neither_data_nor_the_page_is_refused() -> None:
    assert (await get({"accept": "text/htmlx"}, Application(graphiql_page=page))).status_code == 406


async def test_without_graphiql_a_browser_is_told_what_is_missing() -> None:
    async with Application().client(accept=BROWSER_ACCEPT, **{"graphql-require-preflight": "1"}) as client:
        response = await client.get("/graphql")
    assert (response.status_code, response.headers["content-type"]) == (400, "application/json; charset=utf-8")
