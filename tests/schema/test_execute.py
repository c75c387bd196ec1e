import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import strawberry

from gql_api.errors import BadUserInput
from gql_api.execution import BreadthFirstExecutor
from gql_api.identity import Principal, Role
from gql_api.schema.documents import DocumentCache
from gql_api.schema.execute import GraphQLService
from gql_api.schema.operation import Caller, OperationRequest, OperationResult, OperationType
from gql_api.schema.persisted import PersistedDocuments

CALLER = Caller("request-7", Principal(Role.STAFF, "ada"))
SUBSCRIPTION = OperationType.SUBSCRIPTION


@strawberry.type
class Tick:
    number: int

    @strawberry.field
    def context(self, info: strawberry.Info) -> int:
        return int(info.context["number"])

    @strawberry.field
    def breaks_on_two(self) -> int | None:
        if self.number == 2:
            raise RuntimeError("secret")
        return self.number


class Queue:
    """A source that holds something from the moment it is made."""

    def __init__(self, closed: list[Any]) -> None:
        self._closed = closed

    def __aiter__(self) -> "Queue":
        return self

    async def __anext__(self) -> Tick:
        return Tick(number=1)

    async def aclose(self) -> None:
        self._closed.append("queue")


@strawberry.input
class Filter:
    name: str = ""


@strawberry.type
class Query:
    @strawberry.field
    def filtered(self, filter: Filter) -> str:  # noqa: A002 - the argument's name
        return filter.name

    @strawberry.field
    def principal(self, info: strawberry.Info) -> str:
        return str(info.context["caller"].principal.subject)


@strawberry.type
class Mutation:
    @strawberry.mutation
    def change(self) -> int:
        return 1


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self, info: strawberry.Info, count: int) -> AsyncIterator[Tick]:
        try:
            for number in range(1, count + 1):
                yield Tick(number=number)
        finally:
            info.context["closed"].append("source")

    @strawberry.subscription
    async def breaks(self) -> AsyncIterator[Tick]:
        yield Tick(number=1)
        raise RuntimeError("secret")

    @strawberry.subscription
    async def refuses(self, after: int = 0) -> AsyncIterator[Tick]:
        if after == 0:
            raise BadUserInput("No such event.")
        yield Tick(number=after)

    @strawberry.subscription
    async def queue(self, info: strawberry.Info) -> AsyncIterator[Tick]:
        return Queue(info.context["closed"])


class Service:
    """The service, the contexts that it made, and the sources that were closed."""

    def __init__(self, *, hide_suggestions: bool = False) -> None:
        schema = strawberry.Schema(Query, Mutation, Subscription, execution_context_class=BreadthFirstExecutor)
        self.contexts = 0
        self.closed: list[Any] = []
        documents = PersistedDocuments(DocumentCache(schema))
        self.graphql = GraphQLService(
            schema, documents=documents, make_context=self._make_context, hide_suggestions=hide_suggestions
        )

    def _make_context(self, caller: Caller) -> dict[str, Any]:
        self.contexts += 1
        return {"number": self.contexts, "closed": self.closed, "caller": caller}

    async def subscribe(self, query: str, **variables: Any) -> list[OperationResult] | OperationResult:
        async with self.graphql.subscribe(OperationRequest(query, variables), caller=CALLER) as outcome:
            return outcome if isinstance(outcome, OperationResult) else [result async for result in outcome]


MASKED = {"code": "INTERNAL_SERVER_ERROR", "requestId": CALLER.request_id}


async def test_the_context_of_an_operation_knows_its_caller() -> None:
    result = await Service().graphql.execute(OperationRequest("{ principal }"), caller=CALLER)
    assert result == OperationResult({"principal": "ada"}, [], executed=True, operation_type=OperationType.QUERY)


async def test_each_event_is_answered_in_a_context_of_its_own() -> None:
    service = Service()
    results = await service.subscribe("subscription ($n: Int!) { ticks(count: $n) { number context } }", n=2)
    assert results == [
        OperationResult({"ticks": {"number": 1, "context": 2}}, [], executed=True, operation_type=SUBSCRIPTION),
        OperationResult({"ticks": {"number": 2, "context": 3}}, [], executed=True, operation_type=SUBSCRIPTION),
    ]
    assert service.closed == ["source"]


