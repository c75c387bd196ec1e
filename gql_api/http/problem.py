"""What went wrong, as `application/problem+json` (RFC 9457): the one table of REST's statuses and codes."""

from __future__ import annotations

import logging
from typing import Any, Final, NamedTuple

import orjson
from starlette.responses import Response

from gql_api.errors import (
    BadUserInput,
    CourseFull,
    CourseNotFound,
    DatabaseUnusable,
    DeadlineExceeded,
    Forbidden,
    GqlApiError,
    InvalidInput,
    OutcomeUnknown,
    Overloaded,
    RateLimited,
    StudentNotFound,
    Unauthenticated,
)
from gql_api.http.authentication import CHALLENGE
from gql_api.http.overload import RETRY_AFTER
from gql_api.http.refusal import HttpRefusal

logger = logging.getLogger(__name__)


class ProblemType(NamedTuple):
    """A kind of problem: the status that it has, the code that programs go by, and its name for people."""

    status: int
    code: str
    title: str


PROBLEM_TYPES: Final[dict[type[GqlApiError], ProblemType]] = {
    StudentNotFound: ProblemType(404, "STUDENT_NOT_FOUND", "Student not found"),
    CourseNotFound: ProblemType(404, "COURSE_NOT_FOUND", "Course not found"),
    CourseFull: ProblemType(409, "COURSE_FULL", "Course full"),
    InvalidInput: ProblemType(422, "INVALID_INPUT", "Invalid input"),
    BadUserInput: ProblemType(422, "BAD_USER_INPUT", "Invalid parameter"),
    Unauthenticated: ProblemType(401, "UNAUTHENTICATED", "Unauthenticated"),
    Forbidden: ProblemType(403, "FORBIDDEN", "Forbidden"),
    DatabaseUnusable: ProblemType(503, "OVERLOADED", "Not possible at the moment"),
    RateLimited: ProblemType(429, "RATE_LIMITED", "Rate limit exceeded"),
    Overloaded: ProblemType(503, "OVERLOADED", "Too much to do"),
    DeadlineExceeded: ProblemType(504, "DEADLINE_EXCEEDED", "Deadline exceeded"),
}
"""What the services, the reading of lists and the table of rights may raise."""

HTTP_PROBLEM_TYPES: Final[dict[int, ProblemType]] = {
    kind.status: kind
    for kind in (
        ProblemType(400, "BAD_REQUEST", "Bad request"),
        ProblemType(401, "UNAUTHENTICATED", "Unauthenticated"),
        ProblemType(403, "FORBIDDEN", "Forbidden"),
        ProblemType(405, "METHOD_NOT_ALLOWED", "Method not allowed"),
        ProblemType(408, "REQUEST_TIMEOUT", "Request timeout"),
        ProblemType(413, "CONTENT_TOO_LARGE", "Content too large"),
        ProblemType(415, "UNSUPPORTED_MEDIA_TYPE", "Unsupported media type"),
        ProblemType(503, "OVERLOADED", "Not possible at the moment"),
    )
}
"""What a request may be refused for by its form, by status."""

INTERNAL_SERVER_ERROR: Final = ProblemType(500, "INTERNAL_SERVER_ERROR", "Internal server error")


def problem(error: Exception, *, request_id: str) -> Response:
    """The answer to a request that failed.

    What was not raised knowingly, and the state of the database, are told to the log alone, under the request's id.
    """
    kind = _kind(error)
    if kind is INTERNAL_SERVER_ERROR:
        logger.error("Unexpected error, request %s", request_id, exc_info=error)
        return _response(kind, "Something went wrong here, not in the request.", requestId=request_id)
    if isinstance(error, DatabaseUnusable):
        logger.error("%s Request %s", error.message, request_id)
        facts = {"outcome": "UNKNOWN"} if isinstance(error, OutcomeUnknown) else {}
        response = _response(kind, _detail(error), requestId=request_id, **facts)
        response.raw_headers.append(RETRY_AFTER)
        return response
    response = _response(kind, str(error), **_facts(error))
    if isinstance(error, Overloaded | DeadlineExceeded):
        response.raw_headers.append(RETRY_AFTER)
    if isinstance(error, RateLimited):
        response.headers["Retry-After"] = str(error.seconds)
    if isinstance(error, Unauthenticated):
        response.raw_headers.append((b"www-authenticate", CHALLENGE))
    if isinstance(error, HttpRefusal):
        response.raw_headers.extend(error.headers)
    return response


def _kind(error: Exception) -> ProblemType:
    if isinstance(error, HttpRefusal):
        return HTTP_PROBLEM_TYPES.get(error.status, INTERNAL_SERVER_ERROR)
    return next((kind for cause, kind in PROBLEM_TYPES.items() if isinstance(error, cause)), INTERNAL_SERVER_ERROR)


def _detail(error: DatabaseUnusable) -> str:
    if isinstance(error, OutcomeUnknown):
        return "The database broke off at the very end: this may be done already. To send it again does no harm."
    return "This cannot be done at the moment; try again later."


def _facts(error: Exception) -> dict[str, Any]:
    match error:
        case CourseFull():
            return {"courseId": error.course_id, "capacity": error.capacity}
        case InvalidInput():
            return {"field": error.field}
        case _:
            return {}


def _response(kind: ProblemType, detail: str, **facts: Any) -> Response:
    body = {
        "type": f"urn:problem-type:{kind.code.lower().replace('_', '-')}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "code": kind.code,
        **facts,
    }
    return Response(orjson.dumps(body), kind.status, media_type="application/problem+json")
