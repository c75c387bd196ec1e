"""Batched fields: which batches are sent, what they are given, and what becomes of what they return."""

import asyncio
from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple, cast

import pytest
import strawberry
from graphql import ExecutionResult, GraphQLResolveInfo, build_schema, execute, execute_sync, parse
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission

from gql_api.execution import BatchResolver, BreadthFirstExecutor, Fallback, PlanCache, batched


class CourseRow(NamedTuple):
    title: str


class StudentRow(NamedTuple):
    name: str
    courses: int


STUDENTS = [StudentRow("Ada", 1), StudentRow("Bob", 0), StudentRow("Cy", 3)]
batches: list[Any] = []


@pytest.fixture(autouse=True)
def no_batches() -> None:
    batches.clear()


def names(students: Sequence[StudentRow]) -> str:
    return " ".join(student.name for student in students)


@strawberry.enum
class Tone(Enum):
    LOUD = "loud"
    SOFT = "soft"


@strawberry.input
class Wish:
    tone: Tone
    how_often: int = 1
    note: strawberry.Maybe[str | None]


class Allowed(BasePermission):
    message = "not allowed"

    def has_permission(self, source: StudentRow, info: strawberry.Info, **_kwargs: Any) -> bool:  # noqa: ARG002
        return source.name != "Bob"


class Shouting(FieldExtension):
    async def resolve_async(self, next_: Any, source: Any, info: strawberry.Info, **kwargs: Any) -> Any:
        return str(await next_(source, info, **kwargs)).upper()


@strawberry.interface
class Named:
    name: str

    @batched
    async def initial(rows: Sequence[StudentRow]) -> list[str]:  # noqa: N805  all the sources at once
        batches.append(("initial", names(rows)))
        return [row.name[0] for row in rows]


@strawberry.type
class Course:
    title: str

    @batched
    async def letters(courses: Sequence[CourseRow]) -> list[int]:  # noqa: N805
        batches.append(("letters", len(courses)))
        return [len(course.title) for course in courses]


@strawberry.type
class Student(Named):
    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        return isinstance(value, StudentRow)

    @batched
    @staticmethod
    async def courses(students: Sequence[StudentRow], first: int = 9) -> list[list[Course]]:
        batches.append(("courses", names(students), first))
        return [
            [cast("Course", CourseRow(f"{student.name} {number}")) for number in range(min(first, student.courses))]
            for student in students
        ]

    @batched(name="wished", description="What was wished.", deprecation_reason="Wish no more.")
    async def wish(
        students: Sequence[StudentRow],  # noqa: N805
        info: strawberry.Info,
        wishes: list[Wish] | None = None,
        tone: Tone | None = strawberry.UNSET,
    ) -> Sequence[str | None]:
        batches.append((info.context, info.field_name, info.path.as_list(), wishes, tone))
        return tuple(student.name for student in students)

    @batched
    async def halting(students: Sequence[StudentRow]) -> list[int]:  # noqa: N805
        return cast("list[int]", [ValueError(student.name) if not student.courses else 1 for student in students])

    @batched
    async def failing(students: Sequence[StudentRow]) -> list[int | None]:  # noqa: N805
        raise ValueError(f"no {len(students)}")

    @batched
    async def short(students: Sequence[StudentRow]) -> list[int | None]:  # noqa: N805
        return [1]

    @batched
    async def shapeless(students: Sequence[StudentRow]) -> list[int | None]:  # noqa: N805
        return cast("list[int | None]", 7)

    @batched(permission_classes=[Allowed])
    async def secret(students: Sequence[StudentRow]) -> list[str | None]:  # noqa: N805
        batches.append(("secret", names(students)))
        return ["secret"] * len(students)

    @batched(extensions=[Shouting()])
    async def loud(students: Sequence[StudentRow]) -> list[str]:  # noqa: N805
        batches.append(("loud", names(students)))
        return [student.name for student in students]

    @batched
    def synchronous(students: Sequence[StudentRow]) -> list[int]:  # noqa: N805
        batches.append(("synchronous", names(students)))
        return [student.courses for student in students]


@strawberry.type
class Query:
    @batched
    async def students(roots: Sequence[None]) -> list[list[Student]]:  # noqa: N805
        batches.append(("students", len(roots)))
        return [cast("list[Student]", STUDENTS) for _ in roots]

    @strawberry.field
    def named(self) -> list[Named]:
        return cast("list[Named]", STUDENTS[1:])


