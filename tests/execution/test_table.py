"""Lists that are kept by column."""

# Strawberry's decorators with options are not typed.
# mypy: disable-error-code="untyped-decorator"

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

import pytest
import strawberry
from graphql import ExecutionResult, execute, execute_sync, parse
from graphql.execution import Executor

from gql_api.execution import BreadthFirstExecutor, Parts, Table, batched, by_class


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


class Unjoined(Sequence[City]):
    """Cities by column, of which many lists make no table."""

    row_type = City

    def __init__(self, cities: Cities) -> None:
        self._cities = cities

    def column(self, name: str) -> Sequence[Any]:
        return self._cities.column(name)

    def __len__(self) -> int:
        return len(self._cities)

    def __getitem__(self, index: Any) -> Any:
        return self._cities[index]


class Listed(Sequence[Cities]):
    """Lists of cities that are one table."""

    __slots__ = ("_lists", "stops", "whole")

    def __init__(self, lists: Sequence[Cities]) -> None:
        self._lists = lists
        self.whole = lists[0].joined(lists[1:])
        self.stops = list(accumulate(map(len, lists)))

    def __len__(self) -> int:
        return len(self.stops)

    def __getitem__(self, index: Any) -> Any:
        return self._lists[index]


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
    unjoined: list[CityType] = strawberry.field(resolver=lambda root: Unjoined(root.cities))  # type: ignore[assignment]

    @batched(graphql_type=list[CityType])
    def listed(countries: Sequence[Country]) -> list[Any]:  # noqa: N805
        return Listed([country.cities for country in countries])  # type: ignore[return-value]

    @batched(graphql_type=list[Place])
    async def listed_places(countries: Sequence[Country]) -> list[Any]:  # noqa: N805
        return Listed([country.cities for country in countries])  # type: ignore[return-value]

    @batched(graphql_type=CityType)
    def capital(countries: Sequence[Country]) -> list[Any]:  # noqa: N805
        return Cities([f"Capital {place}" for place, _ in enumerate(countries)], [9] * len(countries))  # type: ignore[return-value]

    @batched(graphql_type=CityType | None)
    def too_few(countries: Sequence[Country]) -> list[Any]:  # noqa: N805
        return Cities(["one"], [1]) if len(countries) > 1 else Cities([], [])  # type: ignore[return-value]


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
        "{ countries { unjoined { name motto initial } } }",
        "{ countries { listed { name motto initial } } }",
    ],
)
def test_a_table_means_the_list_of_its_rows(query: str) -> None:
    assert run(query, BreadthFirstExecutor) == run(query, Executor)


async def test_lists_that_are_one_table_are_completed_without_making_rows_but_one() -> None:
    result = run("{ countries { listed { name initial } } }", BreadthFirstExecutor)
    assert result.errors is None
    assert result.data == {
        "countries": [
            {"listed": [{"name": "Rome", "initial": "R"}, {"name": "Pisa", "initial": "P"}]},
            {"listed": []},
            {"listed": [{"name": "Lyon", "initial": "L"}]},
        ]
    }
    assert City.made == 1
    assert isinstance(Listed([Cities([], [])]), Parts)
    assert not issubclass(Cities, Parts)


async def test_a_batch_function_may_be_awaited_for_lists_that_are_one_table() -> None:
    query = parse("{ countries { listedPlaces { name __typename } } }")
    pending = execute(SCHEMA._schema, query, executor_class=BreadthFirstExecutor)  # noqa: SLF001
    assert not isinstance(pending, ExecutionResult)
    result = await pending
    names = [["Rome", "Pisa"], [], ["Lyon"]]
    assert result.data == {
        "countries": [{"listedPlaces": [{"name": name, "__typename": "City"} for name in some]} for some in names]
    }


def test_the_values_of_a_batch_function_may_be_a_table() -> None:
    result = run("{ countries { capital { name size initial } } }", BreadthFirstExecutor)
    assert result.errors is None
    assert result.data == {
        "countries": [{"capital": {"name": f"Capital {place}", "size": 9, "initial": "C"}} for place in range(3)]
    }
    assert City.made <= 1


def test_a_table_that_is_too_short_for_its_sources_is_the_error_of_all() -> None:
    result = run("{ countries { tooFew { name } } }", BreadthFirstExecutor)
    assert result.data == {"countries": [{"tooFew": None}] * 3}
    assert [error.message for error in result.errors or ()] == [
        "The batch function of field 'tooFew' must return one value per source: 3 sources, 1 values."
    ] * 3
