"""What is selected below a field decides what is read; what is remembered of it goes with the document."""

import gc
from typing import Any

import pytest
import strawberry
from graphql import FieldNode, FragmentDefinitionNode, OperationDefinitionNode, parse

from gql_api.schema.selection import DERIVED_MAX, SelectionCache
from tests.database.school import MOMENTS, School
from tests.schema.api import Api


class RawInfo:
    """The part of graphql-core's info that selections are taken from: the nodes of one root field."""

    def __init__(self, text: str) -> None:
        document = parse(text)
        operation, *fragments = document.definitions
        assert isinstance(operation, OperationDefinitionNode)
        self.field_nodes = [node for node in operation.selection_set.selections if isinstance(node, FieldNode)]
        self.fragments = {node.name.value: node for node in fragments if isinstance(node, FragmentDefinitionNode)}


def info(text: str) -> Any:
    return strawberry.Info(_raw_info=RawInfo(text), _field=None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "selection"),
    [
        ("{ student { name email } }", {(): {"name", "email"}}),
        (
            "{ student { n: name ...F ... on Node { id } ... @include(if: false) { email } } }"
            " fragment F on Student { createdAt }",
            {(): {"name", "id", "createdAt", "email"}},
        ),
        (
            "{ students { nodes { name } } students { edges { node { email } cursor } } }",
            {
                (): {"nodes", "edges"},
                ("nodes",): {"name"},
                ("edges",): {"node", "cursor"},
                ("edges", "node"): {"email"},
            },
        ),
        ("{ s { a: nodes { name } b: nodes { email } } }", {(): {"nodes"}, ("nodes",): {"name", "email"}}),
        (
            "{ s { edges { node { courses { nodes { title } } } } } }",
            {(): {"edges"}, ("edges",): {"node"}, ("edges", "node"): {"courses"}},
        ),
        (
            "{ s { ...A nodes { ...B } } }"
            " fragment A on C { nodes { ...B } } fragment B on S { name ...D } fragment D on S { id }",
            {(): {"nodes"}, ("nodes",): {"name", "id"}},
        ),
    ],
)
def test_names_are_found_by_the_path_that_leads_to_them(text: str, selection: dict[Any, set[str]]) -> None:
    found = SelectionCache().below(info(text))
    paths = [(), ("nodes",), ("edges",), ("edges", "node"), ("pageInfo",), ("nodes", "courses")]
    assert {path: found.names(path) for path in paths if found.names(path)} == selection


def test_a_selection_is_taken_once() -> None:
    selections, one = SelectionCache(), info("{ student { name } }")
    assert selections.below(one) is selections.below(one)
    assert len(selections) == 1


def test_what_follows_from_a_selection_is_kept_up_to_a_bound() -> None:
    selection = SelectionCache().below(info("{ student { name } }"))
    numbers = [*range(1, 2 * DERIVED_MAX + 1)]
    assert [selection.keep(number, -number) for number in numbers] == [-number for number in numbers]
    assert selection.derived == {number: -number for number in numbers[:DERIVED_MAX]}


def test_a_selection_is_forgotten_with_its_document() -> None:
    selections = SelectionCache()
    infos = [info("{ students { nodes { name } } students { totalCount } }") for _ in range(100)]
    for one in infos:
        selections.below(one)
    assert len(selections) == 100
    del one
    infos.clear()
    gc.collect()
    assert len(selections) == 0


@pytest.mark.parametrize(
    "document",
    [
        "{ students { nodes { name createdAt } } }",
        "{ students { edges { node { name createdAt } } } }",
        "{ students { nodes { name } edges { node { createdAt } } } }",
        "{ students { nodes { name } } students { edges { node { createdAt } } } }",
        "query ($no: Boolean = false) { students { nodes { name } edges @skip(if: $no) { node { createdAt } } } }",
        "{ ...G } fragment G on Query { students { ...H } }"
        " fragment H on StudentConnection { nodes { ...F } edges { node { ...F } } }"
        " fragment F on Student { name ... on Node { ... on Student { createdAt } } }",
    ],
)
async def test_however_columns_are_selected_they_are_read(api: Api, document: str) -> None:
    student = {"id": 1, "name": "Ada", "email": None, "sourced_id": None, "created_at": MOMENTS[1]}
    await api.store(School((student,), (), ()))
    students = (await api.data(document))["students"]
    found: dict[str, Any] = {}
    for node in [*students.get("nodes", []), *(edge["node"] for edge in students.get("edges", []))]:
        found |= node
    assert found == {"name": "Ada", "createdAt": "2024-03-01T00:00:00Z"}
