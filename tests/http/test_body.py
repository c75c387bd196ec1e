"""Where the body of a request comes from, and that it does not stay there."""

from typing import Any

import pytest
from starlette.types import Message, Receive

from gql_api.http.body import BodyReader
from gql_api.http.refusal import ClientDisconnected, HttpRefusal
from gql_api.http.scope_state import BODY

BODIES = BodyReader(bytes_max=5, timeout_seconds=10)


def giving(*messages: Message) -> Receive:
    remaining = iter(messages)

    async def receive() -> Message:
        return next(remaining)

    return receive


async def test_a_body_that_has_arrived_is_taken_from_the_server() -> None:
    arrived = bytearray(b"hello")
    assert await BODIES.read({"state": {BODY: arrived}}, giving(), content_length=b"5") == b"hello"
    assert not arrived


async def test_a_body_that_arrives_in_parts_is_put_together() -> None:
    parts: list[Message] = [
        {"type": "http.request", "body": b"he", "more_body": True},
        {"type": "http.request", "body": b"llo"},
    ]
    scopes: list[dict[str, Any]] = [{}, {"state": None}, {"state": {}}]
    for scope in scopes:
        assert await BODIES.read(scope, giving(*parts), content_length=None) == b"hello"
    with pytest.raises(ClientDisconnected):
        await BODIES.read({}, giving(parts[0], {"type": "http.disconnect"}), content_length=None)


@pytest.mark.parametrize("content_length", [b"6", None], ids=["told", "not-told"])
async def test_a_body_that_is_too_large_is_refused_wherever_it_is(content_length: bytes | None) -> None:
    message: Message = {"type": "http.request", "body": b"hello!"}
    for scope in ({}, {"state": {BODY: bytearray(b"hello!")}}):
        with pytest.raises(HttpRefusal) as refused:
            await BODIES.read(scope, giving(message), content_length=content_length)
        assert refused.value.status == 413