async def test_an_error_in_the_answer_to_one_event_does_not_end_the_subscription() -> None:
    results = await Service().subscribe("subscription { ticks(count: 3) { breaksOnTwo } }")
    assert isinstance(results, list)
    assert [result.data for result in results] == [{"ticks": {"breaksOnTwo": number}} for number in (1, None, 3)]
    assert [[error["extensions"] for error in result.errors] for result in results] == [[], [MASKED], []]


async def test_an_error_of_the_source_ends_the_subscription_with_a_masked_error() -> None:
    results = await Service().subscribe("subscription { breaks { number } }")
    assert isinstance(results, list)
    assert [result.executed for result in results] == [True, False]
    assert [error["message"] for error in results[1].errors] == ["Internal server error"]


@pytest.mark.parametrize("is_started", [False, True])
async def test_leaving_a_subscription_closes_its_source(*, is_started: bool) -> None:
    service = Service()
    request = OperationRequest("subscription { ticks(count: 1000) { number } }")
    async with service.graphql.subscribe(request, caller=CALLER) as outcome:
        assert not isinstance(outcome, OperationResult)
        if is_started:
            assert (await anext(outcome)).data == {"ticks": {"number": 1}}
    assert service.closed == (["source"] if is_started else [])


async def test_leaving_a_subscription_before_its_first_event_lets_go_what_its_source_holds() -> None:
    service = Service()
    async with service.graphql.subscribe(
        OperationRequest("subscription { queue { number } }"), caller=CALLER
    ) as outcome:
        assert not isinstance(outcome, OperationResult)
    assert service.closed == ["queue"]


async def test_cancelling_a_subscriber_closes_the_source() -> None:
    service = Service()
    started = asyncio.Event()

    async def subscriber() -> None:
        request = OperationRequest("subscription { ticks(count: 2) { number } }")
        async with service.graphql.subscribe(request, caller=CALLER) as outcome:
            assert not isinstance(outcome, OperationResult)
            await anext(outcome)
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(subscriber())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert service.closed == ["source"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription ($n: Int!) { ticks(count: $n) { number } }", "BAD_USER_INPUT"),
        ("subscription A { breaks { number } } subscription B { breaks { number } }", "BAD_USER_INPUT"),
        ("{ principal }", "BAD_REQUEST"),
        ("mutation { change }", "BAD_REQUEST"),
    ],
)
async def test_what_cannot_be_subscribed_to_is_refused_with_one_result(query: str, code: str) -> None:
    service = Service()
    result = await service.subscribe(query)
    assert isinstance(result, OperationResult)
    assert (result.executed, [error["extensions"] for error in result.errors]) == (False, [{"code": code}])
    assert service.closed == []


async def test_a_refusal_of_the_source_is_shown() -> None:
    results = await Service().subscribe("subscription { refuses { number } }")
    assert isinstance(results, list)
    assert [(error["message"], error["extensions"]) for result in results for error in result.errors] == [
        ("No such event.", {"code": "BAD_USER_INPUT"})
    ]


@pytest.mark.parametrize(
    ("query", "read_only"), [("subscription { breaks { number } }", False), ("mutation { change }", True)]
)
async def test_what_may_not_be_executed_is_refused(query: str, *, read_only: bool) -> None:
    result = await Service().graphql.execute(OperationRequest(query), caller=CALLER, read_only=read_only)
    assert (result.executed, result.errors[0]["extensions"]) == (False, {"code": "BAD_REQUEST"})


@pytest.mark.parametrize(
    ("hide_suggestions", "ending"),
    [(False, ". Did you mean 'name'? Found: {'nam': ''}."), (True, ", found: {'nam': ''}.")],
)
async def test_suggestions_about_variables_can_be_hidden(*, hide_suggestions: bool, ending: str) -> None:
    request = OperationRequest("query ($f: Filter!) { filtered(filter: $f) }", {"f": {"nam": ""}})
    result = await Service(hide_suggestions=hide_suggestions).graphql.execute(request, caller=CALLER)
    assert [error["message"] for error in result.errors] == [
        f"Variable '$f' has invalid value: Expected value of type 'Filter' not to include unknown field 'nam'{ending}"
    ]
