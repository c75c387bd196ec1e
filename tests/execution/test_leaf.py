"""Scalars and enums, serialised by column: the same as one by one."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from fractions import Fraction
from typing import Any

import pytest
import strawberry
from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    execute_sync,
    parse,
)

from gql_api.execution import BreadthFirstExecutor, batched, serializer

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Colour(Enum):
    RED = 1
    BLUE = 2


class Text(str):
    __slots__ = ()


COLOURS = GraphQLEnumType("Colour", Colour)
NUMBERED = GraphQLEnumType("Numbered", {"ONE": 1, "TWO": 2, "UNHASHABLE": [3]})


def results_of(type_: GraphQLLeafType, values: list[Any]) -> list[Any]:
    """Return what both executors make of a list of values."""
    schema = GraphQLSchema(
        GraphQLObjectType("Query", {"values": GraphQLField(GraphQLList(type_), resolve=lambda *_: values)})
    )
    return [
        execute_sync(schema, parse("{ values }"), **options)  # type: ignore[arg-type]
        for options in ({}, {"executor_class": BreadthFirstExecutor})
    ]


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        (GraphQLString, ["a", None, "b"]),
        (GraphQLString, ["a", 1, 1.5, True, Text("t"), b"bytes", [1], Fraction(1, 2)]),
        (GraphQLInt, [1, None, -(2**31), 2**31 - 1]),
        (GraphQLInt, [1, 2**31, True, "7", 1.0, 1.5, None]),
        (GraphQLInt, [1, -(2**31) - 1]),
        (GraphQLInt, [None, None]),
        (GraphQLFloat, [0.5, None, -1e300]),
        (GraphQLFloat, [float("nan"), 1.5, float("inf"), 3, True, "1.5"]),
        (GraphQLBoolean, [True, None, False]),
        (GraphQLBoolean, [True, 1, 0.0, "true"]),
        (GraphQLID, ["a", None]),
        (GraphQLID, ["a", 7, 1.5, True]),
        (COLOURS, [Colour.RED, None, Colour.BLUE, Colour.RED]),
        (COLOURS, [Colour.RED, 1, "RED", None]),
        (NUMBERED, [1, 2, None, True, [3], 4, "ONE"]),
    ],
)
def test_a_column_is_serialised_as_its_values_are(type_: GraphQLLeafType, values: list[Any]) -> None:
    expected, result = results_of(type_, values)

    assert repr(result.data) == repr(expected.data)
    assert [error.formatted for error in result.errors or []] == [error.formatted for error in expected.errors or []]


def column_calls(calls: list[list[int]]) -> Callable[[list[int]], list[str]]:
    def serialize_column(values: list[int]) -> list[str]:
        calls.append(values)
        return [f"#{100 // value}" for value in values]

    return serialize_column


def test_a_serializer_by_column_is_called_once_without_nulls() -> None:
    calls: list[list[int]] = []

    @serializer(by_column=column_calls(calls))
    def serialize(value: int) -> str:
        return f"#{100 // value}"

    expected, result = results_of(GraphQLScalarType("Share", serialize=serialize), [1, None, 4])

    assert result == expected == ({"values": ["#100", None, "#25"]}, None)
    assert calls == [[1, 4]]


def test_where_a_column_fails_only_the_value_to_blame_is_an_error() -> None:
    calls: list[list[int]] = []

    @serializer(by_column=column_calls(calls))
    def serialize(value: int) -> str:
        return f"#{100 // value}"

    expected, result = results_of(GraphQLScalarType("Share", serialize=serialize), [1, 0, 4])

    assert result.formatted == expected.formatted
    assert result.data == {"values": ["#100", None, "#25"]}
    assert [error.path for error in result.errors] == [["values", 1]]


def test_values_of_a_class_that_the_encoder_writes_stay_as_they_are() -> None:
    @serializer(unchanged=(datetime,))
    def serialize(value: datetime) -> str:
        return value.isoformat()

    expected, result = results_of(GraphQLScalarType("DateTime", serialize=serialize), [NOON, None])

    assert expected.data == {"values": ["2026-11-22T12:00:00+00:00", None]}
    assert result.data == {"values": [NOON, None]}


def test_a_column_with_a_value_of_another_class_is_serialised_throughout() -> None:
    class Later(datetime):
        pass

    @serializer(unchanged=(datetime,))
    def serialize(value: datetime) -> str:
        return value.isoformat()

    later = Later(2026, 11, 22, 13, tzinfo=UTC)
    _, result = results_of(GraphQLScalarType("DateTime", serialize=serialize), [NOON, later])

    assert result.data == {"values": ["2026-11-22T12:00:00+00:00", "2026-11-22T13:00:00+00:00"]}


def test_a_strawberry_scalar_declares_it_with_its_serialize_function() -> None:
    @serializer(unchanged=(datetime,))
    def serialize(value: datetime) -> str:
        return value.isoformat()

    @strawberry.type
    class Query:
        @batched
        @staticmethod
        def at(roots: list[None]) -> list[datetime]:
            return [NOON for _ in roots]

    overrides: Any = {datetime: strawberry.scalar(name="DateTime", serialize=serialize, parse_value=str)}
    schema = strawberry.Schema(Query, execution_context_class=BreadthFirstExecutor, scalar_overrides=overrides)

    assert schema.execute_sync("{ at }").data == {"at": NOON}
