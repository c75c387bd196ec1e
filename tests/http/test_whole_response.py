"""What is written in one piece is what uvicorn would have written, and what is unusual is left to it."""

import asyncio
import re
from collections.abc import Iterator

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.http.live_server import LiveServer, live_server

LENGTH = (b"content-length", b"5")
TEXT = (b"content-type", b"text/plain")

RESPONSES: dict[str, list[Message]] = {
    "whole": [
        {"type": "http.response.start", "status": 200, "headers": [TEXT, LENGTH]},
        {"type": "http.response.body", "body": b"hello"},
    ],
    "empty": [
        {"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]},
        {"type": "http.response.body"},
    ],
    "in-parts": [
        {"type": "http.response.start", "status": 200, "headers": [TEXT, LENGTH]},
        {"type": "http.response.body", "body": b"he", "more_body": True},
        {"type": "http.response.body", "body": b"llo"},
    ],
    "without-length": [
        {"type": "http.response.start", "status": 200, "headers": [TEXT]},
        {"type": "http.response.body", "body": b"hello"},
    ],
    "without-fields": [
        {"type": "http.response.start", "status": 200},
        {"type": "http.response.body", "body": b"hello"},
    ],
    "closing": [
        {"type": "http.response.start", "status": 200, "headers": [TEXT, LENGTH, (b"connection", b"close")]},
        {"type": "http.response.body", "body": b"hello"},
    ],
    "not-modified": [{"type": "http.response.start", "status": 304, "headers": [TEXT]}, {"type": "http.response.body"}],
    "capitals": [
        {"type": "http.response.start", "status": 200, "headers": [(b"Content-Type", b"text/plain"), LENGTH]},
        {"type": "http.response.body", "body": b"hello"},
    ],
    "too-long": [
        {"type": "http.response.start", "status": 200, "headers": [TEXT, LENGTH]},
        {"type": "http.response.body", "body": b"hello, world"},
    ],
    "smuggled": [
        {"type": "http.response.start", "status": 200, "headers": [LENGTH, (b"x-name", b"a\r\nx-other: b")]},
        {"type": "http.response.body", "body": b"hello"},
    ],
    "head-alone": [{"type": "http.response.start", "status": 200, "headers": [TEXT, LENGTH]}],
}
FAULTY = {"too-long", "smuggled", "head-alone"}


async def respond(scope: Scope, _receive: Receive, send: Send) -> None:
    for message in RESPONSES[scope["path"].lstrip("/")]:
        await send(message)


def application() -> ASGIApp:
    return respond


def serving_by(protocol: str) -> Iterator[LiveServer]:
    with live_server("tests.http.test_whole_response:application", http=protocol) as server:
        yield server


@pytest.fixture(scope="module")
def ours() -> Iterator[LiveServer]:
    yield from serving_by("gql_api.http.protocol:BoundedHttpProtocol")


@pytest.fixture(scope="module")
def uvicorns() -> Iterator[LiveServer]:
    yield from serving_by("httptools")


async def answer(server: LiveServer, *requests: bytes) -> bytes:
    """All that the server sends for these requests, the last of which is answered by closing the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"".join(requests))
    async with asyncio.timeout(10):
        received = await reader.read()
    writer.close()
    return re.sub(rb"date: [^\r]*", b"date: now", received)


def request(name: str, *, method: str = "GET", fields: str = "") -> bytes:
    return f"{method} /{name} HTTP/1.1\r\nHost: gql.test\r\n{fields}\r\n".encode()


LAST = request("closing")


@pytest.mark.parametrize("name", sorted(RESPONSES.keys() - FAULTY))
async def test_a_response_is_what_uvicorn_makes_of_it(ours: LiveServer, uvicorns: LiveServer, name: str) -> None:
    received = await answer(ours, request(name), LAST)
    assert received == await answer(uvicorns, request(name), LAST)
    assert received.count(b"HTTP/1.1 ") == (1 if name == "closing" else 2)


@pytest.mark.parametrize(
    "first",
    [
        request("whole", method="HEAD"),
        request("whole", method="POST", fields="Content-Length: 0\r\nExpect: 100-continue\r\n"),
        request("whole") + request("in-parts") + request("whole"),
        request("whole", fields="Connection: close\r\n"),
    ],
    ids=["HEAD", "100-continue", "pipelined", "close"],
)
async def test_a_request_is_answered_as_uvicorn_answers_it(
    ours: LiveServer, uvicorns: LiveServer, first: bytes
) -> None:
    received = await answer(ours, first, LAST)
    assert received == await answer(uvicorns, first, LAST)
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("name", sorted(FAULTY))
async def test_a_faulty_response_is_not_sent(ours: LiveServer, name: str) -> None:
    received = await answer(ours, request(name))
    assert b"x-other" not in received.lower()
    assert b"hello" not in received
    assert received == b"" or received.startswith(b"HTTP/1.1 500 ") or name == "too-long"
