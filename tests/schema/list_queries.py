"""Queries for lists, and the model's rows as clients see them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from gql_api.database.statements import Listing
from gql_api.schema.global_id import encode_id
from tests.database.list_model import Filter, Key, ModelPage, Row

LISTINGS = tuple(Listing)

_FIELDS = {
    "Student": ("id", "databaseId", "name", "email", "sourcedId", "createdAt"),
    "Course": ("id", "databaseId", "code", "title", "credits", "capacity", "sourcedId", "createdAt"),
}
_TYPE = {
    Listing.STUDENTS: "Student",
    Listing.COURSES: "Course",
    Listing.COURSES_OF_STUDENT: "Course",
    Listing.STUDENTS_OF_COURSE: "Student",
}
PARENT_TYPE = {Listing.COURSES_OF_STUDENT: "Student", Listing.STUDENTS_OF_COURSE: "Course"}
_COLUMNS = {
    "databaseId": "id",
    "sourcedId": "sourced_id",
    "createdAt": "created_at",
}


def query(listing: Listing) -> str:
    """Everything there is to know of a list; a nested one below all of $parents."""
    type_ = _TYPE[listing]
    fields = " ".join(_FIELDS[type_])
    edge = "cursor assignedAt node" if listing.parent else "cursor node"
    field = listing.label.split(".")[1]
    connection = f"""
        {field}(
            first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy
        ) {{
            edges {{ {edge} {{ {fields} }} }}
            nodes {{ {fields} }}
            pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
            totalCount
        }}
    """
    arguments = f"""
        $first: Int, $after: String, $last: Int, $before: String, $filter: {type_}Filter, $orderBy: [{type_}Order!]
    """
    if listing.parent is None:
        return f"query ({arguments}) {{ {connection} }}"
    return (
        f"query ($parents: [ID!]!, {arguments})"
        f" {{ nodes(ids: $parents) {{ ... on {PARENT_TYPE[listing]} {{ {connection} }} }} }}"
    )


def connections(listing: Listing, data: Any) -> list[dict[str, Any]]:
    """The connections in the answer to `query`, one for each parent."""
    field = listing.label.split(".")[1]
    if listing.parent is None:
        return [data[field]]
    return [node[field] for node in data["nodes"]]


def parent_ids(listing: Listing, keys: Sequence[int]) -> dict[str, Any]:
    """The variable that names the parents."""
    if listing.parent is None:
        return {}
    entity = Listing.STUDENTS.entity if PARENT_TYPE[listing] == "Student" else Listing.COURSES.entity
    return {"parents": [encode_id(entity, key) for key in keys]}


def order_by(keys: Sequence[Key]) -> list[dict[str, str]]:
    """An ordering as a variable; the id at its end goes without saying."""
    return [{"field": name.upper(), "direction": "DESC" if down else "ASC"} for name, down in keys[:-1]]


def filter_variable(filter_: Filter | None) -> Any:
    """A filter as a variable."""
    if filter_ is None:
        return None
    return {_camel(name): _filter_value(name, given) for name, given in filter_.items()}


def _filter_value(name: str, given: Any) -> Any:
    if name in {"and", "or"}:
        return [filter_variable(part) for part in given]
    if name == "not":
        return filter_variable(given)
    return {operator: _operand(operand) for operator, operand in given.items()}


def _operand(operand: Any) -> Any:
    if isinstance(operand, list):
        return [_operand(element) for element in operand]
    return time(operand) if isinstance(operand, datetime) else operand


def connection(listing: Listing, page: ModelPage, cursors: Mapping[int, str]) -> dict[str, Any]:
    """The model's page as the API answers it."""
    nodes = [_node(_TYPE[listing], row) for row in page.rows]
    edges = [
        {
            "cursor": cursors[row["id"]],
            **({"assignedAt": time(row["assigned_at"])} if listing.parent else {}),
            "node": node,
        }
        for row, node in zip(page.rows, nodes, strict=True)
    ]
    return {
        "edges": edges,
        "nodes": nodes,
        "pageInfo": {
            "hasNextPage": page.has_next,
            "hasPreviousPage": page.has_previous,
            "startCursor": edges[0]["cursor"] if edges else None,
            "endCursor": edges[-1]["cursor"] if edges else None,
        },
        "totalCount": page.total,
    }


def _node(type_: str, row: Row) -> dict[str, Any]:
    entity = Listing.STUDENTS.entity if type_ == "Student" else Listing.COURSES.entity
    values = {name: row[_COLUMNS.get(name, name)] for name in _FIELDS[type_] if name != "id"}
    return {"id": encode_id(entity, row["id"]), **values, "createdAt": time(row["created_at"])}


def time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))
