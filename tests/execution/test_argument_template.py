"""Arguments that are put together by a template are those that graphql-core would coerce."""

from typing import Any

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLDefaultInput,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    execute,
    parse,
    validate,
)
from graphql.execution import Executor

from gql_api.execution import BreadthFirstExecutor
from gql_api.execution.argument_template import template_of

POINT = GraphQLInputObjectType(
    "Point", {"x": GraphQLInputField(GraphQLNonNull(GraphQLInt)), "y": GraphQLInputField(GraphQLInt)}
)
SHAPE = GraphQLInputObjectType(
    "Shape", {"name": GraphQLInputField(GraphQLString), "at": GraphQLInputField(GraphQLNonNull(POINT))}
)
DEFAULTED = GraphQLInputObjectType(
    "Defaulted",
    {"x": GraphQLInputField(GraphQLInt), "y": GraphQLInputField(GraphQLInt, default=GraphQLDefaultInput(3))},
)
RENAMED = GraphQLInputObjectType("Renamed", {"x": GraphQLInputField(GraphQLInt, out_name="other")})
MADE = GraphQLInputObjectType("Made", {"x": GraphQLInputField(GraphQLInt)}, out_type=lambda value: ("made", value))
ONE = GraphQLInputObjectType(
    "One", {"x": GraphQLInputField(GraphQLInt), "y": GraphQLInputField(GraphQLInt)}, is_one_of=True
)

ARGUMENTS = {
    "point": GraphQLArgument(POINT),
    "shape": GraphQLArgument(SHAPE),
    "defaulted": GraphQLArgument(DEFAULTED),
    "renamed": GraphQLArgument(RENAMED),
    "made": GraphQLArgument(MADE),
    "one": GraphQLArgument(ONE),
}


def show(_source: Any, _info: Any, **arguments: Any) -> str:
    return repr(sorted(arguments.items()))


SCHEMA = GraphQLSchema(GraphQLObjectType("Query", {"show": GraphQLField(GraphQLString, ARGUMENTS, resolve=show)}))

DOCUMENTS = {
    "query ($x: Int!) { show(point: {x: $x}) }": True,
    "query ($x: Int!, $y: Int) { show(point: {y: $y, x: $x}) }": True,
    "query ($x: Int!, $y: Int = 5) { show(point: {y: $y, x: $x}) }": True,
    "query ($x: Int!, $name: String) { show(shape: {at: {x: $x}, name: $name}) }": True,
    "query ($point: Point!, $name: String) { show(shape: {at: $point, name: $name}, point: $point) }": True,
    "query ($x: Int!) { show(point: {x: $x, y: 2}) }": False,
    "query ($x: Int!) { show(point: {x: $x, y: null}) }": False,
    "query ($x: Int) { show(defaulted: {x: $x}) }": False,
    "query ($x: Int) { show(renamed: {x: $x}) }": False,
    "query ($x: Int) { show(made: {x: $x}) }": False,
    "query ($x: Int!) { show(one: {x: $x}) }": False,
    "{ show(point: {x: 1}) }": False,
    "{ show }": True,
}

GIVEN: list[dict[str, Any]] = [
    {"x": 1, "y": 2, "name": "a", "point": {"x": 7}},
    {"x": 1, "y": None, "name": None, "point": {"x": 7, "y": 8}},
    {"x": 1, "point": {"x": 7, "y": None}},
]


@pytest.mark.parametrize("text", DOCUMENTS)
def test_what_is_put_together_is_what_graphql_core_coerces(text: str) -> None:
    document = parse(text)
    assert validate(SCHEMA, document) == []
    for values in GIVEN:
        ours, theirs = (
            execute(SCHEMA, document, variable_values=values, executor_class=executor_class)
            for executor_class in (BreadthFirstExecutor, Executor)
        )
        assert ours == theirs, values


@pytest.mark.parametrize(("text", "has_template"), DOCUMENTS.items())
def test_only_what_is_nothing_but_variables_has_a_template(text: str, *, has_template: bool) -> None:
    field: Any = parse(text).definitions[0].selection_set.selections[0]  # type: ignore[attr-defined]
    template = template_of(ARGUMENTS, {argument.name.value: argument.value for argument in field.arguments or ()})
    assert (template is not None) is has_template
