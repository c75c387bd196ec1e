"""Results as Server-Sent Events: the mode "distinct connections" of the GraphQL over SSE protocol.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md: one request, one operation, its results as events
`next`, and `complete` at the end. What cannot be executed is told by a `next` as well, since clients that read event
streams do not see the body of another answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Final

from gql_api.http.authentication import seconds_left
from gql_api.http.result_writer import ResultWriter
from gql_api.http.scope_state import ON_SHUTDOWN
from gql_api.schema.execute import GraphQLService
from gql_api.schema.operation import Caller, OperationRequest, OperationResult

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

EVENT_STREAM: Final = b"text/event-stream"

_COMMENT: Final = b":\n\n"
_COMPLETE: Final = b"event: complete\ndata:\n\n"


def wants_event_stream(accept: bytes | None) -> bool:
    """Whether the client asks for an event stream, and for nothing else."""
    return accept is not None and accept.partition(b";")[0].strip().lower() == EVENT_STREAM


def is_of_same_origin(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a browser says that the page and this server are of one origin; an `EventSource` can say nothing else."""
    return headers.get(b"sec-fetch-site") == b"same-origin"


class EventStreams:
    """Answers requests with event streams.

    Args:
        service: what executes the operations.
        keep_alive_seconds: after how long a silence a comment is sent, lest somebody in between takes it for death.
    """

    def __init__(self, service: GraphQLService, *, keep_alive_seconds: float = 12.0) -> None:
        self._service = service
        self._keep_alive_seconds = keep_alive_seconds
        self._results = ResultWriter()

    async def answer(
        self,
        request: OperationRequest,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        caller: Caller,
        read_only: bool,
        seconds: float | None = None,
    ) -> None:
        """Send all results of the operation, until it ends, the client leaves, its token expires, or the server ends.

        `complete` comes in the first case alone: after the others, clients ask again, with a new token if need be.
        `read_only` and `seconds` are those of `GraphQLService.stream`.
        """
        headers = [
            (b"content-type", EVENT_STREAM + b"; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"vary", b"Accept"),
            (b"x-accel-buffering", b"no"),
            (b"x-content-type-options", b"nosniff"),
            (b"x-request-id", caller.request_id.encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": _COMMENT, "more_body": True})
        opened = self._service.stream(request, caller=caller, read_only=read_only, seconds=seconds)
        sending = asyncio.create_task(self._send_results(opened, send))
        leaving = asyncio.create_task(_disconnected(receive))
        _on_shutdown(scope, leaving.cancel)
        try:
            await asyncio.wait(
                [sending, leaving], timeout=seconds_left(caller.principal), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.wait([sending, leaving])
        if not sending.cancelled():
            sending.result()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_results(
        self, opened: AbstractAsyncContextManager[AsyncIterator[OperationResult] | OperationResult], send: Send
    ) -> None:
        async with opened as outcome:
            if isinstance(outcome, OperationResult):
                await self._send_result(outcome, send)
            else:
                await self._send_each(outcome, send)
        await send({"type": "http.response.body", "body": _COMPLETE, "more_body": True})

    async def _send_each(self, results: AsyncIterator[OperationResult], send: Send) -> None:
        following = asyncio.ensure_future(anext(results, None))
        try:
            while True:
                await asyncio.wait([following], timeout=self._keep_alive_seconds)
                if not following.done():
                    await send({"type": "http.response.body", "body": _COMMENT, "more_body": True})
                    continue
                result = following.result()
                if result is None:
                    return
                await self._send_result(result, send)
                following = asyncio.ensure_future(anext(results, None))
        finally:
            following.cancel()
            await asyncio.wait([following])

    async def _send_result(self, result: OperationResult, send: Send) -> None:
        body = b"event: next\ndata: " + self._results.text(result).encode() + b"\n\n"
        await send({"type": "http.response.body", "body": body, "more_body": True})


def _on_shutdown(scope: Scope, callback: Callable[[], Any]) -> None:
    state = scope.get("state")
    if state is not None:
        state[ON_SHUTDOWN] = callback


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
