"""The REST twins of `Student.courses` and `assignCourse`, for systems without a GraphQL client.

    GET  /students/{student_id}/courses               a page of the student's courses, in order of their ids
    POST /students/{student_id}/courses               {"courseId": 7}: assign the student to the course
    GET  /students/{student_id}/courses/{course_id}   one of them: what the `Location` of the POST's answer names

Ids are integer keys (`databaseId` in GraphQL). Whatever goes wrong is answered as `application/problem+json`
(`http/problem.py`). A write is one unit of work, opened here.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gql_api.admission import Admission, RateLimit
from gql_api.database.compiled import Reader
from gql_api.database.conditions import Comparison, Condition, Operator
from gql_api.database.lists import ListRequest, Page, read_pages, read_rows
from gql_api.database.rows import CourseRow
from gql_api.database.statements import ASSIGNED_AT, Entity, Listing
from gql_api.database.visibility import Visibility, VisibleReader
from gql_api.errors import BadUserInput, CourseNotFound, InvalidInput, StudentNotFound
from gql_api.http import strict_json
from gql_api.http.authentication import Authenticate
from gql_api.http.body import BodyReader
from gql_api.http.headers import joined_headers
from gql_api.http.refusal import HttpRefusal
from gql_api.http.request import check_content_type
from gql_api.http.request_timeout import requested_seconds
from gql_api.http.resource import Resource
from gql_api.identity import RIGHTS, Principal, RightsTable, require_changes
from gql_api.pagination import KeyKind, Ordering, OrderKey, PageLimits, PageRequest, encode_cursor
from gql_api.schema.operation import Caller
from gql_api.services.actor import actor_of
from gql_api.services.assignments import assign_course
from gql_api.services.input_rules import is_key
from gql_api.services.unit_of_work import UnitsOfWork

ResultT = TypeVar("ResultT")

# One spelling for each key, so that a resource has one address.
_KEY = re.compile(r"[1-9][0-9]{0,18}")
_NUMBER = re.compile(r"-?[0-9]{1,18}")

_BY_ID: Final = Ordering(Listing.COURSES_OF_STUDENT.label, (OrderKey("id", KeyKind.INTEGER),))
_COLUMNS: Final = (*CourseRow._fields[1:], ASSIGNED_AT)
_EXPECTED: Final = 'expected is {"courseId": 7}, with the integer key of a course'
_NAME_CHARACTERS_MAX = 40
_PARAMETERS_MAX = 32


def rest_routes(
    *,
    reader: Reader,
    units_of_work: UnitsOfWork,
    authenticate: Authenticate,
    rights: RightsTable = RIGHTS,
    admission: Admission,
    rate_limit: RateLimit | None = None,
    page_limits: PageLimits,
    body_bytes_max: int = 65_536,
    body_timeout_seconds: float = 30.0,
) -> list[Route]:
    """The routes of the REST endpoints.

    Args:
        reader: what the GETs read through.
        units_of_work: what the POST writes through.
        authenticate: finds out who asks.
        rights: what they may see and do.
        admission: lets requests in whose bodies are there, and bounds their time.
        rate_limit: what a caller may spend in a minute: 1 for each request, and for a page its size. None: no limit.
        page_limits: how many courses a page has when nobody says, and at most.
        body_bytes_max: how large a request's body may be.
        body_timeout_seconds: how long a body may take to arrive.
    """
    courses = StudentCourses(
        reader=reader,
        units_of_work=units_of_work,
        rights=rights,
        admission=admission,
        rate_limit=rate_limit,
        page_limits=page_limits,
        body_bytes_max=body_bytes_max,
        body_timeout_seconds=body_timeout_seconds,
    )
    return [
        Route(
            "/students/{student_id}/courses", Resource(authenticate, rate_limit, GET=courses.page, POST=courses.assign)
        ),
        Route("/students/{student_id}/courses/{course_id}", Resource(authenticate, rate_limit, GET=courses.one)),
    ]


class StudentCourses:
    """The courses of a student: listed, looked at, and added to."""

    def __init__(
        self,
        *,
        reader: Reader,
        units_of_work: UnitsOfWork,
        rights: RightsTable,
        admission: Admission,
        rate_limit: RateLimit | None,
        page_limits: PageLimits,
        body_bytes_max: int,
        body_timeout_seconds: float,
    ) -> None:
        self._reader = reader
        self._units_of_work = units_of_work
        self._rights = rights
        self._admission = admission
        self._rate_limit = rate_limit
        self._page_limits = page_limits
        self._bodies = BodyReader(bytes_max=body_bytes_max, timeout_seconds=body_timeout_seconds)

    async def page(self, request: Request, caller: Caller) -> Response:
        """Give a page of the courses, and the cursor of the next page, also as a `Link` (RFC 8288).

        Raises:
            StudentNotFound: no student whom the caller sees has this id.
            BadUserInput: `first` or `after` is out of its range, or a parameter is not one of these.
        """
        student_id = _key(request, "student_id", or_else=StudentNotFound)
        parameters = _parameters(request, allowed=("first", "after"))
        wanted = PageRequest.of(
            _BY_ID,
            self._page_limits,
            first=_number("first", parameters["first"]) if "first" in parameters else None,
            after=parameters.get("after"),
        )
        if self._rate_limit is not None and caller.rate_key is not None:
            self._rate_limit.charge(caller.rate_key, wanted.size)
        page = await self._admitted(request, partial(self._read, caller.principal, student_id, wanted))
        courses = _courses(page)
        next_cursor = None
        headers = {}
        if page.has_more and courses:
            next_cursor = encode_cursor(_BY_ID, (courses[-1]["id"],))
            query = urlencode({"first": wanted.size, "after": next_cursor})
            headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
        return _json(200, {"courses": courses, "nextCursor": next_cursor}, headers)

    async def one(self, request: Request, caller: Caller) -> Response:
        """Give one of the courses.

        Raises:
            StudentNotFound: no student whom the caller sees has this id.
            CourseNotFound: the student takes no course that has this id.
        """
        student_id = _key(request, "student_id", or_else=StudentNotFound)
        course_id = _key(request, "course_id", or_else=CourseNotFound)
        is_asked_for = Comparison("id", Operator.EQ, course_id)
        read = partial(self._read, caller.principal, student_id, PageRequest(size=1), is_asked_for)
        page = await self._admitted(request, read)
        courses = _courses(page)
        if not courses:
            raise CourseNotFound("The student takes no course that has this id.")
        return _json(200, courses[0])

    async def assign(self, request: Request, caller: Caller) -> Response:
        """Assign the student to the course that the body names: 201 if this is new, 200 if it was so before.

        Raises:
            Unauthenticated, Forbidden: the caller may not change anything, whatever is asked for.
            StudentNotFound: no student has this id.
            CourseNotFound: no course has the id in the body.
            CourseFull: all seats are taken.
            InvalidInput: the body is JSON, but not what is asked for.
            HttpRefusal: the body is not JSON, too large, or too slow.
        """
        require_changes(caller.principal, self._rights)
        student_id = _key(request, "student_id", or_else=StudentNotFound)
        course_id = _course_id(await self._body(request))
        use_case = partial(assign_course, student_id=student_id, course_id=course_id)
        actor = actor_of(caller.principal, caller.request_id)
        assignment = await self._admitted(request, partial(self._units_of_work.run_alone, use_case, actor=actor))
        course = _course(assignment.course, assignment.assigned_at)
        if assignment.already_assigned:
            return _json(200, course)
        return _json(201, course, {"Location": f"{request.url.path}/{course_id}"})

    async def _read(
        self, principal: Principal, student_id: int, wanted: PageRequest, condition: Condition | None = None
    ) -> Page:
        reader = VisibleReader(self._reader, Visibility.of(principal, self._rights))
        request = ListRequest(Listing.COURSES_OF_STUDENT, _BY_ID, wanted, condition, columns=_COLUMNS)
        [page] = await read_pages(reader, request, [student_id])
        if not page.nodes and not await read_rows(reader, Entity.STUDENT, (), [student_id]):
            raise StudentNotFound
        return page

    async def _admitted(self, request: Request, operate: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Do what the request asks for, in a place and in time.

        Raises:
            Overloaded: there is no place for it.
            DeadlineExceeded: it took too long, or longer than the client wants to wait.
            HttpRefusal: the client did not say clearly how long it wants to wait.
        """
        return await self._admission.run(operate, seconds=requested_seconds(joined_headers(request.scope)))

    async def _body(self, request: Request) -> bytes | bytearray:
        headers = dict(request.scope["headers"])
        check_content_type(headers.get(b"content-type"), headers.get(b"content-encoding"))
        body = await self._bodies.read(request.scope, request.receive, content_length=headers.get(b"content-length"))
        self._admission.require_room()
        return body


