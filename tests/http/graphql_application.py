"""A small schema behind the real endpoint: what the tests of the endpoint ask, in process or through uvicorn."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import strawberry
from graphql import GraphQLError

from gql_api.errors import BadUserInput, CourseNotFound
from gql_api.http.authentication import identify_nobody
from gql_api.http.graphql import GraphQLEndpoint
from gql_api.schema.documents import DocumentCache
from gql_api.schema.execute import GraphQLService
from gql_api.schema.operation import Caller
from gql_api.schema.persisted import PersistedDocuments

SECRET = "psycopg: password authentication failed for user prod at /srv/app/secret.py"  # noqa: S105 - what must not leak


@strawberry.type
class Query:
    @strawberry.field
    async def greeting(self, name: str = "world") -> str:
        return f"Hello, {name}!"

    @strawberry.field
    def echo(self, number: int) -> int:
        return number

    @strawberry.field
    def request_id(self, info: strawberry.Info) -> str:
        return str(info.context["caller"].request_id)

    @strawberry.field
    def breaks(self) -> str | None:
        raise RuntimeError(SECRET)

    @strawberry.field
    def breaks_the_response(self) -> str:
        raise RuntimeError(SECRET)

    @strawberry.field
    def breaks_its_type(self) -> int | None:
        return SECRET  # type: ignore[return-value]

    @strawberry.field
    def unwritable(self) -> str:
        return "\ud800"

    @strawberry.field
    def refuses(self) -> str | None:
        raise BadUserInput("The cursor belongs to another ordering.")

    @strawberry.field
    def finds_no_course(self) -> str | None:
        raise CourseNotFound

    @strawberry.field
    def explains(self) -> str | None:
        raise GraphQLError("Not today.", extensions={"code": "FORBIDDEN"})

    @strawberry.field
    def node(self) -> "Query":
        return Query()


@strawberry.type
class Mutation:
    @strawberry.mutation
    def count(self, info: strawberry.Info) -> int:
        counts: list[int] = info.context["counts"]
        counts.append(1)
        return len(counts)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self) -> AsyncIterator[int]:
        yield 1


class Application:
    """The endpoint, and what its mutations have counted."""

    def __init__(self, *, persisted: dict[str, Any] | None = None, **options: Any) -> None:
        self.counts: list[int] = []
        schema = strawberry.Schema(Query, Mutation, Subscription)
        documents = PersistedDocuments(DocumentCache(schema), **(persisted or {}))
        self.service = GraphQLService(schema, documents=documents, make_context=self._make_context)
        self.endpoint = GraphQLEndpoint(self.service, authenticate=identify_nobody, **options)

    def _make_context(self, caller: Caller) -> dict[str, Any]:
        return {"caller": caller, "counts": self.counts}

    def client(self, **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.endpoint)
        return httpx.AsyncClient(transport=transport, base_url="http://gql.test", headers=headers)


def application() -> GraphQLEndpoint:
    """The factory that uvicorn calls."""
    return Application().endpoint


def application_without_csrf_prevention() -> GraphQLEndpoint:
    return Application(csrf_prevention=False).endpoint


def application_with_little_patience() -> GraphQLEndpoint:
    return Application(body_timeout_seconds=1).endpoint
