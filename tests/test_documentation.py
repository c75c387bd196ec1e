"""The examples in the documentation, run as they stand.

In `docs/api_spec.md` every block marked `http` is a message: a request, followed by the response to it. The requests
are sent in the order of the page, to a server over an empty database. In `README.md` the block marked `graphql` is
asked of the demo data, and the block marked `json` is the answer.
"""

import http.client
import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from tests.database_fixtures import Databases
from tests.server import serving

ROOT = Path(__file__).parents[1]
API_SPEC = ROOT / "docs" / "api_spec.md"
README = ROOT / "README.md"

_BLOCK = re.compile(r"^```http\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_TIMEOUT_SECONDS = 30


class Message(NamedTuple):
    """A request or a response: its first line, its headers, its body."""

    start: str
    headers: dict[str, str]
    body: str

    @classmethod
    def parse(cls, text: str) -> "Message":
        head, _, body = text.partition("\n\n")
        start, *fields = head.strip().splitlines()
        return cls(start, dict(field.split(": ", 1) for field in fields), body.strip())


def messages(page: Path) -> list[Message]:
    return [Message.parse(block) for block in _BLOCK.findall(page.read_text(encoding="utf-8"))]


def answer(connection: http.client.HTTPConnection, request: Message) -> Message:
    method, target, _ = request.start.split(" ")
    connection.request(method, target, body=request.body.encode() or None, headers=request.headers)
    response = connection.getresponse()
    return Message(
        f"HTTP/1.1 {response.status} {response.reason}", dict(response.getheaders()), response.read().decode()
    )


def with_any_time(value: Any) -> Any:
    """The value with the same word in place of every time."""
    if isinstance(value, dict):
        return {name: with_any_time(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_any_time(inner) for inner in value]
    return "a time" if isinstance(value, str) and _TIME.fullmatch(value) else value


def shown(message: Message, headers: dict[str, str]) -> tuple[str, dict[str, str | None], Any]:
    """What can be compared of a response: its status, the headers of these names, and its body as JSON."""
    found = {name.lower(): value for name, value in message.headers.items()}
    return (
        message.start.split(" ")[1],
        {name: found.get(name.lower()) for name in headers},
        with_any_time(json.loads(message.body)) if message.body else None,
    )


def test_requests_and_responses_alternate() -> None:
    requests, responses = messages(API_SPEC)[::2], messages(API_SPEC)[1::2]
    assert API_SPEC.read_text(encoding="utf-8").count("```http") == len(requests) + len(responses)
    assert len(requests) == len(responses) > 10
    assert all(request.start.endswith(" HTTP/1.1") for request in requests)
    assert all(response.start.startswith("HTTP/1.1 ") for response in responses)


def test_the_examples_of_the_api_do_what_the_page_says(databases: Databases) -> None:
    examples = messages(API_SPEC)
    with (
        databases.migrated() as url,
        serving(url) as server,
        closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=_TIMEOUT_SECONDS)) as connection,
    ):
        for request, response in zip(examples[::2], examples[1::2], strict=True):
            answered = answer(connection, request)
            assert shown(answered, response.headers) == shown(response, response.headers), request


def test_the_readmes_query_has_the_answer_that_it_shows(databases: Databases) -> None:
    text = README.read_text(encoding="utf-8")
    [query] = re.findall(r"^```graphql\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    [expected] = re.findall(r"^```json\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    with databases.empty() as url, serving(url, "--demo") as server:
        answered = httpx.post(f"{server.url}/graphql", json={"query": query}, timeout=_TIMEOUT_SECONDS)
    assert answered.json() == json.loads(expected)


def test_every_link_in_the_documentation_leads_to_a_file() -> None:
    pages = [README, *sorted((ROOT / "docs").glob("*.md"))]
    links = [
        (page, target)
        for page in pages
        for target in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    ]
    assert len(links) > 10
    assert [(page.name, target) for page, target in links if not (page.parent / target).exists()] == []
