"""The GraphQL endpoint over HTTP, after https://graphql.github.io/graphql-over-http/draft/."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from gql_api.admission import RateLimit
from gql_api.errors import Overloaded, RateLimited, Unauthenticated
from gql_api.http.authentication import CHALLENGE, Authenticate
from gql_api.http.body import BodyReader
from gql_api.http.csrf import check_preflighted
from gql_api.http.departure import cancelled_on_departure
from gql_api.http.etag import CACHE_CONTROL, is_held, strong_etag
from gql_api.http.headers import joined_headers
from gql_api.http.negotiation import MediaType, negotiate, wants_page
from gql_api.http.overload import OVERLOADED_BODY, RETRY_AFTER
from gql_api.http.rate_limiting import quota_fields, rate_key
from gql_api.http.refusal import ClientDisconnected, HttpRefusal
from gql_api.http.request import (
    check_content_type,
    request_from_body,
    request_from_query_string,
    with_headers,
)
from gql_api.http.request_id import request_id
from gql_api.http.request_timeout import requested_seconds
from gql_api.http.sse import EventStreams, is_of_same_origin, wants_event_stream
from gql_api.schema.error_format import format_failure, format_rate_limited, refusal
from gql_api.schema.execute import GraphQLService
from gql_api.schema.operation import Caller, OperationRequest, OperationResult, OperationType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

STATUS_BY_CODE: Final = {
    "GRAPHQL_PARSE_FAILED": 400,
    "GRAPHQL_VALIDATION_FAILED": 400,
    "BAD_USER_INPUT": 400,
    "BAD_REQUEST": 400,
    "PERSISTED_QUERY_NOT_FOUND": 400,
    "PERSISTED_QUERY_NOT_SUPPORTED": 400,
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "TOO_EXPENSIVE": 400,
    "RATE_LIMITED": 429,
    "OVERLOADED": 503,
    "DEADLINE_EXCEEDED": 504,
    "INTERNAL_SERVER_ERROR": 500,
}
"""The status of a response without data, by the `extensions.code` of its first error."""

# Clients that accept `application/json` alone are older than GraphQL over HTTP: to them another status than 200 is a
# failure of the transport. These codes are about the document or its variables, so they are told in the body alone.
_CODES_TOLD_WITH_200: Final = frozenset({
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "BAD_USER_INPUT",
    "PERSISTED_QUERY_NOT_FOUND",
    "PERSISTED_QUERY_NOT_SUPPORTED",
    "TOO_EXPENSIVE",
})  # fmt: skip

_PASSING_STATUSES: Final = frozenset({503, 504})

_NOT_MODIFIED: Final = 304
_READING_METHODS: Final = frozenset({"GET", "HEAD"})
_CONTENT_TYPES: Final = {media_type: media_type.value + b"; charset=utf-8" for media_type in MediaType}


class _Answer(NamedTuple):
    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    cache_control: bytes = b"no-store"


_OVERLOADED: Final = _Answer(503, OVERLOADED_BODY, (RETRY_AFTER,))


class GraphQLEndpoint:
    """ASGI application: one GraphQL operation per request, by POST, or by GET if it is a query.

    Args:
        service: what executes the operations.
        authenticate: finds out who asks, before anything of the request is read.
        rate_limit: what the service charges; answers tell what is left of it. None if it charges nothing.
        graphiql_page: makes the page for browsers that open the endpoint's address; None if there is no such page.
        csrf_prevention: whether a GET has to show that no foreign page can have caused it.
        body_bytes_max: how large a request's body may be.
        body_timeout_seconds: how long a body may take to arrive.
        query_string_bytes_max: how long the query component of a URL may be.
    """

    def __init__(
        self,
        service: GraphQLService,
        *,
        authenticate: Authenticate,
        rate_limit: RateLimit | None = None,
        graphiql_page: Callable[[], ASGIApp] | None = None,
        csrf_prevention: bool = True,
        body_bytes_max: int = 1_048_576,
        body_timeout_seconds: float = 30.0,
        query_string_bytes_max: int = 16_384,
    ) -> None:
        self._service = service
        self._authenticate = authenticate
        self._rate_limit = rate_limit
        self._event_streams = EventStreams(service)
        self._graphiql_page = graphiql_page
        self._csrf_prevention = csrf_prevention
        self._bodies = BodyReader(bytes_max=body_bytes_max, timeout_seconds=body_timeout_seconds)
        self._query_string_bytes_max = query_string_bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a client that leaves before it is answered cancels it."""
        with cancelled_on_departure(scope):
            await self._respond(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = joined_headers(scope)
        if self._graphiql_page and scope["method"] in _READING_METHODS and wants_page(headers.get(b"accept")):
            await self._graphiql_page()(scope, receive, send)
            return
        accept = headers.get(b"accept")
        identity = request_id(headers.get(b"x-request-id"))
        media_type = MediaType.GRAPHQL_RESPONSE
        key = None
        try:
            streams = wants_event_stream(accept)
            if not streams:
                media_type = negotiate(accept)
            principal = await self._authenticate(headers.get(b"authorization"))
            key = rate_key(principal, scope.get("client"))
            caller = Caller(identity, principal, key)
            if streams:
                await self._stream(scope, receive, send, headers, caller)
                return
            if scope["method"] == "POST":
                seconds = requested_seconds(headers)
                request = await self._request_from_body(scope, receive, headers, caller)
                result = await self._service.execute(request, caller=caller, seconds=seconds)
                answer = _answer(result, media_type, orjson.dumps(result.response(), option=orjson.OPT_UTC_Z))
            else:
                answer = await self._get(scope, headers, caller, media_type)
        except ClientDisconnected:
            return
        except Overloaded:
            answer = _OVERLOADED
        except RateLimited as limited:
            body = orjson.dumps({"errors": [format_rate_limited(limited)]})
            answer = _Answer(STATUS_BY_CODE[limited.code], body, (_retry_after(limited.seconds),))
        except HttpRefusal as refused:
            body = orjson.dumps({"errors": [refusal(refused.message, code=refused.code)]})
            answer = _Answer(refused.status, body, refused.headers)
        except Exception as error:  # noqa: BLE001 - the edge of the program: nothing unexpected passes unmasked
            body = orjson.dumps({"errors": [format_failure(error, request_id=identity)]})
            answer = _Answer(500, body)
        quota = () if self._rate_limit is None or key is None else quota_fields(self._rate_limit, key)
        await _send(send, answer, media_type, identity, quota)

    async def _stream(
        self, scope: Scope, receive: Receive, send: Send, headers: Mapping[bytes, bytes], caller: Caller
    ) -> None:
        """Answer with an event stream; what is wrong with the request itself is answered as always."""
        if scope["method"] == "POST":
            request = await self._request_from_body(scope, receive, headers, caller)
        else:
            request = self._request_from_query_string(scope, headers, caller, is_safe=is_of_same_origin(headers))
        read_only = scope["method"] != "POST"
        await self._event_streams.answer(
            request, scope, receive, send, caller=caller, read_only=read_only, seconds=requested_seconds(headers)
        )

    async def _get(
        self, scope: Scope, headers: Mapping[bytes, bytes], caller: Caller, media_type: MediaType
    ) -> _Answer:
        request = self._request_from_query_string(scope, headers, caller)
        seconds = requested_seconds(headers)
        result = await self._service.execute(request, caller=caller, read_only=True, seconds=seconds)
        body = orjson.dumps(result.response(), option=orjson.OPT_UTC_Z)
        if not result.executed and result.operation_type is OperationType.MUTATION:
            return _Answer(405, body, ((b"allow", b"POST"),))
        if result.errors:
            return _answer(result, media_type, body)
        etag = strong_etag(body, media_type)
        if is_held(etag, headers.get(b"if-none-match")):
            return _Answer(_NOT_MODIFIED, b"", ((b"etag", etag),), CACHE_CONTROL)
        return _Answer(200, body, ((b"etag", etag),), CACHE_CONTROL)

    async def _request_from_body(
        self, scope: Scope, receive: Receive, headers: Mapping[bytes, bytes], caller: Caller
    ) -> OperationRequest:
        check_content_type(headers.get(b"content-type"), headers.get(b"content-encoding"))
        body = await self._bodies.read(scope, receive, content_length=headers.get(b"content-length"))
        self._service.require_room()
        self._service.charge(caller)
        return with_headers(request_from_body(body), headers)

    def _request_from_query_string(
        self, scope: Scope, headers: Mapping[bytes, bytes], caller: Caller, *, is_safe: bool = False
    ) -> OperationRequest:
        if scope["method"] not in _READING_METHODS:
            raise HttpRefusal(405, "The method is not allowed.", headers=((b"allow", b"GET, HEAD, POST"),))
        if self._csrf_prevention and not is_safe:
            check_preflighted(headers)
        self._service.require_room()
        self._service.charge(caller)
        request = request_from_query_string(scope["query_string"], bytes_max=self._query_string_bytes_max)
        return with_headers(request, headers)


def _answer(result: OperationResult, media_type: MediaType, body: bytes) -> _Answer:
    """The answer to what was executed, or could not be for now, or not without a token: it says how to go on then."""
    if result.executed:
        return _Answer(200, body)
    status = _status(result, media_type)
    if status == STATUS_BY_CODE[RateLimited.code]:
        return _Answer(status, body, (_retry_after(result.errors[0]["extensions"]["retryAfterSeconds"]),))
    if status == STATUS_BY_CODE[Unauthenticated.code]:
        return _Answer(status, body, ((b"www-authenticate", CHALLENGE),))
    return _Answer(status, body, (RETRY_AFTER,) if status in _PASSING_STATUSES else ())


def _retry_after(seconds: int) -> tuple[bytes, bytes]:
    return b"retry-after", b"%d" % seconds


def _status(result: OperationResult, media_type: MediaType) -> int:
    code = result.errors[0]["extensions"]["code"]
    if media_type is MediaType.JSON and code in _CODES_TOLD_WITH_200:
        return 200
    return STATUS_BY_CODE.get(code, 400)


async def _send(
    send: Send, answer: _Answer, media_type: MediaType, identity: str, quota: tuple[tuple[bytes, bytes], ...]
) -> None:
    headers = [
        (b"vary", b"Accept"),
        (b"cache-control", answer.cache_control),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", identity.encode()),
        *answer.headers,
        *quota,
    ]
    if answer.status != _NOT_MODIFIED:
        headers += [(b"content-type", _CONTENT_TYPES[media_type]), (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
