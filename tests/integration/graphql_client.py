"""A GraphQL client as integrators write them, and what no answer may ever hold."""

import re
from typing import Any, NamedTuple, Protocol, Self

import httpx
import orjson

from tests.server import Server

# Tests send SQL, but none of these words: where one of them comes back, something internal has leaked.
INTERNAL = re.compile(
    r"sqlalchemy|asyncpg|aiosqlite|sqlite|postgres|psycopg|uvicorn|strawberry|traceback|site-packages|gql_api"
    r"|\.py\b|/dev/shm|/tmp/|\b[A-Z]\w+(Error|Exception)\b|students_|courses_|_key\b",
    re.IGNORECASE,
)

_RESPONSE = "application/graphql-response+json"


class Answer(NamedTuple):
    """An HTTP status and the GraphQL response that came with it."""

    status: int
    body: dict[str, Any]

    @property
    def data(self) -> dict[str, Any]:
        """The data, of an answer without errors."""
        assert "errors" not in self.body, self.body
        assert self.status == 200
        data: dict[str, Any] = self.body["data"]
        return data

    @property
    def codes(self) -> list[str]:
        """The code of each error."""
        return [error["extensions"]["code"] for error in self.body.get("errors", [])]

    @property
    def messages(self) -> list[str]:
        """The message of each error."""
        return [error["message"] for error in self.body.get("errors", [])]


def answer_of(response: httpx.Response) -> Answer:
    """Read a response, whatever its status, and see that nothing internal is in it."""
    leaked = INTERNAL.search(response.text)
    assert leaked is None, f"{leaked} in {response.text}"
    return Answer(response.status_code, orjson.loads(response.content))


class Addressed(Protocol):
    """Whatever has an address, up to and without the path."""

    @property
    def url(self) -> str: ...


class GraphQLClient:
    """Sends operations to a server, one after another over one connection."""

    def __init__(self, server: Addressed) -> None:
        self._http = httpx.Client(base_url=server.url, timeout=60, headers={"Accept": _RESPONSE})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def execute(self, document: str, /, **variables: Any) -> Answer:
        """Execute an operation."""
        return self.post(orjson.dumps({"query": document, "variables": variables}))

    def post(self, body: bytes) -> Answer:
        """Send a body as it is."""
        return answer_of(self._http.post("/graphql", content=body, headers={"Content-Type": "application/json"}))

    def mutate(self, field: str, selection: str, /, **input_: Any) -> dict[str, Any]:
        """Execute one mutation field and give its value, typename included."""
        type_ = f"{field[0].upper()}{field[1:]}Input"
        document = f"mutation ($input: {type_}!) {{ {field}(input: $input) {{ __typename {selection} }} }}"
        value: dict[str, Any] = self.execute(document, input=input_).data[field]
        return value


def connect_asynchronously(server: Server, *, connections: int) -> httpx.AsyncClient:
    """A client with so many connections, for callers who are to come at the same moment."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    return httpx.AsyncClient(base_url=server.url, timeout=60, limits=limits, headers={"Accept": _RESPONSE})


async def execute(http: httpx.AsyncClient, document: str, /, **variables: Any) -> Answer:
    """Execute an operation."""
    return answer_of(await http.post("/graphql", json={"query": document, "variables": variables}))
