"""A schema whose fields do anything that a field may do.

What a field does is decided by a hash of the salt, its object's key, its own name and its arguments, so that every
executor that asks meets the same answer, however often and in whatever order it asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator
from typing import TYPE_CHECKING, Any
from zlib import crc32

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
)

from gql_api.execution import BatchResolver

if TYPE_CHECKING:
    from graphql import GraphQLOutputType

SDL = """
interface Thing {
  key: String!
  label(upper: Boolean = false, prefix: String): String
  owner: Thing
  peers(count: Int = 2): [Thing]
  seeds(kind: Kind, wish: Wish): [Seed!]
}
type Stone implements Thing {
  key: String!
  label(upper: Boolean = false, prefix: String): String!
  owner: Stone
  peers(count: Int = 2): [Thing!]
  seeds(kind: Kind, wish: Wish): [Seed!]
  weight: Float
  hardness: Int!
  formed: Moment
  grid: [[Int!]]!
}
type Plant implements Thing {
  key: String!
  label(upper: Boolean = false, prefix: String): String
  owner: Thing
  peers(count: Int = 2): [Plant]!
  seeds(kind: Kind, wish: Wish): [Seed!]!
  kind: Kind!
  kinds: [Kind]
  nearest: Found!
  mother: Plant!
}
type Seed {
  key: String!
  viable: Boolean
  sown: Moment!
  plant: Plant!
  maybe: Plant
  siblings: [[Seed]!]
  number: Int
  ident: ID!
}
union Found = Stone | Plant | Seed
enum Kind { TREE HERB MOSS }
scalar Moment
input Wish { kind: Kind = HERB, count: Int! = 1, words: [String!], inner: Wish }
input Choice @oneOf { key: ID, kind: Kind }
type Query {
  thing(id: ID!): Thing
  things(kinds: [Kind!], wish: Wish, choice: Choice): [Thing!]
  found(at: Moment): [Found]!
  seed: Seed!
  stones: [Stone!]!
  plant: Plant
  matrix: [[Seed!]]!
  cube: [[[Float]!]]
  text: String
  ratio: Float
  kind: Kind
}
type Mutation {
  plant(wish: Wish!): Plant
  bury(id: ID!): Stone!
  note(text: String): String
  count: Int!
  found: Found
}
"""
PLAIN = {"Seed.viable", "Seed.number", "Stone.weight", "Query.text", "Plant.maybe"}
"""Fields without a resolver: read from the source by the default resolver."""
BATCHED = {"Seed.plant", "Plant.kind", "Stone.owner", "Query.stones", "Plant.seeds", "Query.matrix", "Mutation.count"}
"""Fields resolved by a batch function that is asynchronous where anything may be."""
BATCHED_SYNCHRONOUSLY = {"Seed.ident", "Stone.hardness", "Stone.seeds", "Query.kind", "Plant.nearest"}

POSSIBLE_TYPES = {
    "Stone": ["Stone"],
    "Plant": ["Plant"],
    "Seed": ["Seed"],
    "Thing": ["Stone", "Plant"],
    "Found": ["Stone", "Plant", "Seed"],
}


class Item:
    """A source. Its attributes do what fields do, as far as an attribute can."""

    def __init__(self, nature: Nature, type_name: str, key: str) -> None:
        self.nature = nature
        self.type_name = type_name
        self.key = key

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.nature.attribute(self, name)

    def __repr__(self) -> str:
        return f"<{self.type_name} {self.key}>"


class Later:
    """An awaitable that complains to nobody if nobody awaits it: odd values are dropped on purpose."""

    def __init__(self, value: Any, *, turns: int, error: Exception | None) -> None:
        self._value = value
        self._turns = turns
        self._error = error

    def __await__(self) -> Generator[Any, None, Any]:
        for _ in range(self._turns):
            yield from asyncio.sleep(0).__await__()
        if self._error is not None:
            raise self._error
        return self._value


class Nature:
    """Decides what happens at every field of its schema.

    ``salt`` makes one nature of many, ``wildness`` is the percentage of fields that misbehave. Both may be changed
    between two operations.
    """

    def __init__(self, *, asynchronous: bool) -> None:
        self.salt = 0
        self.wildness = 0
        self.asynchronous = asynchronous
        self.mutations: list[str] = []
        self.schema = self._schema()

    def _schema(self) -> GraphQLSchema:
        schema = build_schema(SDL)
        for type_ in schema.type_map.values():
            if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
                for name, definition in type_.fields.items():
                    self._give_resolver(type_, name, definition)
        types = schema.type_map
        for name in ("Plant", "Seed"):
            self._object_type(types[name]).is_type_of = self._is_type_of(name)
        self._object_type(types["Stone"]).is_type_of = lambda value, _info: value.type_name == "Stone"
        thing, moment, kind = types["Thing"], types["Moment"], types["Kind"]
        assert isinstance(thing, GraphQLInterfaceType)
        assert isinstance(moment, GraphQLScalarType)
        assert isinstance(kind, GraphQLEnumType)
        thing.resolve_type = self._resolve_type
        moment.coerce_output_value = self._serialize_moment
        return schema

    def root(self) -> Item:
        return Item(self, "Query", "")

    def _object_type(self, type_: Any) -> GraphQLObjectType:
        assert isinstance(type_, GraphQLObjectType)
        return type_

    def roll(self, *parts: object) -> int:
        return crc32(repr((self.salt, *parts)).encode())

    def misbehaves(self, roll: int) -> bool:
        return roll // 7 % 100 < self.wildness

    def _give_resolver(self, type_: GraphQLObjectType, name: str, definition: GraphQLField) -> None:
        field = FieldNature(self, type_, name, definition)
        if field.place in PLAIN:
            definition.resolve = None
        elif field.place in BATCHED and self.asynchronous:
            definition.resolve = BatchResolver(field.resolve_batch_later)
        elif field.place in BATCHED | BATCHED_SYNCHRONOUSLY:
            definition.resolve = BatchResolver(field.resolve_batch)
        else:
            definition.resolve = field.resolve

    def attribute(self, source: Item, name: str) -> Any:
        roll = self.roll(source.key, name, "attribute")
        if self.misbehaves(roll):
            if roll % 4 == 0:
                raise AttributeError(name)
            if roll % 4 == 1:
                raise ValueError(f"attribute {name} of {source.key} raises")
            if roll % 4 == 2:
                return lambda info, **arguments: f"{info.path.as_list()}{arguments}"
        values: dict[str, Any] = {"viable": bool(roll % 2), "number": roll % 1_000, "weight": roll / 8, "text": "text"}
        value = values.get(name)
        return self.later(value, roll) if self.asynchronous and roll % 5 == 0 else value

    def later(self, value: Any, roll: int) -> Later:
        error = ValueError(f"late {roll % 100}") if self.misbehaves(roll // 3) else None
        return Later(value, turns=roll // 11 % 3, error=error)

    def value(self, type_: GraphQLOutputType, key: str, roll: int, parent: GraphQLObjectType) -> Any:
        """Return something that may be completed as a type, or that may not."""
        roll = self.roll(roll, key)
        if self.misbehaves(roll):
            odd = [None, RuntimeError(f"in place of {key}"), object, {"a": "mapping"}, 2**40, "text"]
            return odd[roll % len(odd)]
        if isinstance(type_, GraphQLNonNull):
            return self.value(type_.of_type, key, roll, parent)
        if isinstance(type_, GraphQLList):
            return self._list(type_, key, roll, parent)
        possible = POSSIBLE_TYPES.get(type_.name)
        if roll % 9 == 0:
            value: Any = None
        elif possible is not None:
            value = Item(self, possible[roll % len(possible)], key)
        else:
            leafs = {
                "Int": roll % 50,
                "Float": roll / 3,
                "Boolean": bool(roll % 2),
                "ID": roll,
                "Moment": roll % 90,
                "Kind": ["TREE", "HERB", "MOSS"][roll % 3],
            }
            value = leafs.get(type_.name, f"{type_.name} of {parent.name} {key}")
        return value

    def _list(self, type_: GraphQLList[Any], key: str, roll: int, parent: GraphQLObjectType) -> Any:
        items = [
            self.value(type_.of_type, f"{key}.{index}", self.roll(roll, index), parent) for index in range(roll % 4)
        ]
        if self.asynchronous:
            items = [self.later(item, roll + at) if (roll + at) % 6 == 0 else item for at, item in enumerate(items)]
            if roll % 8 == 0:
                return self._read_later(items)
        breaks = self.misbehaves(roll // 5)
        if roll % 5 == 0 or breaks:
            return self._iterate(items, breaks=breaks)
        return tuple(items) if roll % 5 == 1 else items

    def _iterate(self, items: list[Any], *, breaks: bool) -> Iterator[Any]:
        if breaks:
            raise ValueError("iterating raises")
        yield from items

    async def _read_later(self, items: list[Any]) -> AsyncIterator[Any]:
        for item in items:
            await asyncio.sleep(0)
            yield item

    def _is_type_of(self, name: str) -> Any:
        def is_type_of(value: Any, _info: GraphQLResolveInfo[Any]) -> Any:
            if not isinstance(value, Item):
                raise TypeError(f"no item: {value!r}")
            roll = self.roll(value.key, name, "is type of")
            if self.misbehaves(roll):
                if roll % 2:
                    raise ValueError(f"{name} cannot tell")
                return False
            answer = value.type_name == name
            return self.later(answer, roll) if self.asynchronous and roll % 4 == 0 else answer

        return is_type_of

    def _resolve_type(self, value: Any, _info: GraphQLResolveInfo[Any], _type: Any) -> Any:
        roll = self.roll(getattr(value, "key", None), "resolve type")
        if self.misbehaves(roll):
            odd = ["Seed", "Kind", "Nobody", None, 7, ValueError("no type")]
            answer = odd[roll % len(odd)]
            if isinstance(answer, ValueError):
                raise answer
            return answer
        answer = value.type_name
        return self.later(answer, roll) if self.asynchronous and roll % 4 == 0 else answer

    def _serialize_moment(self, value: Any) -> Any:
        if not isinstance(value, int):
            raise TypeError(f"no moment: {value!r}")
        if value % 9 == 8:
            return None
        return f"moment {value}"


class FieldNature:
    """What one field does."""

    def __init__(self, nature: Nature, type_: GraphQLObjectType, name: str, definition: GraphQLField) -> None:
        self.place = f"{type_.name}.{name}"
        self._nature = nature
        self._type = type_
        self._name = name
        self._definition = definition

    def _outcome(self, source: Item, arguments: dict[str, Any]) -> Any:
        roll = self._nature.roll(source.key, self.place, sorted(arguments.items()))
        return self._nature.value(self._definition.type, f"{source.key}/{self._name}", roll, self._type)

    def resolve(self, source: Item, _info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        nature = self._nature
        if self._type.name == "Mutation":
            nature.mutations.append(f"{self._name}{sorted(arguments.items())}")
        roll = nature.roll(self.place, source.key, "how", sorted(arguments.items()))
        if nature.misbehaves(roll):
            if roll % 3 == 0:
                raise ValueError(f"{self.place} of {source.key} raises")
            if roll % 3 == 1:
                return KeyError(f"{self.place} of {source.key} returned")
        value = self._outcome(source, arguments)
        return nature.later(value, roll) if nature.asynchronous and roll % 2 else value

    def resolve_batch(self, sources: list[Item], info: GraphQLResolveInfo[Any], **arguments: Any) -> list[Any]:
        nature = self._nature
        assert info.field_name == self._name
        if nature.misbehaves(nature.roll(self.place, "batch")):
            raise ValueError(f"batch of {self.place} raises")
        return [
            KeyError(f"{self.place} of {source.key} in batch")
            if nature.misbehaves(nature.roll(self.place, source.key, "in batch"))
            else self._outcome(source, arguments)
            for source in sources
        ]

    async def resolve_batch_later(
        self, sources: list[Item], info: GraphQLResolveInfo[Any], **arguments: Any
    ) -> list[Any]:
        await asyncio.sleep(0)
        return self.resolve_batch(sources, info, **arguments)
