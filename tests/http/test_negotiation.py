import pytest

from gql_api.http.negotiation import MediaType, negotiate, wants_page
from gql_api.http.refusal import HttpRefusal

JSON, GRAPHQL_RESPONSE = MediaType.JSON, MediaType.GRAPHQL_RESPONSE
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("application/json; charset=utf-8", JSON),
        ("application/graphql-response+json", GRAPHQL_RESPONSE),
        ("APPLICATION/GraphQL-Response+JSON ; Charset=UTF-8", GRAPHQL_RESPONSE),
        ("application/graphql-response+json,application/json;q=0.9", GRAPHQL_RESPONSE),
        ("application/graphql-response+json;q=0.8, application/json", JSON),
        ("application/json, application/graphql-response+json", GRAPHQL_RESPONSE),
        ("application/graphql-response+json, */*", GRAPHQL_RESPONSE),
        ("application/json;q=0, */*", GRAPHQL_RESPONSE),
        ("application/graphql-response+json;q=0.5, */*;q=0.6", JSON),
        (BROWSER, JSON),
        ("text/*, */*;q=0.1", JSON),
        ("text/html;q=0.5, application/json", JSON),
        ("application/graphql-response+json, application/json, text/event-stream, multipart/mixed", GRAPHQL_RESPONSE),
        (", , application/json", JSON),
    ],
)
def test_the_media_type_that_suits_best_answers(accept: str | None, answer: MediaType) -> None:
    assert negotiate(None if accept is None else accept.encode()) is answer


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "application/xml",
        "application/json;q=0",
        "application/json;q=nan",
        "application/json;q=2",
        "application/json;q=high",
        "*/*;q=0",
        ";;;,,,=",
        "x" * 100_000,
    ],
)
def test_a_header_that_excludes_all_data_is_refused_with_406(accept: str) -> None:
    with pytest.raises(HttpRefusal) as refused:
        negotiate(accept.encode())
    assert refused.value.status == 406
    assert refused.value.message == (
        "None of the media types in the Accept header is served here; "
        "served are application/graphql-response+json, application/json."
    )


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("text/html, application/json;q=0.9", True),
        ("text/html, application/json", False),
        ("text/html;q=0.9, application/json", False),
        ("text/html;q=0", False),
        ("text/htmlx", False),
        ("*/*", False),
        (None, False),
    ],
)
def test_a_page_is_for_those_who_prefer_one(accept: str | None, *, wanted: bool) -> None:
    assert wants_page(None if accept is None else accept.encode()) is wanted
