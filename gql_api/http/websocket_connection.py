"""One connection of `graphql-transport-ws`: messages in, operations run, results out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import orjson

from gql_api.errors import RateLimited
from gql_api.http import strict_json
from gql_api.http.authentication import Authenticate, authorization_in, seconds_left
from gql_api.http.close_code import CloseCode, ConnectionRefused
from gql_api.http.rate_limiting import rate_key
from gql_api.http.refusal import HttpRefusal
from gql_api.http.request import operation_request
from gql_api.http.request_id import request_id
from gql_api.http.result_writer import ResultWriter
from gql_api.identity import ANONYMOUS
from gql_api.schema.error_format import format_failure, format_rate_limited, refusal
from gql_api.schema.execute import GraphQLService
from gql_api.schema.operation import Caller, OperationRequest, OperationResult

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Send

OPERATION_ID_CHARACTERS_MAX: Final = 256

# Clients connect again after both of these, and ask for a new token after the first: with 4401 they would give up.
_CLOSE_CODES: Final = {401: CloseCode.FORBIDDEN, 403: CloseCode.FORBIDDEN, 503: CloseCode.TRY_AGAIN_LATER}


class WebSocketConnection:
    """The state of one connection, from the handshake to the close.

    Messages are read one at a time, and whatever a message starts runs beside the reading. Who reads slowly makes the
    operations wait that send to him: nothing is queued here.
    """

    def __init__(
        self,
        service: GraphQLService,
        receive: Receive,
        send: Send,
        *,
        authenticate: Authenticate,
        authorization: bytes | None,
        client: Sequence[Any] | None,
        results: ResultWriter,
        x_request_id: bytes | None,
        init_timeout_seconds: float,
        message_bytes_max: int,
        operations_max: int,
    ) -> None:
        self._service = service
        self._receive = receive
        self._send = send
        self._authenticate = authenticate
        self._authorization = authorization
        self._client = client
        self._results = results
        self._init_timeout_seconds = init_timeout_seconds
        self._message_bytes_max = message_bytes_max
        self._operations_max = operations_max
        self._caller = Caller(request_id(x_request_id), ANONYMOUS)
        self._initialised = False
        self._acknowledged = False
        self._operations: dict[str, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        """Do as the messages say until the connection ends; whatever is still under way is given up then."""
        try:
            await self._initialise()
            await self._serve_while_identified()
        except ConnectionRefused as refused:
            await self._close(refused.code, refused.reason)
        except OSError:  # the server below says so of a client that has gone
            pass
        except Exception as error:  # noqa: BLE001 - the edge of the program: nothing unexpected passes unmasked
            format_failure(error, request_id=self._caller.request_id)  # logs it
            await self._close(CloseCode.INTERNAL_SERVER_ERROR, "Internal server error")
        finally:
            await self._give_up(list(self._operations.values()))

    async def _initialise(self) -> None:
        """Read until `connection_init` is acknowledged."""
        try:
            async with asyncio.timeout(self._init_timeout_seconds):
                while not self._acknowledged:
                    message = await self._next_message()
                    if message is None:
                        return
                    await self._handle(message)
        except TimeoutError:
            raise ConnectionRefused(
                CloseCode.CONNECTION_INITIALISATION_TIMEOUT, "Connection initialisation timeout"
            ) from None

    async def _serve_while_identified(self) -> None:
        """Read until the connection ends, or the token does."""
        try:
            async with asyncio.timeout(seconds_left(self._caller.principal)):
                while (message := await self._next_message()) is not None:
                    await self._handle(message)
        except TimeoutError:
            raise ConnectionRefused(CloseCode.FORBIDDEN, "The token has expired") from None

    async def _next_message(self) -> dict[str, Any] | None:
        """The next message, an object with a `type`; None when the connection has ended."""
        event: Message = await self._receive()
        if event["type"] == "websocket.disconnect":
            return None
        text = event.get("text")
        if text is None:
            raise _bad_request("Messages must be text, not binary")
        if len(text) > self._message_bytes_max:
            raise ConnectionRefused(
                CloseCode.MESSAGE_TOO_BIG, f"The message is larger than {self._message_bytes_max} bytes"
            )
        try:
            message = strict_json.loads(text)
        except ValueError as error:
            raise _bad_request(f"The message is not acceptable JSON: {error}") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise _bad_request("The message must be an object with a 'type'")
        return message

    async def _handle(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "connection_init":
                await self._init(_payload(message))
            case "ping":
                payload = _payload(message)
                await self._send_message({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})
            case "pong":
                _payload(message)
            case "subscribe":
                await self._subscribe(message)
            case "complete":
                await self._give_up([task] if (task := self._operations.get(_id(message))) else [])
            case unknown:
                raise _bad_request(f"There is no message of type {unknown[:40]!r}")

    async def _init(self, payload: dict[str, Any] | None) -> None:
        if self._initialised:
            raise ConnectionRefused(CloseCode.TOO_MANY_INITIALISATION_REQUESTS, "Too many initialisation requests")
        self._initialised = True
        try:
            principal = await self._authenticate(authorization_in(payload) or self._authorization)
        except HttpRefusal as refused:
            raise ConnectionRefused(_CLOSE_CODES.get(refused.status, CloseCode.FORBIDDEN), refused.message) from None
        self._caller = Caller(self._caller.request_id, principal, rate_key(principal, self._client))
        self._acknowledged = True
        await self._send_message({"type": "connection_ack"})

    async def _subscribe(self, message: dict[str, Any]) -> None:
        if not self._acknowledged:
            raise ConnectionRefused(CloseCode.UNAUTHORIZED, "Unauthorized")
        id_ = _id(message)
        payload = _payload(message)
        if payload is None:
            raise _bad_request("A 'subscribe' message must have a 'payload'")
        if id_ in self._operations:
            raise ConnectionRefused(CloseCode.SUBSCRIBER_ALREADY_EXISTS, f"Subscriber for {id_} already exists")
        try:
            request = operation_request(payload)
        except HttpRefusal as refused:
            raise _bad_request(refused.message) from None
        if len(self._operations) >= self._operations_max:
            await self._refuse(id_)
            return
        task = asyncio.create_task(self._operate(id_, request))
        self._operations[id_] = task
        task.add_done_callback(lambda done: self._forget(id_, done))

    def _forget(self, id_: str, task: asyncio.Task[None]) -> None:
        if self._operations.get(id_) is task:
            del self._operations[id_]

    async def _operate(self, id_: str, request: OperationRequest) -> None:
        """Run one operation and send what comes of it."""
        prefix = f'{{"id":{orjson.dumps(id_).decode()},"type":"next","payload":'
        try:
            self._service.charge(self._caller)
            async with self._service.stream(request, caller=self._caller) as outcome:
                if isinstance(outcome, OperationResult):
                    if not await self._send_result(id_, prefix, outcome):
                        return
                else:
                    async for result in outcome:
                        if not await self._send_result(id_, prefix, result):
                            return
        except OSError:  # the server below says so of a client that has gone
            return
        except RateLimited as limited:
            await self._end(id_, {"id": id_, "type": "error", "payload": [format_rate_limited(limited)]})
            return
        except Exception as error:  # noqa: BLE001 - as in serve()
            errors = [format_failure(error, request_id=self._caller.request_id)]
            await self._end(id_, {"id": id_, "type": "error", "payload": errors})
            return
        await self._end(id_, {"id": id_, "type": "complete"})

    async def _refuse(self, id_: str) -> None:
        message = f"There are {self._operations_max} operations under way on this connection; no more are accepted."
        await self._end(id_, {"id": id_, "type": "error", "payload": [refusal(message, code="RATE_LIMITED")]})

    async def _send_result(self, id_: str, prefix: str, result: OperationResult) -> bool:
        """Send a result; False if it was the end of the operation: an error that nothing can follow."""
        if not result.executed:
            await self._end(id_, {"id": id_, "type": "error", "payload": result.errors})
            return False
        await self._send({"type": "websocket.send", "text": prefix + self._results.text(result) + "}"})
        return True

    async def _end(self, id_: str, message: dict[str, Any]) -> None:
        # Forgotten first: once the client has the message, it may use the id again.
        self._operations.pop(id_, None)
        with suppress(OSError):
            await self._send_message(message)

    async def _send_message(self, message: dict[str, Any]) -> None:
        await self._send({"type": "websocket.send", "text": orjson.dumps(message, option=orjson.OPT_UTC_Z).decode()})

    async def _close(self, code: CloseCode, reason: str) -> None:
        with suppress(OSError):
            await self._send({"type": "websocket.close", "code": int(code), "reason": reason})

    async def _give_up(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _bad_request(reason: str) -> ConnectionRefused:
    return ConnectionRefused(CloseCode.BAD_REQUEST, reason)


def _payload(message: dict[str, Any]) -> dict[str, Any] | None:
    payload = message.get("payload")
    if not (payload is None or isinstance(payload, dict)):
        raise _bad_request(f"The 'payload' of a {message['type']!r} message must be an object")
    return payload


def _id(message: dict[str, Any]) -> str:
    id_ = message.get("id")
    if not isinstance(id_, str) or not id_ or len(id_) > OPERATION_ID_CHARACTERS_MAX:
        raise _bad_request(
            f"The 'id' of a {message['type']!r} message must be a string of 1 to {OPERATION_ID_CHARACTERS_MAX} "
            "characters"
        )
    return id_
