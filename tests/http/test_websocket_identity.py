import json
from typing import Any

import pytest

from gql_api.http.authentication import Authenticate
from gql_api.http.refusal import HttpRefusal
from gql_api.http.websocket import WebSocketEndpoint
from gql_api.identity import UNIDENTIFIED, Principal
from gql_api.schema.execute import GraphQLService
from tests.http.graphql_application import Application

HEADERS = [(b"authorization", b"Bearer of-the-handshake")]
SCOPE = {"type": "websocket", "headers": HEADERS, "subprotocols": ["graphql-transport-ws"], "extensions": {}}


async def answers(service: GraphQLService, authenticate: Authenticate, *messages: dict[str, Any]) -> list[Any]:
    """What the endpoint sends to a client that says this and leaves."""
    endpoint = WebSocketEndpoint(service, authenticate=authenticate)
    incoming = [
        {"type": "websocket.connect"},
        *({"type": "websocket.receive", "text": json.dumps(message)} for message in messages),
        {"type": "websocket.disconnect", "code": 1000},
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return incoming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await endpoint(dict(SCOPE), receive, send)
    assert endpoint.connections == 0
    return sent[1:]  # the handshake was accepted


async def closed_after(authenticate: Authenticate, **init: Any) -> Any:
    """How the connection is closed that begins with this `connection_init`."""
    [closed] = await answers(Application().service, authenticate, {"type": "connection_init", **init})
    return closed


def refusing(status: int, reason: str) -> Authenticate:
    async def refuse(_authorization: bytes | None) -> Principal:
        raise HttpRefusal(status, reason)

    return refuse


@pytest.mark.parametrize(("status", "code"), [(401, 4403), (403, 4403), (503, 1013)])
async def test_who_may_not_connect_is_told_why_by_a_code_after_which_clients_try_again(status: int, code: int) -> None:
    assert await closed_after(refusing(status, "The token has expired.")) == {
        "type": "websocket.close",
        "code": code,
        "reason": "The token has expired.",
    }


async def test_a_reason_is_cut_to_what_a_close_frame_holds() -> None:
    assert (await closed_after(refusing(401, "é" * 100)))["reason"] == "é" * 61


async def test_a_fault_in_finding_out_who_connects_is_masked() -> None:
    async def fail(_authorization: bytes | None) -> Principal:
        raise RuntimeError("secret")

    assert await closed_after(fail) == {"type": "websocket.close", "code": 4500, "reason": "Internal server error"}


@pytest.mark.parametrize(
    ("payload", "authorization"),
    [
        (None, b"Bearer of-the-handshake"),
        ({"tenant": 1, "token": 1}, b"Bearer of-the-handshake"),
        ({"Authorization": "Bearer a"}, b"Bearer a"),
        ({"authorization": "Bearer b"}, b"Bearer b"),
        ({"token": "c"}, b"Bearer c"),
    ],
)
async def test_the_token_is_in_the_payload_or_else_in_the_handshake(payload: Any, authorization: bytes) -> None:
    asked: list[bytes | None] = []

    async def note(value: bytes | None) -> Principal:
        asked.append(value)
        return UNIDENTIFIED

    acknowledged = await closed_after(note, payload=payload)
    assert (acknowledged["text"], asked) == ('{"type":"connection_ack"}', [authorization])
