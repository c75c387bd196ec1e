"""The schema as it is published: up to date, complete, described, and of the shapes that clients build upon."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    is_introspection_type,
    is_specified_scalar_type,
    lexicographic_sort_schema,
    print_type,
)

from gql_api.cli import main

ROOT = Path(__file__).parents[2]
PUBLISHED = build_schema((ROOT / "schema.graphql").read_text())
CONTRACT = build_schema((Path(__file__).parent / "contract.graphql").read_text())


def own_types(schema: GraphQLSchema) -> dict[str, GraphQLNamedType]:
    return {
        name: type_
        for name, type_ in schema.type_map.items()
        if not is_introspection_type(type_) and not is_specified_scalar_type(type_)
    }


def parts(schema: GraphQLSchema) -> Iterator[tuple[str, Any]]:
    """All that can be described, by its place: `Query.node(id:)`."""
    for name, type_ in own_types(schema).items():
        yield name, type_
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for field_name, field in type_.fields.items():
                yield f"{name}.{field_name}", field
                for argument_name, argument in field.args.items():
                    yield f"{name}.{field_name}({argument_name}:)", argument
        elif isinstance(type_, GraphQLInputObjectType):
            for field_name, input_field in type_.fields.items():
                yield f"{name}.{field_name}", input_field
        elif isinstance(type_, GraphQLEnumType):
            for value_name, value in type_.values.items():
                yield f"{name}.{value_name}", value


def without_descriptions(schema: GraphQLSchema) -> dict[str, str]:
    for _, part in parts(schema):
        part.description = None
    return {name: print_type(type_) for name, type_ in own_types(lexicographic_sort_schema(schema)).items()}


def test_the_published_file_is_the_schema_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(main, ["schema", "--check"])
    assert (result.exit_code, result.stderr) == (0, "")


def test_another_file_is_told_from_it(tmp_path: Path) -> None:
    file = tmp_path / "schema.graphql"
    file.write_text((ROOT / "schema.graphql").read_text().replace("Student", "Pupil"))
    result = CliRunner().invoke(main, ["schema", "--check", str(file)])
    assert result.exit_code == 1
    assert f"{file} is not the schema of this program" in result.stderr


def test_everything_is_described() -> None:
    assert [place for place, part in parts(PUBLISHED) if not (part.description or "").strip()] == []


def test_descriptions_are_sentences() -> None:
    described = [(place, part.description) for place, part in parts(PUBLISHED)]
    assert [place for place, text in described if text[0].islower()] == []
    assert [place for place, text in described if not text.endswith(".")] == []


def test_the_contract_is_kept_to_the_letter() -> None:
    published = build_schema((ROOT / "schema.graphql").read_text())
    assert without_descriptions(published) == without_descriptions(CONTRACT)


CONNECTIONS = {name: type_ for name, type_ in own_types(PUBLISHED).items() if name.endswith("Connection")}


def fields(type_: GraphQLNamedType) -> dict[str, str]:
    assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
    return {name: str(field.type) for name, field in type_.fields.items()}


def test_there_is_one_connection_for_each_list() -> None:
    assert sorted(CONNECTIONS) == [
        "CourseConnection",
        "CourseStudentConnection",
        "StudentConnection",
        "StudentCourseConnection",
    ]


@pytest.mark.parametrize("name", CONNECTIONS)
def test_connections_and_edges_have_the_shape_that_relay_defines(name: str) -> None:
    edge_name = name.replace("Connection", "Edge")
    connection, edge = fields(CONNECTIONS[name]), fields(PUBLISHED.type_map[edge_name])
    assert connection["edges"] == f"[{edge_name}!]!"
    assert connection["pageInfo"] == "PageInfo!"
    assert connection["totalCount"] == "Int!"
    assert edge["cursor"] == "String!"
    assert connection["nodes"] == f"[{edge['node']}]!"


def test_fields_that_give_connections_take_the_arguments_that_relay_defines() -> None:
    taken = {}
    for type_ in own_types(PUBLISHED).values():
        if isinstance(type_, GraphQLObjectType):
            for name, field in type_.fields.items():
                if str(field.type).endswith("Connection!"):
                    arguments = {key: str(argument.type) for key, argument in field.args.items()}
                    taken[f"{type_.name}.{name}"] = {
                        key: arguments[key] for key in ("first", "after", "last", "before")
                    }
    relay = {"first": "Int", "after": "String", "last": "Int", "before": "String"}
    assert taken == dict.fromkeys(["Query.students", "Query.courses", "Student.courses", "Course.students"], relay)


def test_page_info_is_relays() -> None:
    assert fields(PUBLISHED.type_map["PageInfo"]) == {
        "hasNextPage": "Boolean!",
        "hasPreviousPage": "Boolean!",
        "startCursor": "String",
        "endCursor": "String",
    }


def test_nodes_are_refetched_by_their_id() -> None:
    query, node = PUBLISHED.query_type, PUBLISHED.type_map["Node"]
    assert query is not None
    assert isinstance(node, GraphQLInterfaceType)
    assert fields(node) == {"id": "ID!"}
    assert {type_.name for type_ in PUBLISHED.get_possible_types(node)} == {"Student", "Course"}
    assert (str(query.fields["node"].type), str(query.fields["node"].args["id"].type)) == ("Node", "ID!")
    assert (str(query.fields["nodes"].type), str(query.fields["nodes"].args["ids"].type)) == ("[Node]!", "[ID!]!")


def test_all_that_is_no_success_is_an_error() -> None:
    unions = [type_ for type_ in own_types(PUBLISHED).values() if isinstance(type_, GraphQLUnionType)]
    assert len(unions) == 9
    for union in unions:
        success, *errors = union.types
        assert success.name == union.name.replace("Result", "Success")
        assert errors
        assert all([interface.name for interface in error.interfaces] == ["Error"] for error in errors)


def test_mutations_take_one_input_and_give_one_result() -> None:
    assert PUBLISHED.mutation_type is not None
    for name, field in PUBLISHED.mutation_type.fields.items():
        title = name[0].upper() + name[1:]
        assert {key: str(argument.type) for key, argument in field.args.items()} == {"input": f"{title}Input!"}
        assert str(field.type) == f"{title}Result!"