def _key(request: Request, name: str, *, or_else: type[StudentNotFound | CourseNotFound]) -> int:
    """The id in the path; what is not the one spelling of a key names nothing."""
    text = request.path_params[name]
    if not _KEY.fullmatch(text) or not is_key(int(text)):
        raise or_else
    return int(text)


def _parameters(request: Request, *, allowed: tuple[str, ...]) -> dict[str, str]:
    query = request.scope["query_string"].decode("latin-1")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_PARAMETERS_MAX)
    except ValueError:
        raise HttpRefusal(400, "The URL's query is not percent-encoded UTF-8, or too long.") from None
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name not in allowed:
            shown = " and ".join(f"`{other}`" for other in allowed)
            raise BadUserInput(f"`{name[:_NAME_CHARACTERS_MAX]}` is not a parameter; the parameters are {shown}.")
        if name in parameters:
            raise BadUserInput(f"`{name}` is there twice.")
        parameters[name] = value
    return parameters


def _number(name: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise BadUserInput(f"`{name}` must be a whole number.")
    return int(text)


def _course_id(body: bytes | bytearray) -> int:
    """The course that a body like `{"courseId": 7}` names."""
    try:
        value = strict_json.loads(bytes(body))
    except ValueError as error:
        raise HttpRefusal(400, f"The body is not acceptable JSON: {error}.") from None
    if not isinstance(value, dict):
        raise HttpRefusal(400, f"The body is not a JSON object; {_EXPECTED}.")
    for name in value:
        if name != "courseId":
            raise InvalidInput(name[:_NAME_CHARACTERS_MAX], f"The body has a field that is not known; {_EXPECTED}.")
    if "courseId" not in value:
        raise InvalidInput("courseId", f"courseId is missing; {_EXPECTED}.")
    course_id = value["courseId"]
    if type(course_id) is not int:  # bool is a subclass of int
        raise InvalidInput("courseId", f"courseId must be an integer; {_EXPECTED}.")
    return course_id


def _courses(page: Page) -> list[dict[str, Any]]:
    return [_course(*place) for place in zip(page.nodes, page.nodes.column(ASSIGNED_AT), strict=True)]


def _course(course: CourseRow, assigned_at: datetime) -> dict[str, Any]:
    return {
        "id": course.id,
        "code": course.code,
        "title": course.title,
        "credits": course.credits,
        "capacity": course.capacity,
        "sourcedId": course.sourced_id,
        "assignedAt": assigned_at,
    }


def _json(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    content = orjson.dumps(body, option=orjson.OPT_UTC_Z)
    return Response(content, status, headers, media_type="application/json")
