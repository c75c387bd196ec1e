"""A Strawberry schema with every way in which its fields and types may be written, over rows that are not its own."""

# Strawberry's decorators with options are not typed.
# mypy: disable-error-code="untyped-decorator"

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, Generic, NamedTuple, Optional, TypeVar

import strawberry
from strawberry.permission import BasePermission

from gql_api.execution import batched, by_class

Item = TypeVar("Item")


class BirdRow(NamedTuple):
    id: int
    name: str
    wings: int | None


class FishRow(NamedTuple):
    id: int
    name: str
    fins: int


class HomeRecord:
    """An object that ``strawberry.cast`` can mark."""

    def __init__(self, number: int) -> None:
        self.id = number
        self.born = datetime(2026, 11, 1 + number, tzinfo=UTC)


class PageRecord:
    def __init__(self, items: list[Any]) -> None:
        self.items = items
        self.count = len(items)


BIRDS = [BirdRow(number, f"bird {number}", None if number % 3 == 0 else 2) for number in range(5)]
FISHES = [FishRow(number, f"fish {number}", number) for number in range(4)]


@strawberry.enum
class Water(Enum):
    SALT = "salt"
    SWEET = "sweet"


@strawberry.input
class Search:
    text: str = ""
    waters: list[Water] | None = None
    limit: strawberry.Maybe[int | None] = None
    deeper: Optional["Search"] = None


class Even(BasePermission):
    message = "odd ones are hidden"

    def has_permission(self, source: Any, info: strawberry.Info, **_kwargs: Any) -> bool:  # noqa: ARG002
        return bool(source.id % 2 == 0)


@strawberry.interface
class Animal:
    id: int
    name: str

    @strawberry.field
    def described(self, info: strawberry.Info, prefix: str = "a ") -> str:
        return f"{prefix}{self.name} at {info.path.as_list()}"

    @batched
    def initial(animals: Sequence[Any]) -> list[str]:  # noqa: N805
        return [animal.name[:1] for animal in animals]


@strawberry.type
class Bird(Animal):
    wings: int | None

    @classmethod
    @by_class
    def is_type_of(cls, value: object, _info: object) -> bool:
        return isinstance(value, BirdRow)

    @strawberry.field(name="alias")
    def nickname(self) -> str | None:
        return None if self.id == 2 else f"{self.name}!"

    @strawberry.field
    async def flown(self, to: Search | None = None) -> int:
        if self.id == 3:
            raise ValueError(f"{self.name} is lost")
        return self.id + len(to.text if to else "")

    @strawberry.field(permission_classes=[Even])
    def eggs(self) -> int | None:
        return self.id * 2

    @batched(graphql_type=list["Creature"])
    async def friends(
        birds: Sequence[BirdRow],  # noqa: N805
        info: strawberry.Info,
        search: Search | None = None,
        first: int = 2,
    ) -> list[list[Any]]:
        assert info.field_name == "friends"
        text = search.text if search else ""
        found: list[Any] = [*BIRDS, *FISHES]
        return [
            [animal for animal in found if text in animal.name and animal.id != bird.id][: max(first, 0)]
            for bird in birds
        ]


@strawberry.type
class Fish(Animal):
    fins: int

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        return isinstance(value, FishRow)

    @strawberry.field
    @staticmethod
    def water(fish: strawberry.Parent[FishRow]) -> Water:
        return Water.SALT if fish.id % 2 else Water.SWEET

    @strawberry.field
    @staticmethod
    def waters(root: FishRow) -> list[Water | None]:
        return [Water.SALT, None, Water.SWEET][: root.id]

    @batched(graphql_type=int)
    async def scales(fishes: Sequence[FishRow]) -> list[Any]:  # noqa: N805
        return [ValueError("too many") if fish.id == 2 else fish.id for fish in fishes]


@strawberry.type
class Nest:
    id: int
    born: datetime


@strawberry.type
class Den:
    id: int


Creature = Annotated[Bird | Fish, strawberry.union("Creature")]
Home = Annotated[Nest | Den, strawberry.union("Home")]


@strawberry.type
class Page(Generic[Item]):
    items: list[Item]
    count: int


AnyPage = Annotated[Page[int] | Page[str], strawberry.union("AnyPage")]


@strawberry.type
class Query:
    @batched(graphql_type=list[Bird])
    async def birds(roots: Sequence[None], limit: int = 3) -> list[Any]:  # noqa: N805
        return [BIRDS[: max(limit, 0)] for _ in roots]

    @strawberry.field(graphql_type=list[Animal | None])
    def animals(self, search: Search | None = None) -> Any:
        found = [animal for animal in (*FISHES, None, *BIRDS) if animal is None or animal.id < 3]
        limit = search.limit if search else None
        return found[: limit.value] if limit else iter(found)

    @strawberry.field(graphql_type=list[Creature])
    async def creatures(self, waters: list[Water] | None = None) -> Any:
        return (*BIRDS[:2], *FISHES[: len(waters or ())])

    @strawberry.field(graphql_type=list[Home])
    def homes(self) -> Any:
        nest, den = (Nest(id=number, born=datetime(2026, 11, number, tzinfo=UTC)) for number in (3, 4))
        records = [strawberry.cast(Nest, HomeRecord(1)), strawberry.cast(Den, HomeRecord(2))]
        return [*records, nest, strawberry.cast(Den, den)]

    @strawberry.field(graphql_type=list[AnyPage])
    def pages(self) -> Any:
        return [Page(items=[1, 2], count=2), Page(items=["a"], count=1), Page(items=[3], count=1)]

    @strawberry.field(graphql_type=Page[Bird])
    def bird_page(self) -> Any:
        return PageRecord([BIRDS[0], BIRDS[3]])

    @strawberry.field(graphql_type=Page[int] | None)
    def number_page(self, *, empty: bool = False) -> Any:
        return None if empty else PageRecord([1, 2])

    @strawberry.field(graphql_type=Animal | None)
    def stranger(self) -> Any:
        return HomeRecord(9)

    @strawberry.field(graphql_type=Fish)
    def mistaken(self) -> Any:
        return BIRDS[0]


@strawberry.type
class Mutation:
    @strawberry.mutation(graphql_type=Bird | None)
    async def hatch(self, search: Search) -> Any:
        return BIRDS[len(search.text) % len(BIRDS)]

    @batched(graphql_type=int)
    async def fish(roots: Sequence[None], *, water: Water = Water.SALT) -> list[Any]:  # noqa: N805
        return [len(water.value) for _ in roots]


@strawberry.type
class Subscription:
    @strawberry.subscription(graphql_type=Creature)
    async def passing(self, count: int = 2) -> AsyncIterator[Any]:
        for animal in (*BIRDS, *FISHES)[:count]:
            yield animal
