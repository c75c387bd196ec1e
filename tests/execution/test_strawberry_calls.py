"""Resolvers are called with what Strawberry would pass, and their exceptions handled as Strawberry handles them."""

# Strawberry's decorators with options are not typed.
# mypy: disable-error-code="untyped-decorator"

import asyncio
import logging
from enum import Enum
from typing import Annotated, Any, Optional

import pytest
import strawberry
from strawberry.relay import GlobalID

from gql_api.execution import BreadthFirstExecutor, PlanCache

logging.getLogger("strawberry.execution").disabled = True  # it logs every error that is provoked here


@strawberry.enum
class Size(Enum):
    SMALL = "s"
    LARGE = "l"


@strawberry.input
class Leaf:
    wide_name: str
    size: Size = Size.LARGE
    number: int | None = strawberry.UNSET
    other: int | None


@strawberry.input
class Tree:
    leaf: Leaf | None = None
    leaves: list[Leaf] | None = strawberry.UNSET
    numbers: list[list[int | None]] | None = None
    maybe: strawberry.Maybe[int | None] = None
    node: GlobalID | None = None
    inner: Optional["Tree"] = strawberry.field(name="deeper", default=None)


class NotThere(Exception):
    pass


class Declined(Exception):
    pass


@strawberry.type
class Found:
    text: str


@strawberry.type
class Missing:
    message: str


Outcome = Annotated[Found | Missing, strawberry.union("Outcome")]


class Translate:
    exception_type = (NotThere, Declined)
    error_type = Missing

    def handle(self, exception: Exception, **_where: Any) -> Missing | None:
        return None if isinstance(exception, Declined) else Missing(message=f"not there: {exception}")


class TranslateSlowly(Translate):
    async def handle(self, exception: Exception, **_where: Any) -> Missing | None:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().handle(exception)


ERRORS: dict[str, type[Exception]] = {"not there": NotThere, "declined": Declined, "other": ValueError}


def outcome(text: str) -> Found:
    if text in ERRORS:
        raise ERRORS[text](text)
    return Found(text=text)


@strawberry.type
class Query:
    @strawberry.field
    def tree(self, tree: Tree | None = strawberry.UNSET, trees: list[Tree] | None = None) -> str:
        return f"{tree!r} {trees!r}"

    @strawberry.field
    def at_once(self, text: str) -> Outcome:
        return outcome(text)

    @strawberry.field
    async def later(self, text: str) -> Outcome:
        await asyncio.sleep(0)
        return outcome(text)

    @strawberry.field
    async def converted(self, node: GlobalID, text: str) -> Outcome:
        return outcome(f"{node} {text}")


TREES = [
    "",
    "(tree: null)",
    "(tree: {}, trees: [])",
    '(tree: {leaf: {wideName: "a"}})',
    '(tree: {leaf: {wideName: "a", size: SMALL, number: 1, other: 2}, leaves: [{wideName: "b", number: null}]})',
    "(tree: {leaf: null, leaves: null, numbers: [[1, null], []], maybe: 3})",
    '(tree: {maybe: null, numbers: [], node: "VHJlZTox"})',
    '(tree: {deeper: {leaf: {wideName: "c"}, deeper: {deeper: {numbers: [[1]]}}}}, trees: [{maybe: 1}, {deeper: {}}])',
    '(tree: {node: "no id"})',
]


def both(text: str, handler: Any, variables: dict[str, Any] | None = None) -> list[Any]:
    """The result under Strawberry's executor, and under ours, which must not have handed it on."""
    plans = PlanCache()
    results = []
    for executor_class in (None, BreadthFirstExecutor.with_plans(plans)):
        handlers = [] if handler is None else [handler]
        schema = strawberry.Schema(Query, execution_context_class=executor_class, exception_handlers=handlers)
        result = asyncio.run(schema.execute(text, variables))
        results.append((result.data, [(error.message, error.path) for error in result.errors or []]))
    assert not plans.fallbacks
    return results


@pytest.mark.parametrize("arguments", TREES)
def test_inputs_become_what_strawberry_makes_of_them(arguments: str) -> None:
    usual, ours = both(f"{{ tree{arguments} }}", None)
    assert ours == usual


@pytest.mark.parametrize("tree", [{}, None, {"leaf": {"wideName": "a"}}, {"deeper": {"numbers": [[1]]}, "maybe": None}])
def test_inputs_in_variables_do_too(tree: Any) -> None:
    usual, ours = both("query ($tree: Tree) { tree(tree: $tree, trees: [{deeper: $tree}]) }", None, {"tree": tree})
    assert ours == usual


@pytest.mark.parametrize(
    ("field", "handler"),
    # A handler has to be as quick as the resolver.
    [(field, handler) for field in ("later", "atOnce") for handler in (None, Translate())]
    + [("later", TranslateSlowly())],
)
@pytest.mark.parametrize("text", ["fine", *ERRORS])
def test_exceptions_are_handled_as_strawberry_handles_them(field: str, text: str, handler: Any) -> None:
    query = f'{{ a: {field}(text: "{text}") {{ ...F }} b: {field}(text: "fine") {{ ...F }} }}'
    usual, ours = both(
        f"{query} fragment F on Outcome {{ ... on Found {{ text }} ... on Missing {{ message }} }}", handler
    )
    assert ours == usual


def test_an_argument_that_cannot_be_converted_is_the_fields_error() -> None:
    usual, ours = both('{ converted(node: "no id", text: "a") { __typename } }', Translate())
    assert ours == usual
    assert ours[1]