level_by_level = strawberry.Schema(Query, execution_context_class=BreadthFirstExecutor)
object_by_object = strawberry.Schema(Query)
anyhow = pytest.mark.parametrize("schema", [level_by_level, object_by_object], ids=["breadth-first", "graphql-core"])


@anyhow
async def test_one_batch_is_sent_for_every_field_of_a_level(schema: strawberry.Schema) -> None:
    result = await schema.execute("{ students { name initial courses(first: 2) { title letters } } }")

    assert result.errors is None
    assert result.data == {
        "students": [
            {"name": "Ada", "initial": "A", "courses": [{"title": "Ada 0", "letters": 5}]},
            {"name": "Bob", "initial": "B", "courses": []},
            {
                "name": "Cy",
                "initial": "C",
                "courses": [{"title": "Cy 0", "letters": 4}, {"title": "Cy 1", "letters": 4}],
            },
        ]
    }
    assert batches == [
        ("students", 1),
        ("initial", "Ada Bob Cy"),
        ("courses", "Ada Bob Cy", 2),
        ("letters", 3),
    ]


@anyhow
async def test_the_same_field_under_two_names_makes_two_batches(schema: strawberry.Schema) -> None:
    result = await schema.execute("{ students { a: courses(first: 1) { title } b: courses { letters } } }")

    assert result.errors is None
    assert batches == [
        ("students", 1),
        ("courses", "Ada Bob Cy", 1),
        ("courses", "Ada Bob Cy", 9),
        ("letters", 4),
    ]


@anyhow
async def test_operations_at_the_same_time_share_no_batch(schema: strawberry.Schema) -> None:
    await asyncio.gather(*(schema.execute("{ students { initial } }") for _ in range(2)))

    assert batches.count(("initial", "Ada Bob Cy")) == 2


@anyhow
async def test_arguments_arrive_as_python_values_and_once(schema: strawberry.Schema) -> None:
    text = """query ($wish: Wish!) {
      students { wished(wishes: [$wish, {tone: SOFT, howOften: 2, note: null}], tone: LOUD) }
    }"""

    result = await schema.execute(text, {"wish": {"tone": "LOUD", "note": "n"}}, context_value="context")

    assert result.data == {"students": [{"wished": "Ada"}, {"wished": "Bob"}, {"wished": "Cy"}]}
    ((context, field_name, _, wishes, tone),) = batches[1:]
    assert (context, field_name, tone) == ("context", "wished", Tone.LOUD)
    assert wishes == [
        Wish(tone=Tone.LOUD, how_often=1, note=strawberry.Some("n")),
        Wish(tone=Tone.SOFT, how_often=2, note=strawberry.Some(None)),
    ]


async def test_an_argument_left_out_has_its_default_and_the_path_has_no_indices() -> None:
    await level_by_level.execute("{ all: students { w: wished } }")

    assert batches[1:] == [(None, "wished", ["all", "w"], None, strawberry.UNSET)]


@anyhow
async def test_a_batched_field_of_an_interface_gets_the_objects_behind_it(schema: strawberry.Schema) -> None:
    result = await schema.execute("{ named { initial } }")

    assert result.data == {"named": [{"initial": "B"}, {"initial": "C"}]}
    assert batches == [("initial", "Bob Cy")]


@anyhow
async def test_an_exception_in_the_place_of_a_value_is_the_error_of_that_object(schema: strawberry.Schema) -> None:
    result = await schema.execute("{ students { name halting } }")

    assert result.data is None
    assert [(error.message, error.path) for error in result.errors or []] == [("Bob", ["students", 1, "halting"])]


@anyhow
@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("failing", "no 3"),
        ("short", "The batch function of field 'short' must return one value per source: 3 sources, 1 values."),
        (
            "shapeless",
            "The batch function of field 'shapeless' must return a sequence with one value per source, not int.",
        ),
    ],
)
async def test_a_batch_that_fails_is_the_error_of_every_object(
    schema: strawberry.Schema, field: str, message: str
) -> None:
    result = await schema.execute(f"{{ students {{ {field} }} }}")

    assert result.data == {"students": [{field: None}] * 3}
    assert [(error.message, error.path) for error in result.errors or []] == [
        (message, ["students", index, field]) for index in range(3)
    ]


