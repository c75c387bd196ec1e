"""A resource in the sense of REST: what can be done with it, and one way of telling what went wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gql_api.admission import RateLimit
from gql_api.http.authentication import Authenticate
from gql_api.http.departure import cancelled_on_departure
from gql_api.http.headers import joined_headers
from gql_api.http.problem import problem
from gql_api.http.rate_limiting import quota_fields, rate_key
from gql_api.http.refusal import ClientDisconnected, HttpRefusal
from gql_api.http.request_id import request_id
from gql_api.schema.operation import Caller

Handler: TypeAlias = Callable[[Request, Caller], Awaitable[Response]]


class Resource:
    """ASGI application: answers each method by its handler, and whatever a handler raises as a problem.

    A HEAD is answered like a GET; the server leaves the body out.

    Args:
        authenticate: finds out who asks, before anything else.
        rate_limit: what a caller may spend in a minute: 1 for each request, and what a handler charges. None: any.
        handlers: by method.
    """

    def __init__(self, authenticate: Authenticate, rate_limit: RateLimit | None, /, **handlers: Handler) -> None:
        self._authenticate = authenticate
        self._rate_limit = rate_limit
        self._handlers = handlers | ({"HEAD": handlers["GET"]} if "GET" in handlers else {})
        self._allowed = ", ".join(sorted(self._handlers))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a client that leaves before it is answered cancels it."""
        with cancelled_on_departure(scope):
            await self._respond(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        headers = joined_headers(scope)
        identity = request_id(headers.get(b"x-request-id"))
        key = None
        try:
            principal = await self._authenticate(headers.get(b"authorization"))
            key = rate_key(principal, scope.get("client"))
            if self._rate_limit is not None and key is not None:
                self._rate_limit.charge(key)
            handler = self._handlers.get(request.method, self._refuse_method)
            response = await handler(request, Caller(identity, principal, key))
        except ClientDisconnected:
            return
        except Exception as error:  # noqa: BLE001 - the edge of the program: nothing unexpected passes unmasked
            response = problem(error, request_id=identity)
        if self._rate_limit is not None and key is not None:
            response.raw_headers.extend(quota_fields(self._rate_limit, key))
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Request-ID"] = identity
        await response(scope, receive, send)

    async def _refuse_method(self, _request: Request, _caller: Caller) -> Response:
        message = f"The method is not allowed here; allowed are {self._allowed}."
        raise HttpRefusal(405, message, headers=((b"allow", self._allowed.encode()),))


async def masked(request: Request, error: Exception) -> Response:
    """The answer of last resort, on routes that are no `Resource`: what was not foreseen is not shown."""
    id_ = request_id(request.headers.get("x-request-id", "").encode("latin-1"))
    response = problem(error, request_id=id_)
    response.headers["X-Request-ID"] = id_
    return response
