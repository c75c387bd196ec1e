"""Events that happen while there is no place to answer them in are answered later, and none is lost."""

import asyncio
from collections.abc import AsyncIterator

import strawberry

from gql_api.admission import Admission
from gql_api.identity import UNIDENTIFIED
from gql_api.schema.documents import DocumentCache
from gql_api.schema.execute import GraphQLService
from gql_api.schema.operation import Caller, OperationRequest, OperationResult
from gql_api.schema.persisted import PersistedDocuments


@strawberry.type
class Query:
    @strawberry.field
    async def rest(self) -> int:
        await asyncio.sleep(0.2)
        return 0


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self) -> AsyncIterator[int]:
        for number in range(3):
            yield number
            await asyncio.sleep(0.05)


async def test_an_event_waits_for_a_place_behind_a_full_line_and_is_not_lost() -> None:
    admission = Admission(executing_max=1, waiting_max=0)
    documents = PersistedDocuments(DocumentCache(schema := strawberry.Schema(Query, subscription=Subscription)))
    service = GraphQLService(schema, documents=documents, make_context=lambda _: {}, admission=admission)
    caller = Caller("request", UNIDENTIFIED)
    async with service.subscribe(OperationRequest("subscription { count }"), caller=caller) as results:
        assert not isinstance(results, OperationResult)
        assert admission.places.executing == 0
        occupying = asyncio.create_task(service.execute(OperationRequest("{ rest }"), caller=caller))
        await asyncio.sleep(0)
        assert admission.places.is_full
        assert [result.data async for result in results] == [{"count": number} for number in range(3)]
    assert (await occupying).data == {"rest": 0}
    assert admission.places.refused == 0
