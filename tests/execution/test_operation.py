"""What holds of every execution: what runs when, what is cancelled, and what is left behind."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from graphql import (
    ExecutionResult,
    GraphQLField,
    GraphQLFieldResolver,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    execute,
    execute_sync,
    parse,
    subscribe,
)

from gql_api.execution import BreadthFirstExecutor
from gql_api.execution.level import Column, Level
from gql_api.execution.operation import Operation

SDL = """
type Query { items: [Item!] item: Item! matrix: [[Item]] slow: Int failing: Int! text: String }
type Item { name: String path: String later: Int items: [Item!] needed: Int! }
type Mutation { first: Int second: Int! third: Int }
type Subscription { ticks: Item }
"""


class Row:
    def __init__(self, name: str) -> None:
        self.name = name


def schema_with(**resolvers: Callable[..., Any]) -> GraphQLSchema:
    """Build the schema with resolvers by names like ``Query_items``."""
    schema = build_schema(SDL)
    for name, resolve in resolvers.items():
        type_name, field_name = name.split("_", 1)
        type_ = schema.type_map[type_name]
        assert isinstance(type_, GraphQLObjectType)
        type_.fields[field_name].resolve = resolve
    return schema


async def run(schema: GraphQLSchema, text: str) -> ExecutionResult:
    result = execute(schema, parse(text), executor_class=BreadthFirstExecutor)
    return result if isinstance(result, ExecutionResult) else await result


def run_sync(schema: GraphQLSchema, text: str) -> ExecutionResult:
    return execute_sync(schema, parse(text), executor_class=BreadthFirstExecutor)


def path_of(_source: Any, info: GraphQLResolveInfo[Any]) -> str:
    return ".".join(map(str, info.path.as_list()))


def test_nothing_awaitable_means_no_coroutine() -> None:
    result = execute(schema_with(Query_text=lambda *_: "here"), parse("{ text }"), executor_class=BreadthFirstExecutor)

    assert result == ExecutionResult({"text": "here"})


def test_a_resolver_is_told_the_path_of_its_object() -> None:
    schema = schema_with(
        Query_matrix=lambda *_: [[Row("a"), None], None, [Row("b")]],
        Item_items=lambda *_: [Row("c"), Row("d")],
        Item_path=path_of,
    )

    result = run_sync(schema, "{ m: matrix { path items { p: path } } }")

    assert result.data == {
        "m": [
            [{"path": "m.0.0.path", "items": [{"p": "m.0.0.items.0.p"}, {"p": "m.0.0.items.1.p"}]}, None],
            None,
            [{"path": "m.2.0.path", "items": [{"p": "m.2.0.items.0.p"}, {"p": "m.2.0.items.1.p"}]}],
        ]
    }


def test_an_exception_at_one_object_leaves_the_others() -> None:
    def resolve(source: Row, _info: Any) -> int:
        if source.name == "b":
            raise StopIteration
        return len(source.name)

    schema = schema_with(Query_items=lambda *_: [Row("a"), Row("b"), Row("c")], Item_later=resolve)

    result = run_sync(schema, "{ items { later } }")

    assert result.data == {"items": [{"later": 1}, {"later": None}, {"later": 1}]}
    assert [error.path for error in result.errors or []] == [["items", 1, "later"]]


async def test_root_fields_of_a_query_run_together_and_below_each_other_independently() -> None:
    order: list[str] = []

    async def slow(*_: Any) -> int:
        await asyncio.sleep(0.02)
        order.append("slow")
        return 1

    async def items(*_: Any) -> list[Row]:
        return [Row("a")]

    async def later(*_: Any) -> int:
        order.append("below items")
        return 2

    result = await run(schema_with(Query_slow=slow, Query_items=items, Item_later=later), "{ slow items { later } }")

    assert result.data == {"slow": 1, "items": [{"later": 2}]}
    assert order == ["below items", "slow"]


async def test_mutations_run_one_after_the_other_and_not_after_the_data_is_lost() -> None:
    order: list[str] = []

    def mutation(name: str, *, fails: bool = False) -> GraphQLFieldResolver:
        async def resolve(*_: Any) -> int:
            order.append(f"{name} starts")
            await asyncio.sleep(0)
            order.append(f"{name} ends")
            if fails:
                raise ValueError(name)
            return 1

        return resolve

    schema = schema_with(
        Mutation_first=mutation("first", fails=True),
        Mutation_second=mutation("second", fails=True),
        Mutation_third=mutation("third"),
    )

    result = await run(schema, "mutation { first second third }")

    assert order == ["first starts", "first ends", "second starts", "second ends"]
    assert result.data is None
    assert [error.path for error in result.errors or []] == [["first"], ["second"]]


async def test_an_operation_that_has_lost_its_data_waits_for_nothing() -> None:
    ended = []

    async def slow(*_: Any) -> int:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("slow")
        return 1

    async def failing(*_: Any) -> int:
        raise ValueError("failed")

    result = await asyncio.wait_for(run(schema_with(Query_slow=slow, Query_failing=failing), "{ slow failing }"), 5)

    assert result.data is None
    assert ended == ["slow"]


async def test_a_cancelled_operation_cancels_what_it_awaits() -> None:
    ended = []
    started = asyncio.Event()

    async def slow(*_: Any) -> int:
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("slow")
        return 1

    async def later(source: Row, _info: Any) -> int:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(source.name)
        return 1

    schema = schema_with(Query_slow=slow, Query_items=lambda *_: [Row("a"), Row("b")], Item_later=later)
    task = asyncio.create_task(run(schema, "{ slow items { later } }"))
    await started.wait()
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(ended) == ["a", "b", "slow"]


async def test_nothing_of_an_execution_waits_for_the_garbage_collector() -> None:
    async def later(*_: Any) -> int:
        return 1

    schema = schema_with(Query_items=lambda *_: [Row("a")], Item_items=lambda *_: [Row("b")], Item_later=later)
    gc.collect()
    gc.disable()
    try:
        result = await run(schema, "{ items { name later items { later } } }")
        left = [kind for kind in map(type, gc.get_objects()) if kind in (Row, Level, Column, Operation)]
    finally:
        gc.enable()

    assert result.errors is None
    assert left == []


async def test_every_event_of_a_subscription_is_executed_level_by_level() -> None:
    async def ticks(*_: Any) -> AsyncIterator[dict[str, Row]]:
        for name in ("a", "b"):
            yield {"ticks": Row(name)}

    async def later(source: Row, _info: Any) -> int:
        if source.name == "a":
            raise ValueError("no")
        return 7

    schema = schema_with(Item_later=later)
    assert schema.subscription_type is not None
    field: GraphQLField = schema.subscription_type.fields["ticks"]
    field.subscribe = ticks

    stream = subscribe(schema, parse("subscription { ticks { name later } }"), executor_class=BreadthFirstExecutor)
    assert not isinstance(stream, ExecutionResult)
    events = [event async for event in stream]  # type: ignore[union-attr]  # nothing was awaited to get it

    assert [event.data for event in events] == [
        {"ticks": {"name": "a", "later": None}},
        {"ticks": {"name": "b", "later": 7}},
    ]
    assert [len(event.errors or []) for event in events] == [1, 0]


async def test_an_asynchronous_list_that_fails_is_closed() -> None:
    class Items:
        closed = False

        def __aiter__(self) -> "Items":
            return self

        async def __anext__(self) -> Row:
            raise ValueError("broken")

        async def aclose(self) -> None:
            self.closed = True

    items = Items()

    result = await run(schema_with(Query_items=lambda *_: items), "{ items { name } }")

    assert result.data == {"items": None}
    assert [(error.message, error.path) for error in result.errors or []] == [("broken", ["items"])]
    assert items.closed


def test_selections_deeper_than_the_stack_are_executed() -> None:
    depth = 400
    fragments = [f"fragment F{level} on Item {{ items {{ ...F{level + 1} }} }}" for level in range(depth)]
    text = "\n".join(["{ items { ...F0 } }", *fragments, f"fragment F{depth} on Item {{ name }}"])

    result = run_sync(schema_with(Query_items=lambda *_: [Row("a")], Item_items=lambda *_: [Row("b")]), text)

    assert result.errors is None


def test_errors_deeper_than_the_stack_are_an_error_and_no_crash() -> None:
    depth = 1_000
    fragments = [f"fragment F{level} on Item {{ items {{ ...F{level + 1} }} }}" for level in range(depth)]
    text = "\n".join(["{ items { ...F0 } }", *fragments, f"fragment F{depth} on Item {{ needed }}"])

    result = run_sync(schema_with(Query_items=lambda *_: [Row("a")], Item_items=lambda *_: [Row("b")]), text)

    assert result.data is None
    assert [error.message for error in result.errors or []] == ["Selections are nested too deeply. Execution aborted."]
