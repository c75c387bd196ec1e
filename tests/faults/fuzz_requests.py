"""HTTP requests of all kinds, good and bad, as bytes: every choice of them drawn from a `Random`."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from graphql import OperationType

from tests.execution.query_generator import QueryGenerator
from tests.faults.fuzz_mutation import PIECES, mutated, text, value
from tests.integration.sdl import SCHEMA

LISTS: Final = """
query ($first: Int, $after: String, $last: Int, $before: String, $id: ID = "c3R1MDAx", $filter: StudentFilter,
       $order: [StudentOrder!]) {
  students(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $order) {
    nodes { id name courses(first: $first, after: $after, last: $last, before: $before) { nodes { code } totalCount } }
    pageInfo { endCursor } totalCount
  }
  node(id: $id) { id __typename }
}
"""
NODES: Final = "query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }"
COURSES: Final = """
query ($filter: CourseFilter, $order: [CourseOrder!], $id: ID!) {
  courses(filter: $filter, orderBy: $order, first: 3) {
    edges { cursor node { title students(first: 2) { totalCount } } }
  }
  course(id: $id) { title } student(id: $id) { name }
}
"""
CREATE: Final = """
mutation ($input: CreateStudentInput!, $course: CreateCourseInput!) {
  createStudent(input: $input) { __typename ... on Error { message } }
  createCourse(input: $course) { __typename ... on Error { message } }
}
"""
ASSIGN: Final = """
mutation ($input: AssignCourseInput!, $many: AssignCoursesInput!) {
  assignCourse(input: $input) { __typename ... on Error { message } }
  assignCourses(input: $many) { __typename ... on Error { message } }
}
"""
OPERATIONS: Final = 300
TEMPLATES: Final = (LISTS, NODES, COURSES, CREATE, ASSIGN)

NAMES: Final = ("first", "after", "last", "before", "id", "filter", "order", "ids", "input", "course", "many")
METHODS: Final = ("GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
PATHS: Final = (
    "/",
    "/graphql/",
    "/graphql/..",
    "/health",
    "/health/live",
    "/health/ready",
    "/graphiql/",
    "/graphiql/../../etc/passwd",
    "/graphiql/%2e%2e/%2e%2e/pyproject.toml",
    "/students",
    "//students/1/courses",
    "/students/1/courses/",
    "/%00",
    "*",
    "http://127.0.0.1/graphql",
)
HEADERS: Final = (
    "Accept: application/json",
    "Accept: */*;q=0",
    "Accept: text/plain",
    "Accept: application/graphql-response+json;q=nonsense",
    "Content-Encoding: gzip",
    "Content-Type: application/json; charset=utf-16",
    "Content-Type: text/plain",
    "X-Request-ID: a\tb",
    "If-None-Match: *",
    'If-None-Match: W/"x", "',
    "Origin: null",
    "Authorization: Bearer x.y.z",
    "Expect: 100-continue",
    "Request-Timeout: nan",
    "Request-Timeout: 1e-9",
    "Cookie: a=b",
    "Host: other.example",
)

_JSON_HEADERS: Final = "Host: fuzz.test\r\nContent-Type: application/json\r\n"
_GET_HEADERS: Final = "Host: fuzz.test\r\nGraphQL-Require-Preflight: 1\r\n"


class Request(NamedTuple):
    """The bytes of a request; unless it `is_whole`, the server may wait for more, or close without an answer."""

    raw: bytes
    is_whole: bool = True

    @property
    def is_head(self) -> bool:
        """Whether the answer has no body."""
        return self.raw.startswith(b"HEAD ")


class RequestFuzzer:
    """Makes requests, among them ones with these cursors."""

    def __init__(self, random: Random, cursors: list[str]) -> None:
        self._random = random
        self._cursors = cursors
        self._operations: list[dict[str, Any]] = []
        self._kinds: list[Callable[[], Request]] = [
            self.document,
            self._mutated_document,
            *[self._variables] * 4,
            self._mutated_body,
            self._any_body,
            *[self._query_string] * 2,
            *[self._rest] * 4,
            *[self._path] * 2,
            *[self._mutated_head] * 4,
        ]

    def request(self) -> Request:
        """The next request."""
        return self._random.choice(self._kinds)()

    def document(self) -> Request:
        """A request with a document that is new and valid."""
        return self._post(_json(self._new_operation()))

    def operation(self) -> dict[str, Any]:
        """A document that is valid, with its variables; one of a few hundred."""
        if len(self._operations) < OPERATIONS:
            self._operations.append(self._new_operation())
            return dict(self._operations[-1])
        return dict(self._random.choice(self._operations))

    def _new_operation(self) -> dict[str, Any]:
        kinds = [OperationType.QUERY, OperationType.QUERY, OperationType.MUTATION, OperationType.SUBSCRIPTION]
        generator = QueryGenerator(SCHEMA, self._random, depth_max=5, fields_max=25)
        operation = generator.operation(self._random.choice(kinds))
        return {"query": operation.text(), "variables": operation.variables}

    def parameters(self) -> dict[str, Any]:
        """A document that is valid, with values that fit it now and then."""
        names = self._random.sample(NAMES, self._random.randrange(5))
        variables = {name: self._value(name) for name in names}
        return {"query": self._random.choice(TEMPLATES), "variables": variables}

    def _value(self, name: str) -> Any:
        random = self._random
        if name in {"after", "before"} and self._cursors and random.randrange(4):
            cursor = random.choice(self._cursors)
            return cursor if random.randrange(2) else mutated(random, cursor.encode()).decode("latin-1")
        if name in {"first", "last"} and random.randrange(2):
            return random.randrange(-2, 600)
        if name in {"input", "course", "many"} and random.randrange(2):
            fields = ("name", "email", "sourcedId", "code", "title", "credits", "capacity", "studentId", "courseId")
            return {field: value(random) for field in random.sample(fields, random.randrange(1, 6))}
        return value(random)

    def _mutated_document(self) -> Request:
        parameters = self.operation()
        parameters["query"] = mutated(self._random, parameters["query"].encode()).decode("latin-1")
        return self._post(_json(parameters))

    def _variables(self) -> Request:
        return self._post(_json(self.parameters()))

    def _mutated_body(self) -> Request:
        return self._post(mutated(self._random, _json(self._random.choice([self.parameters, self.operation])())))

    def _any_body(self) -> Request:
        random = self._random
        parameters = {
            name: value(random)
            for name in ("query", "variables", "operationName", "extensions", "documentId", "persistedQuery")
            if random.randrange(3)
        }
        if random.randrange(3) == 0:
            parameters["extensions"] = {"persistedQuery": {"version": value(random), "sha256Hash": value(random)}}
        return self._post(_json(random.choice([parameters, [parameters], value(random)])))

    def _query_string(self) -> Request:
        parameters = {
            name: part if isinstance(part, str) else json.dumps(part) for name, part in self.parameters().items()
        }
        query = urlencode(parameters, errors="replace").encode()
        if self._random.randrange(2):
            query = mutated(self._random, query).translate(None, b" \r\n\0\t")
        return Request(b"GET /graphql?" + query + f" HTTP/1.1\r\n{_GET_HEADERS}\r\n".encode(), is_whole=False)

    def _rest(self) -> Request:
        random = self._random
        keys = [quote(str(random.choice([1, 2, 7, value(random), text(random)])), errors="replace") for _ in range(2)]
        path = random.choice([f"/students/{keys[0]}/courses", f"/students/{keys[0]}/courses/{keys[1]}"])
        if random.randrange(2):
            body = _json(random.choice([{"courseId": value(random)}, {"courseId": 1}, value(random)]))
            return self._post(mutated(random, body) if random.randrange(3) == 0 else body, path=path)
        if random.randrange(2):
            names = random.choice([("first",), ("after",), ("first", "after"), ("x",), ("first", "first")])
            values = [random.choice(["2", *self._cursors, text(random), str(value(random))]) for _ in names]
            path += "?" + urlencode(list(zip(names, values, strict=True)), errors="replace")
        return Request(f"{random.choice(['GET', 'HEAD'])} {path} HTTP/1.1\r\n{_GET_HEADERS}\r\n".encode())

    def _path(self) -> Request:
        random = self._random
        path = random.choice([*PATHS, "/" + quote(text(random), errors="replace")])
        head = f"{random.choice(METHODS)} {path} HTTP/1.1\r\n{_GET_HEADERS}Content-Length: 0\r\n\r\n"
        return Request(head.encode(), is_whole=False)

    def _mutated_head(self) -> Request:
        random = self._random
        raw = self._random.choice([self._variables, self._rest, self._path])().raw
        head, _, body = raw.partition(b"\r\n\r\n")
        for _ in range(random.randrange(3)):
            head += b"\r\n" + random.choice(HEADERS).encode()
        match random.randrange(3):
            case 0:
                head = mutated(random, head)
            case 1:
                size = random.choice([f"{len(body):x}".encode(), b"0", b"-1", b"ffffffffffffffffff", b"zz"])
                head = head.replace(b"Content-Length", b"Transfer-Encoding: chunked\r\nX-Length")
                body = size + b"\r\n" + body + random.choice([b"\r\n0\r\n\r\n", b"\r\n", random.choice(PIECES)])
            case _:
                pass
        return Request(head + b"\r\n\r\n" + body, is_whole=False)

    def _post(self, body: bytes, *, path: str = "/graphql") -> Request:
        return Request(f"POST {path} HTTP/1.1\r\n{_JSON_HEADERS}Content-Length: {len(body)}\r\n\r\n".encode() + body)


def _json(parameters: Any) -> bytes:
    return json.dumps(parameters).encode()