@anyhow
async def test_permissions_are_asked_per_object_and_the_rest_is_batched(schema: strawberry.Schema) -> None:
    result = await schema.execute("{ students { secret } }")

    assert result.data == {"students": [{"secret": "secret"}, {"secret": None}, {"secret": "secret"}]}
    assert [error.message for error in result.errors or []] == ["not allowed"]
    assert batches[1:] == [("secret", "Ada Cy")]


@anyhow
async def test_extensions_run_per_object_around_one_batch(schema: strawberry.Schema) -> None:
    result = await schema.execute("{ students { loud } }")

    assert result.data == {"students": [{"loud": "ADA"}, {"loud": "BOB"}, {"loud": "CY"}]}
    assert batches[1:] == [("loud", "Ada Bob Cy")]


def test_a_synchronous_batch_needs_no_event_loop() -> None:
    text = "{ named { ... on Student { synchronous } } }"

    result = level_by_level.execute_sync(text)
    elsewhere = object_by_object.execute_sync(text)

    assert result.data == elsewhere.data == {"named": [{"synchronous": 0}, {"synchronous": 3}]}
    assert batches == [("synchronous", "Bob Cy"), ("synchronous", "Bob"), ("synchronous", "Cy")]


def test_the_schema_shows_one_value_of_the_list_and_no_sources() -> None:
    text = level_by_level.as_str()

    assert "courses(first: Int! = 9): [Course!]!" in text
    assert '"""What was wished."""' in text
    assert 'wished(wishes: [Wish!] = null, tone: Tone): String @deprecated(reason: "Wish no more.")' in text


def test_a_batched_field_must_return_a_list() -> None:
    message = r"returns list\[T\] or Sequence\[T\], one T per source, not <class 'int'>"

    with pytest.raises(TypeError, match=message):

        @strawberry.type
        class Wrong:
            @batched
            async def value(sources: Sequence[object]) -> int:  # noqa: N805
                return len(sources)


def test_a_batched_field_must_take_its_sources() -> None:
    with pytest.raises(TypeError, match="'value' must take the sources by position"):

        @batched
        def value(*, sources: Sequence[object]) -> list[int]:
            return [1] * len(sources)


async def test_a_batch_resolver_serves_a_schema_without_strawberry() -> None:
    schema = build_schema("type Query { items: [Item] } type Item { twice(times: Int = 2): Int }")

    async def twice(items: list[dict[str, int]], info: GraphQLResolveInfo[Any], times: int) -> list[int]:
        batches.append((info.field_name, len(items), times))
        return [item["number"] * times for item in items]

    fields: Any = schema.type_map["Item"]
    fields.fields["twice"].resolve = BatchResolver(twice)
    root = {"items": [{"number": 1}, {"number": 2}]}
    expected = ExecutionResult({"items": [{"twice": 2}, {"twice": 4}]})

    for executor_class in (BreadthFirstExecutor, None):
        result: Any = execute(schema, parse("{ items { twice } }"), root, executor_class=executor_class)
        assert await result == expected
    assert batches == [("twice", 2, 2)] * 2


def test_an_asynchronous_batch_is_an_error_where_nothing_is_awaited() -> None:
    schema = build_schema("type Query { value: Int }")

    async def value(roots: list[None], _info: Any) -> list[int]:
        return [1] * len(roots)

    assert schema.query_type is not None
    schema.query_type.fields["value"].resolve = BatchResolver(value)

    result = execute_sync(schema, parse("{ value }"), executor_class=BreadthFirstExecutor)

    assert result.data == {"value": None}
    assert [error.message for error in result.errors or []] == [
        "The batch function of field 'value' must return a sequence with one value per source, not coroutine."
    ]


async def test_batches_are_sent_behind_a_fallback_too() -> None:
    plans = PlanCache()
    executor_class = BreadthFirstExecutor.with_plans(plans)
    schema = strawberry.Schema(
        Query,
        execution_context_class=executor_class,
        config=strawberry.schema.config.StrawberryConfig(enable_experimental_incremental_execution=True),
    )

    text = "{ students { initial courses { title } ...F @defer(if: false) } } fragment F on Student { name }"

    result = await schema.execute(text)

    assert result.errors is None
    assert plans.fallbacks == {Fallback.INCREMENTAL_DELIVERY: 1}
    assert batches == [("students", 1), ("initial", "Ada Bob Cy"), ("courses", "Ada Bob Cy", 9)]
