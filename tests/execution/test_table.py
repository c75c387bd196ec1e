"""Lists that are kept by column."""

# Strawberry's decorators with options are not typed.
# mypy: disable-error-code="untyped-decorator"

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import strawberry
from graphql import ExecutionResult, execute_sync, parse
from graphql.execution import Executor

from gql_api.execution import BreadthFirstExecutor, Table, batched, by_class


class City:
    """A row that counts how often one is made."""

    made = 0

    def __init__(self, name: str, size: int) -> None:
        City.made += 1
        self.name = name
        self.size = size
        self.motto = f"{name} first"


class Cities(Sequence[City]):
    """Cities by column, without a column for the motto."""

    row_type = City

    def __init__(self, names: Sequence[str], sizes: Sequence[int]) -> None:
        self._columns: dict[str, Sequence[Any]] = {"name": names, "size": sizes}

    def column(self, name: str) -> Sequence[Any]:
        return self._columns[name]

    def joined(self, others: Sequence["Cities"]) -> "Cities":
        parts = [self, *others]
        return Cities(*([value for part in parts for value in part.column(name)] for name in ("name", "size")))

    def __len__(self) -> int:
        return len(self._columns["name"])

    def __getitem__(self, index: Any) -> Any:
        return City(self._columns["name"][index], self._columns["size"][index])

    def __iter__(self) -> Iterator[City]:
        return map(City, self._columns["name"], self._columns["size"])


@strawberry.interface
class Place:
    name: str


@strawberry.type(name="City")
class CityType(Place):
    size: int
    motto: str

    @classmethod
    @by_class
    def is_type_of(cls, value: object, _info: object) -> bool:
        return isinstance(value, City)

    @batched
    def initial(cities: Sequence[City]) -> list[str]:  # noqa: N805 - all the sources at once
        names = cities.column("name") if isinstance(cities, Table) else [city.name for city in cities]
        return [name[0] for name in names]


class Country:
    def __init__(self, cities: Cities) -> None:
        self.cities = cities


@strawberry.type(name="Country")
class CountryType:
    cities: list[CityType]
    places: list[Place] = strawberry.field(resolver=lambda root: root.cities)


@strawberry.type
class Query:
    @strawberry.field(graphql_type=list[CountryType])
    def countries(self) -> Any:
        return [
            Country(Cities(["Rome", "Pisa"], [3, 1])),
            Country(Cities([], [])),
            Country(Cities(["Lyon"], [2])),
        ]


SCHEMA = strawberry.Schema(Query)


def run(query: str, executor_class: type[Executor[Any]]) -> ExecutionResult:
    City.made = 0
    return execute_sync(SCHEMA._schema, parse(query), executor_class=executor_class)  # noqa: SLF001


def test_a_class_with_the_members_of_a_table_is_one() -> None:
    assert issubclass(Cities, Table)
    assert not issubclass(list, Table)


def test_columns_are_taken_without_making_rows_but_one_to_tell_their_type() -> None:
    result = run("{ countries { cities { name size initial } } }", BreadthFirstExecutor)
    assert result.errors is None
    assert result.data == {
        "countries": [
            {"cities": [{"name": "Rome", "size": 3, "initial": "R"}, {"name": "Pisa", "size": 1, "initial": "P"}]},
            {"cities": []},
            {"cities": [{"name": "Lyon", "size": 2, "initial": "L"}]},
        ]
    }
    assert City.made == 1


@pytest.mark.parametrize(
    "query",
    [
        "{ countries { cities { name size initial } } }",
        "{ countries { cities { motto name } } }",
        "{ countries { places { name __typename ... on City { initial motto } } } }",
    ],
)
def test_a_table_means_the_list_of_its_rows(query: str) -> None:
    assert run(query, BreadthFirstExecutor) == run(query, Executor)
