import json
from typing import Any

from gql_api.http.websocket import Forbidden, WebSocketEndpoint
from tests.http.graphql_application import Application

SCOPE = {"type": "websocket", "headers": [], "subprotocols": ["graphql-transport-ws"], "extensions": {}}


async def answers(endpoint: WebSocketEndpoint, *messages: dict[str, Any]) -> list[Any]:
    """What the endpoint sends to a client that says this and leaves."""
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


async def test_who_may_not_connect_is_closed_with_4403_and_the_reason() -> None:
    async def refuse(_scope: Any, payload: dict[str, Any] | None) -> Any:
        raise Forbidden(f"The token {payload} has expired.")

    endpoint = WebSocketEndpoint(Application().service, authenticate=refuse)
    assert await answers(endpoint, {"type": "connection_init", "payload": {"token": 1}}) == [
        {"type": "websocket.close", "code": 4403, "reason": "The token {'token': 1} has expired."}
    ]


async def test_a_reason_is_cut_to_what_a_close_frame_holds() -> None:
    async def refuse(_scope: Any, _payload: Any) -> Any:
        raise Forbidden("é" * 100)

    endpoint = WebSocketEndpoint(Application().service, authenticate=refuse)
    [closed] = await answers(endpoint, {"type": "connection_init"})
    assert closed == {"type": "websocket.close", "code": 4403, "reason": "é" * 61}


async def test_a_fault_in_finding_out_who_connects_is_masked() -> None:
    async def fail(_scope: Any, _payload: Any) -> Any:
        raise RuntimeError("secret")

    endpoint = WebSocketEndpoint(Application().service, authenticate=fail)
    assert await answers(endpoint, {"type": "connection_init"}) == [
        {"type": "websocket.close", "code": 4500, "reason": "Internal server error"}
    ]
